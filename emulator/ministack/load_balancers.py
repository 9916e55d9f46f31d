"""MiniStack's load balancers: target groups, and the functions that forward requests to targets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from emulator.ministack import lookup, services
from emulator.ministack.context import Response
from emulator.ministack.hooks import Function

target_groups: Any = lookup.attribute(services.alb, "_tgs")  # By ARN.
targets: Any = lookup.attribute(services.alb, "_targets")  # Lists by the ARN of the group.
_load_balancer_attributes: Any = lookup.attribute(services.alb, "_lb_attrs")  # By ARN.
_target_group_attributes: Any = lookup.attribute(services.alb, "_tg_attrs")  # By ARN.
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


def idle_timeout_seconds(load_balancer: str) -> float:
    """Return how long the load balancer with this ARN waits for a target to send data."""
    return _seconds(_load_balancer_attributes, load_balancer, "idle_timeout", default=60)


def deregistration_delay_seconds(group: str) -> float:
    """Return how long the target group with this ARN waits for running requests."""
    return _seconds(_target_group_attributes, group, "deregistration_delay", default=300)


def _seconds(store: Any, arn: str, name: str, *, default: float) -> float:
    attributes = {entry["Key"]: entry["Value"] for entry in store.get(arn, ())}
    return float(attributes.get(f"{name}.timeout_seconds", default))
