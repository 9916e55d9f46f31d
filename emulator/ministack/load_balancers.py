"""MiniStack's load balancers: target groups, and the functions that forward requests to targets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from emulator.ministack import lookup, services
from emulator.ministack.context import Response
from emulator.ministack.hooks import Function

target_groups: Any = lookup.attribute(services.alb, "_tgs")  # By ARN.
targets: Any = lookup.attribute(services.alb, "_targets")  # Lists by the ARN of the group.
load_balancer_attributes: Any = lookup.attribute(services.alb, "_lb_attrs")  # By ARN.
target_group_attributes: Any = lookup.attribute(services.alb, "_tg_attrs")  # By ARN.
forward: Function[..., Awaitable[Response]] = Function("_forward_to_tg", services.alb)
describe_health: Function[[dict[str, Any]], Response] = Function(
    "DescribeTargetHealth", lookup.attribute(services.alb, "_ACTION_MAP")
)
xml_response: Callable[[int, str, str], Response] = lookup.attribute(services.alb, "_xml")
_streaming_response: Callable[[Any], Any] = lookup.attribute(
    lookup.module("core.responses"), "StreamingResponse"
)


def stream(run: Callable[[Any, Any], Awaitable[None]]) -> Any:
    """Return the body of a response that *run* sends, called with ASGI's send and receive."""
    return _streaming_response(run)


def attribute(store: Any, arn: str, key: str, default: str) -> str:
    """Return an attribute of a load balancer or of a target group."""
    found = {entry["Key"]: entry["Value"] for entry in store.get(arn, ())}
    return str(found.get(key, default))
