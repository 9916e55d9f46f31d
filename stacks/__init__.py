"""The architecture on one screen: every stack of an environment, lowest first."""

from __future__ import annotations

from deployer.fields import Settings
from deployer.stack import Env, Layers
from stacks import (
    assets,
    cdn,
    cluster,
    database,
    dns,
    edge,
    foundation,
    messages,
    network,
    registry,
    users,
    visits,
)


class Config(Settings, frozen=True):
    """An environment: what config/ENV.toml says, a table for each stack that has settings."""

    env: Env
    foundation: foundation.Settings
    network: network.Settings
    registry: registry.Settings
    cluster: cluster.Settings
    database: database.Settings
    messages: messages.Settings
    users: users.Settings
    assets: assets.Settings
    cdn: cdn.Settings


def layers(config: Config) -> Layers:
    """Every stack, and what each is given of those below it."""
    crd = Layers(config.env)
    base = crd.add("foundation", foundation.define, config.foundation)
    crd.keep_artifacts_in(base.artifacts)
    names = crd.add("dns", dns.define)
    edge_ = crd.at("us-east-1").add("edge", edge.define)
    net = crd.add("network", network.define, config.network, base)
    crd.add("registry", registry.define, config.registry)
    ipv6 = config.network.ipv6
    crd.add("cluster", cluster.define, config.cluster, net, names, dual_stack=ipv6)
    crd.add("database", database.define, config.database, net)
    crd.add("messages", messages.define, config.messages)
    crd.add("users", users.define, config.users)
    store = crd.add("assets", assets.define, config.assets)
    web = crd.add("cdn", cdn.define, config.cdn, edge_, store)
    if config.cdn.access_logs:
        days = config.cdn.access_log_days
        crd.at("us-east-1").add("visits", visits.define, web, days=days)
    return crd
