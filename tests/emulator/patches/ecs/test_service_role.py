"""The service-linked role of ECS in a new account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import emulator
from tests.emulator.templates import resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws

CLUSTER = template(Cluster=resource("AWS::ECS::Cluster"))
MISSING = "Unable to assume the service linked role."


def test_the_first_cluster(aws: Aws) -> None:
    """The first cluster of a new account fails; the second finds the role that the first created.

    AWS: Using service-linked roles.
    """
    emulator.set_strict(aws.endpoint)

    first = aws.deploy("first", CLUSTER)
    failed = [reason for _, status, reason in aws.events("first") if status == "CREATE_FAILED"]
    second = aws.deploy("second", CLUSTER)

    assert first["StackStatus"] == "ROLLBACK_COMPLETE"
    assert MISSING in failed[0]
    assert second["StackStatus"] == "CREATE_COMPLETE"
    assert aws.client("iam").get_role(RoleName="AWSServiceRoleForECS")


@pytest.mark.parametrize("strict", [True, False])
def test_an_account_with_the_role(aws: Aws, *, strict: bool) -> None:
    """With the role, or in an account that is not strict, the first cluster is created.

    AWS: Using service-linked roles.
    """
    emulator.set_strict(aws.endpoint)
    if strict:
        aws.client("iam").create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    else:
        emulator.set_strict(aws.endpoint, strict=False)

    assert aws.deploy("first", CLUSTER)["StackStatus"] == "CREATE_COMPLETE"
