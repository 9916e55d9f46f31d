"""Refuse the first cluster of a strict account, because the service-linked role is missing."""

from __future__ import annotations

from emulator import strictness
from emulator.ministack import services
from emulator.ministack.cloudformation import Props, ResourceType
from emulator.patches.differences import Difference
from emulator.patches.iam import service_linked_roles

DIFFERENCES = (
    Difference(
        "In a new account ECS creates its service-linked role at the first use, and refuses a "
        "cluster with capacity providers until then.",
        source="ECS developer guide, Using service-linked roles; "
        "cloudformation-coverage-roadmap#818",
        ministack="Needs no role. With the patch, it is needed in an account for which "
        "`emulator.set_strict` was called.",
        test="test_the_first_cluster",
    ),
)

SERVICE = "ecs.amazonaws.com"
_CLUSTER = ResourceType("AWS::ECS::Cluster")


def install() -> None:
    """Install the patch."""
    _CLUSTER.create.before(lambda _title, props, _stack: _refuse_without_role(props))


def _refuse_without_role(_: Props) -> None:
    if not strictness.is_strict() or service_linked_roles.exists(SERVICE):
        return
    service_linked_roles.create(SERVICE)
    message = (
        "Unable to assume the service linked role. Please verify that the ECS service linked role"
        " exists."
    )
    raise services.refusal(message, "AmazonECS")
