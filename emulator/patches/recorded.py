"""Record resources that have no effect in the emulator, and respond to the calls that read them.

A recorded resource is only in the record of its stack, where the calls look it up. The permissions
of these calls are not checked.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emulator.ministack import asgi, cloudformation, context
from emulator.ministack.cloudformation import Attributes, Created, Props
from emulator.patches.differences import Difference

Data = dict[str, Any]
Refusal = tuple[str, str]  # Error code and message.
Call = Callable[[Data], Data | Refusal]

DIFFERENCES = (
    Difference(
        "The read calls of CodeConnections, CodePipeline, Application Auto Scaling and X-Ray "
        "return the resources of stacks.",
        source="the references of their resource types",
        ministack="Unknown types and services.",
        test="test_recorded",
    ),
    Difference(
        "Pipelines run, connections can be authorized, services scale, X-Ray samples requests, and "
        "budgets send alerts.",
        source="their user guides",
        ministack="Resources are only recorded and returned: a connection stays PENDING, a pipeline "
        "never runs.",
        consequence="Test them in an AWS account; permissions of their calls are not checked.",
    ),
)

_SIGNED = re.compile(rb"Credential=(\d{12})/\d+/([a-z0-9-]+)/([a-z-]+)/")
_calls: dict[str, dict[str, Call]] = {}  # By service and operation.


@dataclass(frozen=True)
class RecordedResource:
    """A recorded resource: its physical id and its properties."""

    physical_id: str
    props: Props


def install() -> None:
    """Install the patch, which responds before MiniStack refuses an unknown service."""
    asgi.application.around(_respond)


def resources_of_type(*kinds: str) -> list[RecordedResource]:
    """Return the resources of these types in the account and region in scope."""
    return [
        RecordedResource(resource["PhysicalResourceId"], resource["Properties"])
        for stack in cloudformation.stacks.values()
        if stack["StackStatus"] != "DELETE_COMPLETE"
        for resource in stack["_resources"].values()
        if resource["ResourceType"] in kinds
    ]


def add_recorded_type(
    kind: str,
    name: Callable[[Props, str], str],
    attributes: Callable[[str], Attributes],
) -> None:
    """Add a resource type whose resources are only recorded.

    *name* returns the physical id for the properties and a generated name. *attributes* returns
    the attributes for the physical id.
    """

    def create(title: str, props: Props, stack: str) -> Created:
        physical_id = name(props, f"{stack}-{title}-{uuid.uuid4().hex[:12]}")
        return physical_id, attributes(physical_id)

    cloudformation.add_type(
        kind,
        create=create,
        update=lambda physical_id, _old, _new, _stack: (physical_id, attributes(physical_id)),
        delete=lambda _physical_id, _props: None,
    )


def add_calls(service: str, calls: dict[str, Call]) -> None:
    """Respond to *calls* of *service*, the service name in signatures.

    The keys are the operations in X-Amz-Target or, for a REST API, the paths of requests.
    """
    _calls[service] = calls


def arn(service: str, resource: str) -> str:
    """Return an ARN in the account and region in scope."""
    return f"arn:aws:{service}:{context.region()}:{context.account()}:{resource}"


async def _respond(
    application: asgi.Application, scope: dict[str, Any], receive: Any, send: Any
) -> None:
    headers = dict(scope["headers"]) if scope["type"] == "http" else {}
    signed = _SIGNED.search(headers.get(b"authorization", b""))
    calls = _calls.get(signed[3].decode()) if signed else None
    if signed is None or calls is None or not scope.get(asgi.AUTHENTICATED):
        await application(scope, receive, send)
        return
    target = headers.get(b"x-amz-target", b"").decode().rpartition(".")[2]
    call = calls.get(target or scope["path"].strip("/"))
    data = json.loads(await asgi.read_body(receive) or b"{}")
    with context.scope(signed[1].decode(), signed[2].decode()):
        result = (
            call(data)
            if call
            else ("UnknownOperationException", "the emulator does not support this operation")
        )
    status, body = _encoded(result)
    kind = "application/x-amz-json-1.1" if target else "application/json"
    await asgi.send_response(send, status, {"Content-Type": kind}, body)


def _encoded(result: Data | Refusal) -> tuple[int, bytes]:
    if isinstance(result, dict):
        return 200, json.dumps(result).encode()
    return 400, json.dumps({"__type": result[0], "message": result[1]}).encode()
