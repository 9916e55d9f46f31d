"""Record connections to repositories, which stay PENDING since no user authorizes them."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from emulator.ministack import context
from emulator.ministack.cloudformation import Attributes, Props
from emulator.patches.differences import Difference
from emulator.patches.recorded import (
    Call,
    Data,
    RecordedResource,
    Refusal,
    add_calls,
    add_recorded_type,
    arn,
    resources_of_type,
)

DIFFERENCES = (
    Difference(
        "GetConnection and ListConnections return the connections of stacks.",
        source="AWS::CodeConnections::Connection, AWS::CodeStarConnections::Connection",
        ministack="Unknown types and services.",
        test="test_recorded.py::test_recorded",
    ),
)

_SERVICES = {
    "codeconnections": "AWS::CodeConnections::Connection",
    "codestar-connections": "AWS::CodeStarConnections::Connection",
}
_STATUS = "PENDING"


def install() -> None:
    """Install the patch."""
    for service, kind in _SERVICES.items():
        add_recorded_type(kind, _name(service), _attributes)
        add_calls(service, _calls(kind))


def _name(service: str) -> Callable[[Props, str], str]:
    return lambda _props, _name: arn(service, f"connection/{uuid.uuid4()}")


def _attributes(connection: str) -> Attributes:
    return {"ConnectionArn": connection, "ConnectionStatus": _STATUS}


def _calls(kind: str) -> dict[str, Call]:
    def get(data: Data) -> Data | Refusal:
        for connection in resources_of_type(kind):
            if connection.physical_id == data["ConnectionArn"]:
                return {"Connection": _description(connection)}
        return "ResourceNotFoundException", f"Connection not found: {data['ConnectionArn']}"

    def list_(_data: Data) -> Data:
        return {"Connections": [_description(connection) for connection in resources_of_type(kind)]}

    return {"GetConnection": get, "ListConnections": list_}


def _description(connection: RecordedResource) -> Data:
    return {
        "ConnectionName": connection.props["ConnectionName"],
        "ConnectionArn": connection.physical_id,
        "ProviderType": connection.props.get("ProviderType", "GitHub"),
        "OwnerAccountId": context.account(),
        "ConnectionStatus": _STATUS,
    }
