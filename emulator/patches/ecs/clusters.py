"""ECS clusters: Service Connect's default namespace and capacity providers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator import ministack
from emulator.ministack import Props, ask_ecs

Made = tuple[str, dict[str, str]]

_CLUSTER = "AWS::ECS::Cluster"


def close() -> None:
    """Keep what the emulator drops of a cluster, and add the type that gives it providers."""
    for verb in ("create", "update"):
        ministack.wrap_type(_CLUSTER, verb, _with_defaults)
    ministack.TYPES["AWS::ECS::ClusterCapacityProviderAssociations"] = {
        "create": _associate,
        "update": lambda _cluster, _old, new, stack: _associate("", new, stack),
        "delete": _dissociate,
    }


def _with_defaults(make: Callable[..., Made]) -> Callable[..., Made]:
    """Create and update differ in their arguments; the last dict of both is what is wanted."""

    def making(*args: Any) -> Made:
        name, attributes = make(*args)
        wanted = [arg for arg in args if isinstance(arg, dict)][-1]
        ask_ecs("UpdateCluster", cluster=name, serviceConnectDefaults=_defaults(wanted))
        return name, attributes

    return making


def _defaults(props: Props) -> dict[str, str]:
    namespace = (props.get("ServiceConnectDefaults") or {}).get("Namespace")
    return {"namespace": namespace} if namespace else {}


def _associate(_title: str, props: Props, _stack: str) -> Made:
    ask_ecs(
        "PutClusterCapacityProviders",
        cluster=props["Cluster"],
        capacityProviders=props["CapacityProviders"],
        defaultCapacityProviderStrategy=ministack.to_camel(
            props["DefaultCapacityProviderStrategy"]
        ),
    )
    return props["Cluster"], {}


def _dissociate(cluster: str, _props: Props) -> None:
    ask_ecs(
        "PutClusterCapacityProviders",
        cluster=cluster,
        capacityProviders=[],
        defaultCapacityProviderStrategy=[],
    )
