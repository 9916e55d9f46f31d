"""The architecture on one screen: every stack of an environment, lowest first."""

from __future__ import annotations

from deployer.artifacts import Code
from deployer.fields import FieldError, Settings
from deployer.stack import Env, Layers
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
    network,
    pipeline,
    registry,
    service,
    sync,
    users,
    visits,
    watch,
)
from stacks.rights import BY_HAND


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
    watch: watch.Settings
    pipeline: pipeline.Settings
    sync: sync.Settings

    def __post_init__(self) -> None:
        """The load balancer has one port, a cluster one service of a name, a region its classes."""
        if self.service.port != self.cluster.port:
            raise FieldError(
                "service.port",
                f"service.port is {self.service.port}, and cluster.port {self.cluster.port}:"
                " the load balancer would not find it",
            )
        if self.verifier and self.verifier.name == self.service.name:
            raise FieldError(
                "verifier.name", f"service and verifier are both called {self.service.name}"
            )
        database.refuse_class(self.database.instance_class, self.env.region)

    @property
    def images(self) -> tuple[str, ...]:
        """What the services run."""
        return tuple(dict.fromkeys(one.image for one in (self.service, self.verifier) if one))


def layers(config: Config, code: Code) -> Layers:
    """Every stack, and what each is given of those below it."""
    lambdas = functions.Functions(config.functions, code)
    crd = Layers(config.env)
    base = crd.add("foundation", foundation.define, config.foundation)
    crd.keep_artifacts_in(base.artifacts, manual=BY_HAND)
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
        "watch",
        watch.define,
        config.watch,
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
        images,
        service=config.service.name,
        image=config.service.image,
        architecture=config.service.architecture,
    )
    crd.add("sync", sync.define, config.sync, web)
    return crd
