"""What one task of a service is: its containers, what it is told, and its two roles.

An image has to bring what is not said here: a program that listens on the port of its service, on
all addresses, and ends on SIGTERM; `bin/health-check` below its working directory, which ends with
0 while all is well; and `VOLUME /tmp`, which anybody may write, since Fargate gives a volume the
owner and mode that the image has for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from awacs import ecr, logs, ssm, ssmmessages, xray
from awacs.aws import Statement
from troposphere import Region, ecs
from troposphere.logs import LogGroup

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks.parts.iam import allow, role
from stacks.parts.names import arn, resource_name

TMP = "tmp"
COLLECTOR = "collector"
APPLICATION_USER = "1000:1000"  # Whatever user and group the image says.
OTLP_PORT = 4318  # OTLP over HTTP, on the loopback that the containers of a task share.
COLLECTOR_USER = "4317"  # As its image has it.
# What the collector sends along, as a map in YAML: it is the collector who speaks to the outside.
EXPORTER_HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
SEND_TRACES = [
    xray.GetSamplingRules,
    xray.GetSamplingTargets,
    xray.PutTelemetryRecords,
    xray.PutTraceSegments,
]
OPEN_SHELL = [
    ssmmessages.CreateControlChannel,
    ssmmessages.CreateDataChannel,
    ssmmessages.OpenControlChannel,
    ssmmessages.OpenDataChannel,
]
STOP_SECONDS = 30  # From SIGTERM to SIGKILL: as long as a request may take, and then some.


@dataclass(frozen=True)
class Task:
    """What a task is made of, beside its image.

    *secrets* are names of variables; what is in them lies in Parameter Store, under
    /<prefix>/<environment>/<name>/. *collector* is an image, *exporter* where the collector sends
    besides X-Ray, *shell* whether an operator may have one in a task.
    """

    name: str
    port: int
    size: fields.FargateSize
    architecture: str
    collector: str
    exporter: str
    secrets: Sequence[str]
    shell: bool


def define(
    t: Template,
    env: Env,
    task: Task,
    *,
    boundary: Value,
    image: Value,
    repository: Value,
    group: LogGroup,
    variables: Mapping[str, Value],
    statements: Sequence[Statement],
) -> ecs.TaskDefinition:
    """One container that has to live, and beside it the collector, which may die."""
    execution = role(
        t,
        "ExecutionRole",
        service="ecs-tasks",
        boundary=boundary,
        statements=_start(env, task, repository=repository, group=group),
    )
    own_role = role(
        t, "TaskRole", service="ecs-tasks", boundary=boundary, statements=[*_run(task), *statements]
    )
    return t.add_resource(
        ecs.TaskDefinition(
            "Task",
            Family=resource_name(env, task.name),
            NetworkMode="awsvpc",
            RequiresCompatibilities=["FARGATE"],
            Cpu=str(task.size.cpu),
            Memory=str(task.size.memory_mib),
            RuntimePlatform=ecs.RuntimePlatform(
                CpuArchitecture=task.architecture, OperatingSystemFamily="LINUX"
            ),
            ExecutionRoleArn=execution.get_att("Arn"),
            TaskRoleArn=own_role.get_att("Arn"),
            Volumes=[ecs.Volume(Name=TMP)],
            ContainerDefinitions=[
                _application(env, task, image=image, group=group, variables=variables),
                _collector(env, task, group=group),
            ],
        )
    )


def secret_name(env: Env, task: str, variable: str) -> str:
    """Where in Parameter Store the value of a secret *variable* lies."""
    return f"/{env.prefix}/{env.name}/{task}/{variable}"


def _application(
    env: Env, task: Task, *, image: Value, group: LogGroup, variables: Mapping[str, Value]
) -> ecs.ContainerDefinition:
    """A shell needs files that it may write; without one, only /tmp is."""
    return ecs.ContainerDefinition(
        Name=task.name,
        Image=image,
        Essential=True,
        User=APPLICATION_USER,
        PortMappings=[
            ecs.PortMapping(
                Name=task.name, ContainerPort=task.port, Protocol="tcp", AppProtocol="http"
            )
        ],
        Environment=_environment(
            {
                "AWS_DEFAULT_REGION": Region,
                "OTEL_SERVICE_NAME": task.name,
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{OTLP_PORT}",
                **variables,
            }
        ),
        Secrets=_secrets(env, task, [name for name in task.secrets if name != EXPORTER_HEADERS]),
        HealthCheck=ecs.HealthCheck(
            Command=["CMD", "bin/health-check"], Interval=30, Timeout=5, Retries=3, StartPeriod=60
        ),
        ReadonlyRootFilesystem=not task.shell,
        MountPoints=[ecs.MountPoint(SourceVolume=TMP, ContainerPath="/tmp")],  # noqa: S108
        LinuxParameters=ecs.LinuxParameters(InitProcessEnabled=True),
        StopTimeout=STOP_SECONDS,
        LogConfiguration=_logs(group, task.name),
    )


def _collector(env: Env, task: Task, *, group: LogGroup) -> ecs.ContainerDefinition:
    """Telemetry that breaks must not break the application: it is not essential."""
    return ecs.ContainerDefinition(
        Name=COLLECTOR,
        Image=task.collector,
        Essential=False,
        RestartPolicy=ecs.RestartPolicy(Enabled=True, RestartAttemptPeriod=60),
        MemoryReservation=64,
        Memory=128,
        User=COLLECTOR_USER,
        ReadonlyRootFilesystem=True,
        Environment=_environment({"AOT_CONFIG_CONTENT": collector_config(task)}),
        Secrets=_secrets(env, task, [name for name in task.secrets if name == EXPORTER_HEADERS]),
        LogConfiguration=_logs(group, COLLECTOR),
    )


def collector_config(task: Task) -> str:
    """What the collector does: take OTLP from the task, give it to X-Ray and to *exporter*.

    See the documentation of the AWS distribution of OpenTelemetry, Configuring the collector.
    """
    exporters: dict[str, dict[str, str]] = {"awsxray": {}}
    if task.exporter:
        exporters["otlphttp"] = {"endpoint": task.exporter}
        if EXPORTER_HEADERS in task.secrets:
            exporters["otlphttp"]["headers"] = f"${{env:{EXPORTER_HEADERS}}}"
    return json.dumps(
        {
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{OTLP_PORT}"}}}},
            "processors": {
                "memory_limiter": {"check_interval": "1s", "limit_mib": 96},
                "batch": {},
            },
            "exporters": exporters,
            "service": {
                "pipelines": {
                    "traces": {
                        "receivers": ["otlp"],
                        "processors": ["memory_limiter", "batch"],
                        "exporters": list(exporters),
                    }
                }
            },
        }
    )


def _start(env: Env, task: Task, *, repository: Value, group: LogGroup) -> list[Statement]:
    """What ECS needs before the task runs: its image, its secrets, its logs."""
    statements = [
        allow(
            "SignInToRegistry", [ecr.GetAuthorizationToken], "*"
        ),  # It takes no narrower resource.
        allow(
            "PullImage",
            [ecr.BatchCheckLayerAvailability, ecr.BatchGetImage, ecr.GetDownloadUrlForLayer],
            repository,
        ),
        allow("WriteLogs", [logs.CreateLogStream, logs.PutLogEvents], group.get_att("Arn")),
    ]
    if task.secrets:
        names = [secret_name(env, task.name, variable) for variable in task.secrets]
        parameters = [arn("ssm", f"parameter{name}") for name in names]
        statements.append(allow("ReadSecrets", [ssm.GetParameters], *parameters))
    return statements


def _run(task: Task) -> list[Statement]:
    """What every task may do: send traces, and let an operator in where that is wanted.

    Neither can be narrowed: see X-Ray and ssmmessages in the service authorization reference.
    """
    return [
        allow("SendTraces", SEND_TRACES, "*"),
        *([allow("OpenShell", OPEN_SHELL, "*")] if task.shell else []),
    ]


def _environment(variables: Mapping[str, Value]) -> list[ecs.Environment]:
    return [ecs.Environment(Name=name, Value=value) for name, value in variables.items()]


def _secrets(env: Env, task: Task, variables: Sequence[str]) -> list[ecs.Secret]:
    return [
        ecs.Secret(
            Name=variable, ValueFrom=arn("ssm", f"parameter{secret_name(env, task.name, variable)}")
        )
        for variable in variables
    ]


def _logs(group: LogGroup, prefix: str) -> ecs.LogConfiguration:
    """Non-blocking: the application goes on when CloudWatch does not answer."""
    return ecs.LogConfiguration(
        LogDriver="awslogs",
        Options={
            "awslogs-group": group.ref(),
            "awslogs-region": Region,
            "awslogs-stream-prefix": prefix,
            "mode": "non-blocking",
            "max-buffer-size": "4m",
        },
    )
