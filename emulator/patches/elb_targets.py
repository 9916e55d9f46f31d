"""Forward requests to healthy targets over open connections, with the errors of a load balancer."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from typing import Any
from xml.sax.saxutils import escape

from emulator.containers import proxy, targets
from emulator.containers.targets import Target
from emulator.ministack import load_balancers
from emulator.ministack.cloudformation import param
from emulator.ministack.context import Response
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A load balancer forwards a request to a healthy target, or to an unhealthy one if none is healthy.",
        source="load balancer user guide, Health checks for your target groups",
        ministack="To any target; there are no health checks.",
        test="test_health",
    ),
    Difference(
        "The response is 503 without targets, 502 if the target closes the connection or sends no HTTP, "
        "and 504 if it does not respond within the idle timeout; the body is HTML.",
        source="load balancer user guide, Troubleshoot your Application Load Balancers",
        ministack="502 and 503 with JSON; no timeout of an HTTP response.",
        test="test_errors",
    ),
    Difference(
        "A load balancer keeps connections to targets open for further requests.",
        source="load balancer user guide, HTTP connections",
        ministack="Each request has a new connection.",
        test="test_kept_connections",
    ),
    Difference(
        "A load balancer sends a request to the target while the client still sends the body.",
        source="not verified",
        ministack="The body is received first, at most 10 MB.",
        consequence="Uploads that take longer than a timeout of the application are not tested here.",
    ),
)

_LOOPBACK = {"127.0.0.1", "localhost"}
_TARGET_TYPES = {"instance", "ip"}
_counter = itertools.count()


def install() -> None:
    """Install the patch."""
    load_balancers.forward.around(_forward)
    load_balancers.describe_health.around(_describe_health)


async def _forward(
    original: Callable[..., Awaitable[Response]], group: str, *arguments: Any
) -> Any:
    """Forward a request to a target of *group*; *arguments* are those of MiniStack's function."""
    record = load_balancers.target_groups.get(group)
    if record is None or record.get("TargetType", "instance") not in _TARGET_TYPES:
        return await original(group, *arguments)
    entry = _choose(group)
    if entry is None:
        return proxy.error(503)
    target = targets.find(group, entry)
    if target is None and entry["Id"] not in _LOOPBACK:
        return await original(group, *arguments)
    method, path, headers, body, _query, raw_query, raw_path = arguments
    request_target = (raw_path or path) + (f"?{raw_query}" if raw_query else "")
    port = target.host_port if target else int(entry.get("Port") or record["Port"])
    return await _exchange(target, port, proxy.Request(method, request_target, headers, body))


async def _exchange(target: Target | None, port: int, request: proxy.Request) -> Any:
    """Send the request, and return the response, whose body is sent to the client as it arrives.

    Until then the request counts as one of the running requests of *target*.
    """
    _count(target, 1)
    try:
        response = await proxy.exchange(port, request)
    except proxy.BadGatewayError:
        _count(target, -1)
        return proxy.error(502)
    except proxy.GatewayTimeoutError:
        _count(target, -1)
        return proxy.error(504)
    except BaseException:
        _count(target, -1)
        raise

    async def send_body(send: Any, receive: Any) -> None:
        try:
            await proxy.stream(response, send, receive)
        finally:
            _count(target, -1)

    return response.status, response.headers, load_balancers.stream(send_body)


def _count(target: Target | None, step: int) -> None:
    if target:
        target.requests += step


def _choose(group: str) -> dict[str, Any] | None:
    """Return the record of the next target in turn: a healthy one, or else an unhealthy one.

    Targets that are `initial` or `draining` get no requests.
    """
    entries = [
        (entry, target.state if (target := targets.find(group, entry)) else targets.HEALTHY)
        for entry in load_balancers.targets.get(group, ())
    ]
    for accepted_state in (targets.HEALTHY, targets.UNHEALTHY):
        if usable := [entry for entry, state in entries if state == accepted_state]:
            chosen: dict[str, Any] = usable[next(_counter) % len(usable)]
            return chosen
    return None


def _describe_health(
    original: Callable[[dict[str, Any]], Response], params: dict[str, Any]
) -> Response:
    """Describe the health of targets; those that are not tasks are healthy, as in MiniStack."""
    group = param(params, "TargetGroupArn")
    entries = load_balancers.targets.get(group, ())
    found = [(entry, targets.find(group, entry)) for entry in entries]
    if not any(target for _, target in found) or param(params, "Targets.member.1.Id"):
        return original(params)
    members = "".join(_description(entry, target) for entry, target in found)
    text = f"<TargetHealthDescriptions>{members}</TargetHealthDescriptions>"
    return load_balancers.xml_response(200, "DescribeTargetHealth", text)


def _description(entry: dict[str, Any], target: Target | None) -> str:
    state = target.state if target else targets.HEALTHY
    code, text = target.reason if target else ("", "")
    reason = f"<Reason>{code}</Reason><Description>{escape(text)}</Description>" if code else ""
    port = entry.get("Port")
    return (
        f"<member><Target><Id>{entry['Id']}</Id><Port>{port}</Port></Target>"
        f"<HealthCheckPort>{port}</HealthCheckPort>"
        f"<TargetHealth><State>{state}</State>{reason}</TargetHealth></member>"
    )
