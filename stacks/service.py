"""An ECS service: its tasks, their number, network access and permissions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from awacs import dynamodb as dynamodb_actions
from awacs import sns as sns_actions
from awacs import sqs as sqs_actions
from awacs.aws import Allow, ArnEquals, Condition, Principal, Statement
from troposphere import Equals, GetAtt, If, Join, Not, NoValue, Parameter, Sub, ecs, sns
from troposphere.logs import LogGroup

from deployer.config import fields
from deployer.model import ABSENT, Env, Template, Value
from stacks.assets import Assets
from stacks.cluster import Cluster
from stacks.database import Database, allow_connect, connection_variables
from stacks.foundation import Foundation
from stacks.messages import Messages
from stacks.monitored_outputs import DeadLetterQueueName
from stacks.network import ANY_IPV4, Network
from stacks.parts import autoscaling, containers
from stacks.parts.autoscaling import Autoscaling
from stacks.parts.containers import Task
from stacks.parts.iam import allow
from stacks.parts.names import image_parameter, webhook_url
from stacks.parts.queues import dead_letter_queue
from stacks.parts.retention import retention_policies
from stacks.parts.security_groups import allow_egress, allow_ingress
from stacks.registry import Registry
from stacks.users import Users

HAS_IMAGE = "HasImage"
DEAD_LETTER_QUEUE = "AvatarWebhookDeadLetterQueue"
HTTPS_PORT = 443  # Egress to it is allowed by the stack cluster.
HEALTH_CHECK_GRACE_SECONDS = 60  # Failed health checks of a starting task are ignored.

SecretName = Annotated[
    str,
    fields.described(
        "the name of a variable such as ROLLBAR_ACCESS_TOKEN, but not AWS_…: a task uses its role",
        pattern=r"^(?!AWS_)[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$",
        max_length=64,
    ),
]
ExporterUrl = Annotated[
    str,
    fields.described(
        'the URL of an OTLP/HTTP endpoint, such as https://api.honeycomb.io, or ""',
        pattern=rf"^(https?://{fields.HOST}(:{fields.PORT})?(/[A-Za-z0-9._~/-]*)?)?$",
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
    """The `[service]` table and the optional `[verifier]` table."""

    size: fields.FargateSize
    min_tasks: Annotated[int, fields.described("0 to 100 tasks", ge=0, le=100)]
    max_tasks: Annotated[int, fields.described("1 to 100 tasks", ge=1, le=100)]
    enable_exec: bool
    secrets: tuple[SecretName, ...]
    trace_exporter_url: ExporterUrl
    log_retention_days: fields.LogRetentionDays
    collector_image: Image
    name: fields.Name = "backend-flask"
    image: fields.Name = "backend"
    port: fields.Port = 4567
    architecture: Literal["ARM64", "X86_64"] = "ARM64"
    target_cpu_percent: Annotated[int, fields.described("10 to 90 percent", ge=10, le=90)] = 60
    target_requests_per_minute: Annotated[
        int, fields.described("1 to 1000000 requests", ge=1, le=1_000_000)
    ] = 1000

    def __post_init__(self) -> None:
        """Raise ConflictError if max_tasks is less than min_tasks."""
        if self.max_tasks < self.min_tasks:
            fact = f"{self.max_tasks} is less than min_tasks = {self.min_tasks}"
            raise fields.ConflictError(("max_tasks", fact))

    @property
    def task(self) -> Task:
        """The task definition of the service, without its image."""
        return Task(
            name=self.name,
            port=self.port,
            size=self.size,
            architecture=self.architecture,
            collector=self.collector_image,
            exporter=self.trace_exporter_url,
            secrets=self.secrets,
            enable_exec=self.enable_exec,
        )


@dataclass(frozen=True)
class Service:
    """The service, and the resources that monitoring observes.

    *image* is the digest of the image at the last stack update. *dead_letter_queue* holds
    notifications of new avatars that could not be delivered to the application.
    """

    name: Value
    image: Value
    log_group: Value
    dead_letter_queue: DeadLetterQueueName | None = None


def define(
    t: Template,
    env: Env,
    settings: Settings,
    foundation: Foundation,
    network: Network,
    *,
    cluster: Cluster,
    registry: Registry,
    in_private_subnets: bool,
    idle_timeout_seconds: int,
    is_load_balanced: bool = True,
    database: Database | None = None,
    messages: Messages | None = None,
    users: Users | None = None,
    assets: Assets | None = None,
) -> Service:
    """Add the tasks of one application, and scale them with its load.

    With *in_private_subnets*, the tasks are in private subnets, which then need internet access. With
    *is_load_balanced*, they are registered with the load balancer, which closes idle connections after
    *idle_timeout_seconds*. Other services connect by name in any case. The tasks have access to
    *database* and *messages*, accept tokens of *users*, and receive notifications of *assets*.

    Before the first release the value of the image parameter is `none`. Until then no task runs, and
    conditional resources do not exist.
    """
    image = _image(t, image_parameter(env, settings.image))
    log_group = t.add_resource(
        LogGroup(
            "TaskLogGroup", RetentionInDays=settings.log_retention_days, **retention_policies(env)
        )
    )
    task = containers.define(
        t,
        env,
        settings.task,
        boundary=foundation.boundary,
        image=If(HAS_IMAGE, Join("@", [registry.uri, image.ref()]), registry.uri),
        repository=registry.arn,
        log_group=log_group,
        variables={
            **containers.server_variables(settings.task, idle_timeout_seconds=idle_timeout_seconds),
            **_variables(env, database, messages, users, assets),
        },
        statements=_statements(database, messages, assets),
    )
    if database:
        _allow_ingress_to_database(t, database, cluster)
    if not is_load_balanced:
        _allow_traffic_between_services(t, cluster, settings.port)
    _allow_egress_to_exporter(t, cluster, settings.trace_exporter_url)
    service = t.add_resource(
        ecs.Service(
            "Service",
            ServiceName=settings.name,
            TaskDefinition=task.ref(),
            **_task_count(cluster),
            **_placement(network, cluster, in_private_subnets=in_private_subnets),
            **_discovery(settings, cluster, is_load_balanced=is_load_balanced),
            EnableECSManagedTags=True,
            PropagateTags="SERVICE",
            EnableExecuteCommand=settings.enable_exec,
        )
    )
    autoscaling.define(
        t,
        _autoscaling(settings),
        condition=HAS_IMAGE,
        service_id=Sub(f"service/${{Cluster}}/${{{service.title}.Name}}", Cluster=cluster.name),
        targets=Join("/", [cluster.load_balancer_name, cluster.target_group_name])
        if is_load_balanced
        else None,
    )
    return Service(
        name=service.get_att("Name"),
        image=image.ref(),
        log_group=log_group.ref(),
        dead_letter_queue=_avatar_webhook(t, env, service, assets) if assets else None,
    )


def _image(t: Template, parameter_name: str) -> Parameter:
    """Add the parameter with the digest of the released image, and the condition HAS_IMAGE."""
    image = t.add_parameter(
        Parameter(
            "Image",
            Type="AWS::SSM::Parameter::Value<String>",
            Default=parameter_name,
            Description="Digest of the image of the last release",
        )
    )
    t.awaited_parameters["Image"] = parameter_name
    t.add_condition(HAS_IMAGE, Not(Equals(image.ref(), ABSENT)))
    return image


def _allow_ingress_to_database(t: Template, database: Database, cluster: Cluster) -> None:
    allow_ingress(
        t,
        "DatabaseIngressFromService",
        security_group=database.security_group,
        source_security_group=cluster.service_security_group,
        port=database.port,
        description="From services",
    )


def _allow_traffic_between_services(t: Template, cluster: Cluster, port: int) -> None:
    """Allow other services to connect: a service without the load balancer has no other clients."""
    allow_ingress(
        t,
        "ServiceIngressFromServices",
        security_group=cluster.service_security_group,
        source_security_group=cluster.service_security_group,
        port=port,
        description="From other services",
    )
    allow_egress(
        t,
        "ServiceEgressToServices",
        security_group=cluster.service_security_group,
        port=port,
        description="To other services",
        DestinationSecurityGroupId=cluster.service_security_group,
    )


def _allow_egress_to_exporter(t: Template, cluster: Cluster, url: str) -> None:
    """Allow traces to leave on a port other than that of HTTPS, which every service may use."""
    scheme, _, address = url.partition("://")
    written = address.partition("/")[0].partition(":")[2]
    port = int(written or {"http": 80}.get(scheme, HTTPS_PORT))
    if port != HTTPS_PORT:
        allow_egress(
            t,
            "ServiceEgressToExporter",
            security_group=cluster.service_security_group,
            port=port,
            description="Traces to the exporter",
            CidrIp=ANY_IPV4,
        )


def _task_count(cluster: Cluster) -> dict[str, Any]:
    """Return the number of tasks: none before the first image; after that, autoscaling sets it.

    When the first image is deployed the count is still 0, and Application Auto Scaling raises it to
    the minimum, as for every new scalable target (API reference of RegisterScalableTarget). A
    deployment keeps all healthy tasks, and is rolled back if its new tasks do not start.
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


