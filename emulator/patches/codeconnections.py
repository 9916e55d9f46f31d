"""Record connections to repositories, which stay PENDING: no user logs in at the provider here."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from emulator.ministack import context
from emulator.ministack.cloudformation import Attributes, Props
from emulator.patches.differences import Difference
from emulator.patches.recorded import (
    Call,
    Data,
    Recorded,
    Refusal,
    add_calls,
    arn,
    of_kind,
    record_type,
)

DIFFERENCES = (
    Difference(
        "GetConnection and ListConnections show the connections of stacks.",
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
        record_type(kind, _name(service), _attributes)
        add_calls(service, _calls(kind))


def _name(service: str) -> Callable[[Props, str], str]:
    return lambda _props, _name: arn(service, f"connection/{uuid.uuid4()}")


def _attributes(connection: str) -> Attributes:
    return {"ConnectionArn": connection, "ConnectionStatus": _STATUS}


def _calls(kind: str) -> dict[str, Call]:
    def get(data: Data) -> Data | Refusal:
        for connection in of_kind(kind):
            if connection.name == data["ConnectionArn"]:
                return {"Connection": _shown(connection)}
        return "ResourceNotFoundException", f"Connection not found: {data['ConnectionArn']}"

    def list_(_data: Data) -> Data:
        return {"Connections": [_shown(connection) for connection in of_kind(kind)]}

    return {"GetConnection": get, "ListConnections": list_}


def _shown(connection: Recorded) -> Data:
    return {
        "ConnectionName": connection.props["ConnectionName"],
        "ConnectionArn": connection.name,
        "ProviderType": connection.props.get("ProviderType", "GitHub"),
        "OwnerAccountId": context.account(),
        "ConnectionStatus": _STATUS,
    }
