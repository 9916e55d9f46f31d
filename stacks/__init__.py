"""The architecture on one screen: every stack of an environment, lowest first."""

from __future__ import annotations

from deployer.artifacts import Code
from deployer.config.fields import ConflictError, Settings
from deployer.model import Env, Layers
from stacks import (
    assets,
    avatars,
    cdn,
    cluster,
    database,
    dns,
    edge,
    foundation,
    functions,
    messages,
    monitoring,
    network,
    pipeline,
    registry,
    service,
    sync,
    users,
    visits,
)
from stacks.conflicts import conflicts
from stacks.permissions.resources import MANUAL_STACKS


class Config(Settings, frozen=True, kw_only=True):
    """An environment: what config/ENV.toml says, a table for each stack that has settings."""

    env: Env
    foundation: foundation.Settings
    functions: functions.Settings
    network: network.Settings
    registry: registry.Settings
    cluster: cluster.Settings
    database: database.Settings
    messages: messages.Settings
    users: users.Settings
    assets: assets.Settings
    avatars: avatars.Settings
    cdn: cdn.Settings
    verifier: service.Settings | None = None  # First: below, `service` is no module any more.
    service: service.Settings
    monitoring: monitoring.Settings
    pipeline: pipeline.Settings
    sync: sync.Settings

    def __post_init__(self) -> None:
        """Refuse settings that are valid one by one, but not together."""
        if found := tuple(conflicts(self)):
            raise ConflictError(*found)

    @property
    def images(self) -> tuple[str, ...]:
        """What the services run."""
        return tuple(dict.fromkeys(one.image for one in (self.service, self.verifier) if one))


def layers(config: Config, code: Code) -> Layers:
    """Every stack, and what each is given of those below it."""
    lambdas = functions.Functions(config.functions, code)
    crd = Layers(config.env)
    base = crd.add("foundation", foundation.define, config.foundation)
    crd.keep_artifacts_in(base.artifacts, manual=MANUAL_STACKS)
    names = crd.add("dns", dns.define)
    edge_ = crd.at("us-east-1").add("edge", edge.define)
    net = crd.add("network", network.define, config.network, base)
    images = crd.add("registry", registry.define, config.registry, released=config.images)
    ipv6, private = config.network.ipv6, config.network.nat != "none"
    place = crd.add("cluster", cluster.define, config.cluster, net, names, dual_stack=ipv6)
    data = crd.add("database", database.define, config.database, net)
    chats = crd.add("messages", messages.define, config.messages, lambdas, base)
    people = crd.add("users", users.define, config.users, lambdas, base, net=net, data=data)
    store = crd.add("assets", assets.define, config.assets)
    faces = crd.add(
        "avatars", avatars.define, config.avatars, lambdas, base, users=people, assets=store
    )
    web = crd.add("cdn", cdn.define, config.cdn, edge_, store, avatars=faces)
    if config.cdn.access_logs:
        days = config.cdn.access_log_days
        crd.at("us-east-1").add("visits", visits.define, web, days=days)
    backend = crd.add(
        "service",
        service.define,
        config.service,
        base,
        net,
        cluster=place,
        images=images,
        private=private,
        data=data,
        messages=chats,
        users=people,
        assets=store,
    )
    verifier = None
    if config.verifier:
        verifier = crd.add(
            "verifier",
            service.define,
            config.verifier,
            base,
            net,
            cluster=place,
            images=images,
            private=private,
            routed=False,
            users=people,
        )
    crd.add(
        "monitoring",
        monitoring.define,
        config.monitoring,
        base,
        cluster=place,
        data=data,
        messages=chats,
        users=people,
        avatars=faces,
        web=web,
        service=backend,
        tasks=config.service.min_tasks,
        verifier=verifier,
        verifier_tasks=config.verifier.min_tasks if config.verifier else 0,
        insights=config.cluster.container_insights != "disabled",
        emails=config.foundation.alert_emails,
    )
    crd.add(
        "pipeline",
        pipeline.define,
        config.pipeline,
        base,
        service=config.service.name,
        image=config.service.image,
        architecture=config.service.architecture,
    )
    crd.add("sync", sync.define, config.sync, web)
    return crd
