"""The task definition of a service: its containers, environment and two roles.

Requirements for an image: its program listens on PORT, on all addresses, and exits within
GRACEFUL_TIMEOUT_SECONDS of SIGTERM (see `server_variables`); `bin/health-check` below its working
directory exits with 0 while the program is healthy; and it declares `VOLUME /tmp`, writable by
every user, because Fargate mounts a volume with the owner and mode of the image.
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
APPLICATION_USER = "1000:1000"  # Overrides the user and group of the image.
OTLP_PORT = 4318  # OTLP over HTTP, on the loopback interface that all containers of a task share.
COLLECTOR_USER = "4317"  # As in the image of the collector.
# Headers that the collector adds to exported traces, as a YAML map.
EXPORTER_HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
SEND_TRACES = [
    xray.PutTelemetryRecords,
    xray.PutTraceSegments,
]
USE_ECS_EXEC = [
    ssmmessages.CreateControlChannel,
    ssmmessages.CreateDataChannel,
    ssmmessages.OpenControlChannel,
    ssmmessages.OpenDataChannel,
]
STOP_SECONDS = 30  # From SIGTERM to SIGKILL: longer than the longest request.
GRACEFUL_TIMEOUT_SECONDS = STOP_SECONDS - 5  # The program ends requests that take longer.
# A load balancer reuses connections until its idle timeout. A program that closes them earlier
# breaks requests: see "502: Bad gateway" in the user guide of Application Load Balancers.
KEEP_ALIVE_MARGIN_SECONDS = 15
MIN_WORKERS = 2  # One worker continues while the other one is replaced.


@dataclass(frozen=True)
class Task:
    """The settings of a task definition.

    *secrets* are names of environment variables with values in Parameter Store, below
    /<prefix>/<environment>/<name>/. *collector* is the image of the OpenTelemetry collector.
    *exporter* is a URL to which the collector sends traces in addition to X-Ray, or "".
    """

    name: str
    port: int
    size: fields.FargateSize
    architecture: str
    collector: str
    exporter: str
    secrets: Sequence[str]
    enable_exec: bool


def define(
    t: Template,
    env: Env,
    task: Task,
    *,
    boundary: Value,
    image: Value,
    repository: Value,
    log_group: LogGroup,
    variables: Mapping[str, Value],
    statements: Sequence[Statement],
) -> ecs.TaskDefinition:
    """Add the task definition: the essential application container, and the collector."""
    execution = role(
        t,
        "ExecutionRole",
        service="ecs-tasks",
        boundary=boundary,
        statements=_execution_statements(env, task, repository=repository, log_group=log_group),
    )
    task_role = role(
        t,
        "TaskRole",
        service="ecs-tasks",
        boundary=boundary,
        statements=[*_task_statements(task), *statements],
    )
    return t.add_resource(
        ecs.TaskDefinition(
            "TaskDefinition",
            Family=resource_name(env, task.name),
            NetworkMode="awsvpc",
            RequiresCompatibilities=["FARGATE"],
            Cpu=str(task.size.cpu),
            Memory=str(task.size.memory_mib),
            RuntimePlatform=ecs.RuntimePlatform(
                CpuArchitecture=task.architecture, OperatingSystemFamily="LINUX"
            ),
            ExecutionRoleArn=execution.get_att("Arn"),
            TaskRoleArn=task_role.get_att("Arn"),
            Volumes=[ecs.Volume(Name=TMP)],
            ContainerDefinitions=[
                _application(env, task, image=image, log_group=log_group, variables=variables),
                _collector(env, task, log_group=log_group),
            ],
        )
    )


def secret_name(env: Env, task: str, variable: str) -> str:
    """Return the name of the Parameter Store parameter for a secret *variable*."""
    return f"/{env.prefix}/{env.name}/{task}/{variable}"


def server_variables(task: Task, *, idle_timeout_seconds: int) -> dict[str, str]:
    """Return the variables of the HTTP server; backend/cruddur/server.py reads them.

    *idle_timeout_seconds* is that of the load balancer. WEB_CONCURRENCY is the number of processes:
    one for each vCPU, but at least MIN_WORKERS.
    """
    return {
        "PORT": str(task.port),
        "WEB_CONCURRENCY": str(max(MIN_WORKERS, task.size.cpu // 1024)),
        "KEEP_ALIVE_SECONDS": str(idle_timeout_seconds + KEEP_ALIVE_MARGIN_SECONDS),
        "GRACEFUL_TIMEOUT_SECONDS": str(GRACEFUL_TIMEOUT_SECONDS),
    }


def _application(
    env: Env, task: Task, *, image: Value, log_group: LogGroup, variables: Mapping[str, Value]
) -> ecs.ContainerDefinition:
    """Define the application; its root file system is writable only for ECS Exec."""
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
        ReadonlyRootFilesystem=not task.enable_exec,
        MountPoints=[ecs.MountPoint(SourceVolume=TMP, ContainerPath="/tmp")],  # noqa: S108
        LinuxParameters=ecs.LinuxParameters(InitProcessEnabled=True),
        StopTimeout=STOP_SECONDS,
        LogConfiguration=_logs(log_group, task.name),
    )


def _collector(env: Env, task: Task, *, log_group: LogGroup) -> ecs.ContainerDefinition:
    """Define the collector, which is not essential: the application survives its failure."""
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
        LogConfiguration=_logs(log_group, COLLECTOR),
    )


def collector_config(task: Task) -> str:
    """Return the configuration of the collector: receive OTLP, export to X-Ray and *exporter*.

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


def _execution_statements(
    env: Env, task: Task, *, repository: Value, log_group: LogGroup
) -> list[Statement]:
    """Allow ECS to pull the image, to read the secrets and to write the logs of a task."""
    statements = [
        # The action supports no narrower resource.
        allow("GetRegistryToken", [ecr.GetAuthorizationToken], "*"),
        allow(
            "PullImage",
            [ecr.BatchCheckLayerAvailability, ecr.BatchGetImage, ecr.GetDownloadUrlForLayer],
            repository,
        ),
        allow("WriteLogs", [logs.CreateLogStream, logs.PutLogEvents], log_group.get_att("Arn")),
    ]
    if task.secrets:
        names = [secret_name(env, task.name, variable) for variable in task.secrets]
        parameters = [arn("ssm", f"parameter{name}") for name in names]
        statements.append(allow("ReadSecrets", [ssm.GetParameters], *parameters))
    return statements


def _task_statements(task: Task) -> list[Statement]:
    """Allow a task to send traces and, if enabled, to use ECS Exec.

    The actions of neither support a narrower resource: see X-Ray and ssmmessages in the service
    authorization reference.
    """
    return [
        allow("SendTraces", SEND_TRACES, "*"),
        *([allow("UseEcsExec", USE_ECS_EXEC, "*")] if task.enable_exec else []),
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


def _logs(log_group: LogGroup, prefix: str) -> ecs.LogConfiguration:
    """Log without blocking: the application continues when CloudWatch is unavailable."""
    return ecs.LogConfiguration(
        LogDriver="awslogs",
        Options={
            "awslogs-group": log_group.ref(),
            "awslogs-region": Region,
            "awslogs-stream-prefix": prefix,
            "mode": "non-blocking",
            "max-buffer-size": "4m",
        },
    )
