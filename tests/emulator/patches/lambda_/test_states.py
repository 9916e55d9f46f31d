"""The states of a function that has not been used for weeks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

import emulator
from tests.emulator.functions import ROLE, code, function
from tests.emulator.own_emulator import wait_until
from tests.emulator.templates import ref, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws

NETWORK = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}


def deploy(aws: Aws, **properties: object) -> str:
    """Deploy a function, and return its name."""
    outputs = {"Outputs": {"Name": {"Value": ref("Function")}}}
    body = template(Role=ROLE, Function=function(code(aws), **properties)) | outputs
    aws.deploy("s", body, Capabilities=["CAPABILITY_IAM"])
    return aws.outputs("s")["Name"]


def test_an_inactive_function(aws: Aws) -> None:
    """The first invocation fails and restores the function, which runs again soon after.

    AWS: Lambda function states; ResourceNotReadyException of Invoke.
    """
    name = deploy(aws, VpcConfig=NETWORK)
    once = aws.client("lambda")
    emulator.let_weeks_pass(aws.endpoint)

    def state() -> str:
        return str(once.get_function(FunctionName=name)["Configuration"]["State"])

    before = state()
    with pytest.raises(ClientError, match="ResourceNotReadyException"):
        once.invoke(FunctionName=name)
    wait_until(lambda: state() == "Active")

    assert before == "Inactive"
    assert json.load(once.invoke(FunctionName=name, Payload=b"{}")["Payload"]) == {}


def test_a_function_outside_of_a_vpc(aws: Aws) -> None:
    """Only functions in a VPC become inactive.

    AWS: Lambda function states.
    """
    name = deploy(aws)

    emulator.let_weeks_pass(aws.endpoint)

    assert json.load(aws.client("lambda").invoke(FunctionName=name, Payload=b"{}")["Payload"]) == {}
