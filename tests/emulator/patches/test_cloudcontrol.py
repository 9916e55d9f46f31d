"""Cloud Control API finds the resources of stacks by their primary identifiers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.emulator.templates import resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def test_a_resource_of_a_stack(aws: Aws) -> None:
    """A resource is found until its stack is deleted.

    AWS: GetResource (ResourceNotFoundException).
    """
    name = {"TypeName": "AWS::Logs::LogGroup", "Identifier": "/taken"}
    aws.deploy("s", template(Group=resource("AWS::Logs::LogGroup", LogGroupName="/taken")))
    client = aws.client("cloudcontrol")

    found = client.get_resource(**name)["ResourceDescription"]
    aws.delete("s")

    assert found["Identifier"] == "/taken"
    assert json.loads(found["Properties"])["LogGroupName"] == "/taken"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.get_resource(**name)
