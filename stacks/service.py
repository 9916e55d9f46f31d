"""A service on the cluster: how many tasks of what, who reaches them, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from awacs import dynamodb as tables
from awacs import sqs as queueing
from awacs.aws import Allow, ArnEquals, Condition, Principal, Statement
from troposphere import Equals, GetAtt, If, Join, Not, NoValue, Parameter, Sub, ecs, sns
from troposphere import applicationautoscaling as scaling
from troposphere.logs import LogGroup

from deployer.config import fields
from deployer.model import ABSENT, Env, Template, Value
from stacks.assets import Assets
from stacks.cluster import Cluster
from stacks.database import Database, connect_as, reached_as
from stacks.foundation import Foundation
from stacks.messages import Messages
from stacks.monitored_outputs import DeadLetterQueueName
from stacks.network import Network
from stacks.parts import containers
from stacks.parts.containers import Task
from stacks.parts.iam import allow
from stacks.parts.names import image_parameter
from stacks.parts.queues import dead_letter_queue
from stacks.parts.retention import retention_policies
from stacks.parts.security_groups import allow_ingress
from stacks.registry import Registry
from stacks.users import Users

WEBHOOK = "/webhooks/avatar"
HAS_IMAGE = "HasImage"
FAILURES = "Failures"
GRACE_SECONDS = 60  # For a task to come up before the load balancer's verdict counts.

SecretName = Annotated[
    str,
    fields.described(
        "the name of a variable, such as ROLLBAR_ACCESS_TOKEN, and none of AWS: a task has a role",
        pattern=r"^(?!AWS_)[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$",
        max_length=64,
    ),
]
Exporter = Annotated[
    str,
    fields.described(
        'the URL of an OTLP/HTTP endpoint, such as https://api.honeycomb.io, or ""',
        pattern=r"^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?)?$",
    ),
]
Image = Annotated[
    str,
    fields.described(
        "an image with its digest, such as public.ecr.aws/aws/name:tag@sha256:…",
        pattern=r"^[a-z0-9]([a-z0-9._/:-]*[a-z0-9])?(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?@sha256:[0-9a-f]{64}$",
    ),
]


class Settings(fields.Settings, frozen=True):
    """The `[service]` table; `[verifier]` is another one of its kind."""

    size: fields.FargateSize
    min_tasks: Annotated[int, fields.described("0 to 100 tasks", ge=0, le=100)]
    max_tasks: Annotated[int, fields.described("1 to 100 tasks", ge=1, le=100)]
    exec: bool
    secrets: tuple[SecretName, ...]
    exporter: Exporter
    log_retention_days: fields.LogRetentionDays
    collector: Image
    name: fields.Name = "backend-flask"
    image: fields.Name = "backend"
    port: fields.Port = 4567
    architecture: Literal["ARM64", "X86_64"] = "ARM64"
    cpu_percent: Annotated[int, fields.described("10 to 90 percent", ge=10, le=90)] = 60
    requests_per_minute: Annotated[int, fields.described("a number of requests", ge=1)] = 1000

    def __post_init__(self) -> None:
        """There have to be at least as many tasks at most as at least."""
        if self.max_tasks < self.min_tasks:
            fact = f"{self.max_tasks} is less than min_tasks = {self.min_tasks}"
            raise fields.ConflictError(("max_tasks", fact))

    @property
    def task(self) -> Task:
        """What one task is made of."""
        return Task(
            name=self.name,
            port=self.port,
            size=self.size,
            architecture=self.architecture,
            collector=self.collector,
            exporter=self.exporter,
            secrets=self.secrets,
            shell=self.exec,
        )


@dataclass(frozen=True)
class Service:
    """What a release updates, and what has to be watched.

    *image* is the digest that the stack was last updated with. *failures* is the queue of avatars
    that the application was not told of.
    """

    name: Value
    image: Value
    log_group: Value
    failures: DeadLetterQueueName | None = None


def define(
    t: Template,
    env: Env,
    settings: Settings,
    base: Foundation,
    net: Network,
    *,
    cluster: Cluster,
    images: Registry,
    private: bool,
    routed: bool = True,
    data: Database | None = None,
    messages: Messages | None = None,
    users: Users | None = None,
    assets: Assets | None = None,
) -> Service:
    """The tasks of one application, as many as its load needs.

    *private* says that the private subnets have a way out, for images and for AWS itself.
    *routed* puts it behind the load balancer; another service is found by its name alone. It is
    told of *data*, *messages* and *users* as far as they are given, and hears of new *assets*.

    Before there is an image nothing runs, and nothing is promised to anybody: the parameter that
    a release writes says `none`.
    """
    image = t.add_parameter(
        Parameter(
            "Image",
            Type="AWS::SSM::Parameter::Value<String>",
            Default=image_parameter(env, settings.image),
            Description="The digest of the image that was released last",
        )
    )
    t.awaited_parameters["Image"] = image_parameter(env, settings.image)
    t.add_condition(HAS_IMAGE, Not(Equals(image.ref(), ABSENT)))
    group = t.add_resource(
        LogGroup("TaskLogs", RetentionInDays=settings.log_retention_days, **retention_policies(env))
    )
    task = containers.define(
        t,
        env,
        settings.task,
        boundary=base.boundary,
        image=If(HAS_IMAGE, Join("@", [images.uri, image.ref()]), images.uri),
        repository=images.arn,
        group=group,
        variables=_variables(env, data, messages, users),
        statements=_rights(data, messages),
    )
    if data:
        allow_ingress(
            t,
            "FromService",
            group=data.firewall,
            source=cluster.service_firewall,
            port=data.port,
            description="From services",
        )
    if not routed:  # Other services may ask it; the load balancer has no way to it.
        allow_ingress(
            t,
            "FromServices",
            group=cluster.service_firewall,
            source=cluster.service_firewall,
            port=settings.port,
            description="From other services",
        )
    service = t.add_resource(
        ecs.Service(
            "Service",
            ServiceName=settings.name,
            TaskDefinition=task.ref(),
            **_how_many(cluster),
            **_where(net, cluster, private=private),
            **_reached(settings, cluster, routed=routed),
            EnableECSManagedTags=True,
            PropagateTags="SERVICE",
            EnableExecuteCommand=settings.exec,
        )
    )
    _scale(t, settings, service, cluster=cluster, routed=routed)
    return Service(
        name=service.get_att("Name"),
        image=image.ref(),
        log_group=group.ref(),
        failures=_tell_of_avatars(t, env, service, assets) if assets else None,
    )


def _how_many(cluster: Cluster) -> dict[str, Any]:
    """None before there is an image; afterwards autoscaling says, so a stack update does not.

    When the first image comes the count stays 0 here, and Application Auto Scaling brings it to
    the minimum, as it does for every new target (API reference of RegisterScalableTarget).
    A deployment never has fewer than all good tasks, and one whose tasks do not come up is taken
    back.
    """
    return {
        "Cluster": cluster.name,
        "DesiredCount": If(HAS_IMAGE, NoValue, 0),
        "DeploymentConfiguration": ecs.DeploymentConfiguration(
            MinimumHealthyPercent=100,
            MaximumPercent=200,
            DeploymentCircuitBreaker=ecs.DeploymentCircuitBreaker(Enable=True, Rollback=True),
        ),
    }


def _where(net: Network, cluster: Cluster, *, private: bool) -> dict[str, Any]:
    """Without a way out of the private subnets, tasks have public addresses and nobody gets in."""
    return {
        "NetworkConfiguration": ecs.NetworkConfiguration(
            AwsvpcConfiguration=ecs.AwsvpcConfiguration(
                AssignPublicIp="DISABLED" if private else "ENABLED",
                Subnets=list(net.private_subnets if private else net.public_subnets),
                SecurityGroups=[cluster.service_firewall],
            )
        )
    }


def _reached(settings: Settings, cluster: Cluster, *, routed: bool) -> dict[str, Any]:
    """By other services at NAME.NAMESPACE:PORT, and by the world where it is *routed*."""
    by_name = ecs.ServiceConnectConfiguration(
        Enabled=True,
        Namespace=cluster.namespace,
        Services=[
            ecs.ServiceConnectService(
                PortName=settings.name,
                DiscoveryName=settings.name,
                ClientAliases=[ecs.ServiceConnectClientAlias(Port=settings.port)],
            )
        ],
    )
    if not routed:
        return {"ServiceConnectConfiguration": by_name}
    return {
        "ServiceConnectConfiguration": by_name,
        "HealthCheckGracePeriodSeconds": GRACE_SECONDS,
        "LoadBalancers": [
            ecs.LoadBalancer(
                ContainerName=settings.name,
                ContainerPort=settings.port,
                TargetGroupArn=cluster.target_group,
            )
        ],
    }


def _variables(
    env: Env, data: Database | None, messages: Messages | None, users: Users | None
) -> dict[str, Value]:
    """What the application is told, in the original's words and in libpq's."""
    told: dict[str, Value] = {
        "FRONTEND_URL": f"https://{env.domain}",
        "BACKEND_URL": f"https://api.{env.domain}",
        "ASSETS_URL": f"https://assets.{env.domain}",
    }
    if data:
        told |= reached_as(data.application, data)
    if messages:
        told["DDB_MESSAGE_TABLE"] = messages.table
    if users:
        told |= {
            "AWS_COGNITO_USER_POOL_ID": users.pool,
            "AWS_COGNITO_USER_POOL_CLIENT_ID": users.client,
        }
    return told


def _rights(data: Database | None, messages: Messages | None) -> list[Statement]:
    """Its own table and index, and the database as the application; no keys, no passwords."""
    may = [connect_as(data.application, data)] if data else []
    if messages:
        may += [
            allow(
                "Messages",
                [tables.ConditionCheckItem, tables.GetItem, tables.PutItem, tables.Query],
                messages.table_arn,
            ),
            allow("Conversations", [tables.Query], messages.index_arn),
        ]
    return may


def _scale(
    t: Template, settings: Settings, service: ecs.Service, *, cluster: Cluster, routed: bool
) -> None:
    """By the CPU its tasks need, and by the requests each of them has."""
    target = t.add_resource(
        scaling.ScalableTarget(
            "Tasks",
            Condition=HAS_IMAGE,
            ServiceNamespace="ecs",
            ScalableDimension="ecs:service:DesiredCount",
            ResourceId=Sub(f"service/${{Cluster}}/${{{service.title}.Name}}", Cluster=cluster.name),
            MinCapacity=settings.min_tasks,
            MaxCapacity=settings.max_tasks,
        )
    )
    _follow(t, target, "Cpu", settings.cpu_percent, "ECSServiceAverageCPUUtilization")
    if routed:
        label = Join("/", [cluster.load_balancer_name, cluster.target_group_name])
        _follow(
            t,
            target,
            "Requests",
            settings.requests_per_minute,
            "ALBRequestCountPerTarget",
            ResourceLabel=label,
        )


def _follow(
    t: Template,
    target: scaling.ScalableTarget,
    title: str,
    value: int,
    metric: str,
    **more: Any,
) -> None:
    t.add_resource(
        scaling.ScalingPolicy(
            f"By{title}",
            Condition=HAS_IMAGE,
            PolicyName=title,
            PolicyType="TargetTrackingScaling",
            ScalingTargetId=target.ref(),
            TargetTrackingScalingPolicyConfiguration=(
                scaling.TargetTrackingScalingPolicyConfiguration(
                    TargetValue=value,
                    ScaleInCooldown=300,
                    ScaleOutCooldown=60,
                    PredefinedMetricSpecification=scaling.PredefinedMetricSpecification(
                        PredefinedMetricType=metric, **more
                    ),
                )
            ),
        )
    )


def _tell_of_avatars(t: Template, env: Env, service: ecs.Service, assets: Assets) -> Value:
    """Subscribe the application to new avatars, once it is there to confirm.

    Returns the queue of those that it could not be told of.
    """
    let_in = _only_from(assets.avatar_topic, to=GetAtt(FAILURES, "Arn"))
    queue = dead_letter_queue(t, FAILURES, env, statements=[let_in])
    t.add_resource(
        sns.SubscriptionResource(
            "AvatarWebhook",
            Condition=HAS_IMAGE,
            TopicArn=assets.avatar_topic,
            Protocol="https",
            Endpoint=f"https://api.{env.domain}{WEBHOOK}",
            RedrivePolicy={"deadLetterTargetArn": queue.get_att("Arn")},
            DependsOn=service,
        )
    )
    return queue.get_att("QueueName")


def _only_from(topic: Value, *, to: Value) -> Statement:
    return Statement(
        Sid="UndeliveredAvatars",
        Effect=Allow,
        Principal=Principal("Service", "sns.amazonaws.com"),
        Action=[queueing.SendMessage],
        Resource=[to],
        Condition=Condition(ArnEquals({"aws:SourceArn": topic})),
    )
