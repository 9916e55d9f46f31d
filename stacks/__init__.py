"""All stacks of an environment, in dependency order: an overview of the architecture."""

from __future__ import annotations

from deployer.artifacts import Code
from deployer.config.fields import ConflictError, Settings
from deployer.model import Env, Layers
from stacks import access_logs as access_logs_stack
from stacks import assets as assets_stack
from stacks import avatars as avatars_stack
from stacks import cdn as cdn_stack
from stacks import cluster as cluster_stack
from stacks import database as database_stack
from stacks import dns as dns_stack
from stacks import edge_certificate as edge_certificate_stack
from stacks import foundation as foundation_stack
from stacks import messages as messages_stack
from stacks import monitoring as monitoring_stack
from stacks import network as network_stack
from stacks import pipeline as pipeline_stack
from stacks import posts as posts_stack
from stacks import registry as registry_stack
from stacks import service as service_stack
from stacks import site_publisher as site_publisher_stack
from stacks import users as users_stack
from stacks.conflicts import conflicts
from stacks.monitored_outputs import with_alarms
from stacks.parts import functions
from stacks.permissions.resources import MANUAL_STACKS


class Config(Settings, frozen=True, kw_only=True):
    """The settings in config/ENV.toml: `[env]`, and one table for each stack that has settings."""

    env: Env
    foundation: foundation_stack.Settings
    functions: functions.Settings
    network: network_stack.Settings
    registry: registry_stack.Settings
    cluster: cluster_stack.Settings
    database: database_stack.Settings
    messages: messages_stack.Settings
    users: users_stack.Settings
    assets: assets_stack.Settings
    avatars: avatars_stack.Settings
    cdn: cdn_stack.Settings
    service: service_stack.Settings
    verifier: service_stack.Settings | None = None
    monitoring: monitoring_stack.Settings
    pipeline: pipeline_stack.Settings
    site_publisher: site_publisher_stack.Settings

    def __post_init__(self) -> None:
        """Raise ConflictError for settings that are valid separately but not together."""
        if errors := tuple(conflicts(self)):
            raise ConflictError(*errors)

    @property
    def images(self) -> tuple[str, ...]:
        """The images of the services, without duplicates."""
        services = (self.service, self.verifier)
        return tuple(dict.fromkeys(service.image for service in services if service))


def layers(config: Config, code: Code) -> Layers:
    """Return all stacks of an environment, each with the outputs of the stacks it depends on."""
    lambdas = functions.Functions(config.functions, code)
    layers = Layers(config.env)
    us_east_1 = layers.in_region("us-east-1")
    foundation = layers.add("foundation", foundation_stack.define, config.foundation)
    layers.use_artifact_bucket(foundation.artifacts, manual=MANUAL_STACKS)
    dns = layers.add("dns", dns_stack.define)
    certificate = us_east_1.add("edge-certificate", edge_certificate_stack.define)
    network = layers.add("network", network_stack.define, config.network, foundation)
    registry = layers.add(
        "registry", registry_stack.define, config.registry, released=config.images
    )
    ipv6, has_nat = config.network.ipv6, config.network.has_nat
    cluster = layers.add(
        "cluster", cluster_stack.define, config.cluster, network, dns, dual_stack=ipv6
    )
    database = layers.add("database", database_stack.define, config.database, network)
    messages = layers.add("messages", messages_stack.define, config.messages, lambdas, foundation)
    users = layers.add(
        "users",
        users_stack.define,
        config.users,
        lambdas,
        foundation,
        network=network,
        database=database,
    )
    layers.add("posts", posts_stack.define, lambdas, foundation, network=network, database=database)
    assets = layers.add("assets", assets_stack.define, config.assets)
    avatars = layers.add(
        "avatars",
        avatars_stack.define,
        config.avatars,
        lambdas,
        foundation,
        users=users,
        assets=assets,
    )
    cdn = layers.add("cdn", cdn_stack.define, config.cdn, certificate, assets, avatars=avatars)
    if config.cdn.access_logs:
        days = config.cdn.access_log_retention_days
        us_east_1.add("access-logs", access_logs_stack.define, cdn, retention_days=days)
    service = layers.add(
        "service",
        service_stack.define,
        config.service,
        foundation,
        network,
        cluster=cluster,
        registry=registry,
        in_private_subnets=has_nat,
        idle_timeout_seconds=config.cluster.idle_timeout_seconds,
        database=database,
        messages=messages,
        users=users,
        assets=assets,
    )
    verifier = None
    if config.verifier:
        verifier = layers.add(
            "verifier",
            service_stack.define,
            config.verifier,
            foundation,
            network,
            cluster=cluster,
            registry=registry,
            in_private_subnets=has_nat,
            idle_timeout_seconds=config.cluster.idle_timeout_seconds,
            is_load_balanced=False,
            users=users,
        )
    layers.add(
        "monitoring",
        monitoring_stack.define,
        config.monitoring,
        foundation,
        *with_alarms(layers.outputs),
        cluster=cluster,
        database=database,
        messages=messages,
        avatars=avatars,
        cdn=cdn,
        service=service,
        tasks=config.service.min_tasks,
        verifier=verifier,
        verifier_tasks=config.verifier.min_tasks if config.verifier else 0,
        has_container_insights=config.cluster.container_insights != "disabled",
        emails=config.foundation.alert_emails,
    )
    layers.add(
        "pipeline",
        pipeline_stack.define,
        config.pipeline,
        foundation,
        service=config.service.name,
        image=config.service.image,
        architecture=config.service.architecture,
    )
    layers.add("site-publisher", site_publisher_stack.define, config.site_publisher, cdn)
    return layers
