"""Read the CloudWatch logs of a function or of the service."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from deployer.errors import ConfigError
from operations import lambdas

if TYPE_CHECKING:
    from operations.target import Target

POLL_SECONDS = 2.0
LATE_SECONDS = 30  # An event may become visible this much later than its timestamp.
_SECONDS = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}


def read(
    target: Target, function: str, *, service: bool, start: int, follow: bool, pattern: str = ""
) -> Iterator[str]:
    """Yield the events in the log of a *function* or of the *service* since *start*, as text.

    With *follow*, wait for further events and never end. Times are in milliseconds since 1970.
    With a *pattern* of CloudWatch Logs, yield only the events that match.
    """
    query: dict[str, Any] = {"logGroupName": _log_group(target, function, service=service)}
    if pattern:
        query["filterPattern"] = pattern
    client = target.client("logs")
    events = _follow(client, query, start) if follow else _events(client, query, start)
    for event in events:
        yield "\n".join(_lines(event))


def seconds(since: str) -> int:
    """Return the duration *since*, such as 15m, in seconds; raise ConfigError if it is invalid."""
    if duration := re.fullmatch(r"([0-9]{1,6})([smhd])", since):
        return int(duration[1]) * _SECONDS[duration[2]]
    raise ConfigError(
        f"--since={since}: not a duration", hint="pass a duration such as 90s, 15m, 12h or 7d"
    )


def _log_group(target: Target, function: str, *, service: bool) -> str:
    """Return the name of the log group; raise ConfigError unless exactly one is selected."""
    if bool(function) == service:
        raise ConfigError(
            "--function or --service is required", hint="pass --function=NAME or --service"
        )
    if service:
        return target.output("service", "LogGroup")
    stack, output = lambdas.output_of(target.environment, function, "--function=")
    return _log_group_of(target, target.output(stack, output))


def _log_group_of(target: Target, function: str) -> str:
    """Return the name of the log group that is in the configuration of *function*."""
    client = target.client("lambda")
    configuration = client.get_function_configuration(FunctionName=function)
    return str(configuration["LoggingConfig"]["LogGroup"])


def _events(client: Any, query: dict[str, Any], start: int) -> Iterator[dict[str, Any]]:
    """Yield the events of all pages; a page in the middle may be empty."""
    pages = client.get_paginator("filter_log_events").paginate(**query, startTime=start)
    for page in pages:
        yield from page["events"]


def _follow(client: Any, query: dict[str, Any], start: int) -> Iterator[dict[str, Any]]:
    """Yield all events, then new ones. Each is yielded once, although the reads overlap."""
    seen: dict[object, int] = {}  # The timestamp of each event, by its key.
    while True:
        for event in _events(client, query, start):
            key = _key(event)
            if key not in seen:
                yield event
            seen[key] = event["timestamp"]
        start = max(start, max(seen.values(), default=0) - LATE_SECONDS * 1000)
        seen = {key: timestamp for key, timestamp in seen.items() if timestamp >= start}
        time.sleep(POLL_SECONDS)


def _key(event: dict[str, Any]) -> object:
    """Return a key that identifies an event; the emulator has no event ids."""
    return event.get("eventId") or (event["timestamp"], event["logStreamName"], event["message"])


def _lines(event: dict[str, Any]) -> Iterator[str]:
    """Yield the time and the first line of the message, then its other lines, indented."""
    from deployer.report.text import escaped

    timestamp = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    time_ = timestamp.strftime("%Y-%m-%d %H:%M:%S.") + f"{timestamp.microsecond // 1000:03}"
    first, *rest = event["message"].splitlines() or [""]
    yield f"{time_}  {escaped(first)}"
    yield from (f"{' ' * len(time_)}  {escaped(line)}" for line in rest)
