"""Service-linked roles have the documented names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.emulator_server import Aws

ECS = "ecs.amazonaws.com"


def test_names(aws: Aws) -> None:
    """The role is found by its documented name, and can be created only once.

    AWS: CreateServiceLinkedRole (InvalidInput), ECS developer guide, Service-linked roles.
    """
    iam = aws.client("iam")

    created = iam.create_service_linked_role(AWSServiceName=ECS)["Role"]
    with pytest.raises(ClientError, match="InvalidInput"):
        iam.create_service_linked_role(AWSServiceName=ECS)

    arn = f"arn:aws:iam::{aws.endpoint.account}:role/aws-service-role/{ECS}/AWSServiceRoleForECS"
    assert (created["RoleName"], created["Arn"]) == ("AWSServiceRoleForECS", arn)
    assert iam.get_role(RoleName="AWSServiceRoleForECS")["Role"]["Arn"] == arn