def _placement(network: Network, cluster: Cluster, *, in_private_subnets: bool) -> dict[str, Any]:
    """Return private subnets, or public subnets and addresses, which the security group protects."""
    return {
        "NetworkConfiguration": ecs.NetworkConfiguration(
            AwsvpcConfiguration=ecs.AwsvpcConfiguration(
                AssignPublicIp="DISABLED" if in_private_subnets else "ENABLED",
                Subnets=list(
                    network.private_subnets if in_private_subnets else network.public_subnets
                ),
                SecurityGroups=[cluster.service_security_group],
            )
        )
    }


def _discovery(settings: Settings, cluster: Cluster, *, is_load_balanced: bool) -> dict[str, Any]:
    """Return the registration in Service Connect and, if *is_load_balanced*, with the load balancer.

    In Service Connect the tasks have the address NAME:PORT.
    """
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
    if not is_load_balanced:
        return {"ServiceConnectConfiguration": by_name}
    return {
        "ServiceConnectConfiguration": by_name,
        "HealthCheckGracePeriodSeconds": HEALTH_CHECK_GRACE_SECONDS,
        "LoadBalancers": [
            ecs.LoadBalancer(
                ContainerName=settings.name,
                ContainerPort=settings.port,
                TargetGroupArn=cluster.target_group,
            )
        ],
    }


