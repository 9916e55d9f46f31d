"""Store the default Service Connect namespace and the capacity providers of a cluster."""

from __future__ import annotations

from emulator.ministack import cloudformation
from emulator.ministack.cloudformation import Created, Props, ResourceType
from emulator.ministack.services import call_ecs
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A cluster has its ServiceConnectDefaults and its capacity providers.",
        source="AWS::ECS::Cluster, AWS::ECS::ClusterCapacityProviderAssociations",
        ministack="The namespace is dropped; the type of the capacity providers is unknown.",
        test="test_cluster",
    ),
)
UPSTREAM = True

_CLUSTER = ResourceType("AWS::ECS::Cluster")


def install() -> None:
    """Install the patch."""
    _CLUSTER.after(_set_defaults)
    cloudformation.add_type(
        "AWS::ECS::ClusterCapacityProviderAssociations",
        create=_associate,
        update=lambda _cluster, _old, new, stack: _associate("", new, stack),
        delete=_dissociate,
    )


def _set_defaults(cluster: str, props: Props) -> None:
    namespace = (props.get("ServiceConnectDefaults") or {}).get("Namespace")
    defaults = {"namespace": namespace} if namespace else {}
    call_ecs("UpdateCluster", cluster=cluster, serviceConnectDefaults=defaults)


def _associate(_title: str, props: Props, _stack: str) -> Created:
    strategy = cloudformation.to_camel(props["DefaultCapacityProviderStrategy"])
    call_ecs(
        "PutClusterCapacityProviders",
        cluster=props["Cluster"],
        capacityProviders=props["CapacityProviders"],
        defaultCapacityProviderStrategy=strategy,
    )
    return props["Cluster"], {}


def _dissociate(cluster: str, _props: Props) -> None:
    call_ecs(
        "PutClusterCapacityProviders",
        cluster=cluster,
        capacityProviders=[],
        defaultCapacityProviderStrategy=[],
    )
