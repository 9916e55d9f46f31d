"""The task `logs`: print the logs of a function or of the service."""

from __future__ import annotations

import sys
import time

from invoke.context import Context

from commands.framework.connection import connect
from commands.framework.task import task
from commands.framework.terminal import escape
from operations import logs as operation


@task(
    help={
        "function": "a function such as thumbnail: a folder in lambdas/",
        "service": "the log of the service that runs the application",
        "since": "how far back, such as 90s, 15m, 12h or 7d",
        "filter": "only events that match a pattern of CloudWatch Logs, such as ERROR",
        "follow": "wait for new events until Ctrl-C",
    }
)
def logs(
    _: Context,
    function: str = "",
    service: bool = False,
    env: str = "",
    since: str = "15m",
    filter: str = "",  # noqa: A002  # the name of the flag
    follow: bool = False,
) -> None:
    """Print the log of a function or the service, in UTC."""
    start = int(time.time() * 1000) - operation.seconds(since) * 1000
    target = connect(env)
    texts = operation.read(
        target, function, service=service, start=start, follow=follow, pattern=filter
    )
    is_empty = True
    for text in texts:
        is_empty = False
        print(text, flush=follow)
    if is_empty:
        matching = f" that match {filter}" if filter else ""
        print(escape(f"no events{matching} since {since}"), file=sys.stderr)