def _variables(
    env: Env,
    database: Database | None,
    messages: Messages | None,
    users: Users | None,
    assets: Assets | None,
) -> dict[str, Value]:
    """Return the environment variables that the application reads, including those of libpq."""
    variables: dict[str, Value] = {
        "FRONTEND_URL": f"https://{env.domain}",
        "BACKEND_URL": f"https://api.{env.domain}",
        "ASSETS_URL": f"https://assets.{env.domain}",
    }
    if database:
        variables |= connection_variables(database.application, database)
    if messages:
        variables["DDB_MESSAGE_TABLE"] = messages.table
    if users:
        variables |= {
            "AWS_COGNITO_USER_POOL_ID": users.pool,
            "AWS_COGNITO_USER_POOL_CLIENT_ID": users.client,
        }
    if assets:
        variables["AVATAR_TOPIC_ARN"] = assets.avatar_topic
    return variables


def _statements(
    database: Database | None, messages: Messages | None, assets: Assets | None
) -> list[Statement]:
    """Allow database connections, the use of the message table, and the subscription to avatars."""
    statements = [allow_connect(database.application, database)] if database else []
    if messages:
        use = [
            dynamodb_actions.ConditionCheckItem,
            dynamodb_actions.GetItem,
            dynamodb_actions.PutItem,
            dynamodb_actions.Query,
        ]
        statements.append(allow("ReadAndWriteMessages", use, messages.table_arn))
    if assets:
        # Needed because only this account may cancel the confirmed subscription: see
        # AuthenticateOnUnsubscribe in the API reference of ConfirmSubscription.
        confirm = [sns_actions.ConfirmSubscription]
        statements.append(allow("ConfirmAvatarSubscription", confirm, assets.avatar_topic))
    return statements


def _autoscaling(settings: Settings) -> Autoscaling:
    return Autoscaling(
        min_tasks=settings.min_tasks,
        max_tasks=settings.max_tasks,
        cpu_percent=settings.target_cpu_percent,
        requests_per_minute=settings.target_requests_per_minute,
    )


def _avatar_webhook(t: Template, env: Env, service: ecs.Service, assets: Assets) -> Value:
    """Subscribe the application to new avatars, after it runs and can confirm the subscription.

    Return the name of the queue for notifications that could not be delivered.
    """
    statement = _allow_topic(assets.avatar_topic, to=GetAtt(DEAD_LETTER_QUEUE, "Arn"))
    queue = dead_letter_queue(t, DEAD_LETTER_QUEUE, env, statements=[statement])
    t.add_resource(
        sns.SubscriptionResource(
            "AvatarWebhookSubscription",
            Condition=HAS_IMAGE,
            TopicArn=assets.avatar_topic,
            Protocol="https",
            Endpoint=webhook_url(env),
            RedrivePolicy={"deadLetterTargetArn": queue.get_att("Arn")},
            DependsOn=service,
        )
    )
    return queue.get_att("QueueName")


def _allow_topic(topic: Value, *, to: Value) -> Statement:
    return Statement(
        Sid="AllowTopicToSend",
        Effect=Allow,
        Principal=Principal("Service", "sns.amazonaws.com"),
        Action=[sqs_actions.SendMessage],
        Resource=[to],
        Condition=Condition(ArnEquals({"aws:SourceArn": topic})),
    )
