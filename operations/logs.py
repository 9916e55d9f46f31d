"""What a function or the service has logged: once, or on and on."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from invoke.context import Context

from commands.framework.task import task
from operations import functions, target
from operations.target import Target

PAUSE_SECONDS = 2.0
LATE_SECONDS = 30  # How much later than its time a line may still turn up in CloudWatch.
_SECONDS = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}


@task(
    help={
        "function": "a function such as thumbnail: a folder in lambdas/",
        "service": "the application",
        "since": "how far back: a number of s, m, h or d",
        "follow": "go on until Ctrl-C",
    }
)
def logs(
    _: Context,
    function: str = "",
    service: bool = False,
    env: str = "",
    since: str = "15m",
    follow: bool = False,
) -> None:
    """Print what a function or the service has logged, oldest first; times are UTC."""
    began = int(time.time() * 1000) - seconds(since) * 1000
    here = target.connect(env)
    group = _group(here, function, service=service)
    client = here.client("logs")
    for event in _following(client, group, began) if follow else _events(client, group, began):
        print("\n".join(_lines(event)), flush=follow)


def seconds(since: str) -> int:
    """The *since* of the command line in seconds; raises ConfigError for anything else."""
    from deployer.errors import ConfigError

    if asked := re.fullmatch(r"([0-9]{1,6})([smhd])", since):
        return int(asked[1]) * _SECONDS[asked[2]]
    raise ConfigError(f"--since={since}: not a time", hint="such as 90s, 15m, 12h or 7d")


def _group(here: Target, function: str, *, service: bool) -> str:
    """The log group that is meant; raises ConfigError unless it is just one."""
    from deployer.errors import ConfigError

    if bool(function) == service:
        raise ConfigError("whose log?", hint="--function=NAME or --service")
    if service:
        return here.output("service", "LogGroup")
    layer, output = functions.named(here.environment, function, "--function=")
    return _group_of(here, here.output(layer, output))


def _group_of(here: Target, function: str) -> str:
    """The group is CloudFormation's to name, so the function says which it writes to."""
    client = here.client("lambda")
    configuration = client.get_function_configuration(FunctionName=function)
    return str(configuration["LoggingConfig"]["LogGroup"])


def _events(client: Any, group: str, since: int) -> Iterator[dict[str, Any]]:
    """Every line from *since* on: all pages, of which some may be empty.

    Times are as CloudWatch has them: whole milliseconds since 1970.
    """
    pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
    for page in pages:
        yield from page["events"]


def _following(client: Any, group: str, since: int) -> Iterator[dict[str, Any]]:
    """Every line, and those that come: each once, though late ones make us ask again."""
    seen: dict[object, int] = {}  # And when it was logged.
    while True:
        for event in _events(client, group, since):
            key = _key(event)
            if key not in seen:
                yield event
            seen[key] = event["timestamp"]
        since = max(since, max(seen.values(), default=0) - LATE_SECONDS * 1000)
        seen = {key: at for key, at in seen.items() if at >= since}
        time.sleep(PAUSE_SECONDS)


def _key(event: dict[str, Any]) -> object:
    """CloudWatch numbers events; the emulator does not."""
    return event.get("eventId") or (event["timestamp"], event["logStreamName"], event["message"])


def _lines(event: dict[str, Any]) -> Iterator[str]:
    """Time and text; what the text has of further lines stands below it."""
    from deployer.report.text import escaped

    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    left = at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03}"
    first, *rest = event["message"].splitlines() or [""]
    yield f"{left}  {escaped(first)}"
    yield from (f"{' ' * len(left)}  {escaped(line)}" for line in rest)
