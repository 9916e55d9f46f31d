"""The task `logs`: print the logs of a function or of the service."""

from __future__ import annotations

import time

from invoke.context import Context

from commands.framework.connection import connect
from commands.framework.task import task
from operations import logs as operation


@task(
    help={
        "function": "a function such as thumbnail: a folder in lambdas/",
        "service": "the log of the service that runs the application",
        "since": "how far back, such as 90s, 15m, 12h or 7d",
        "follow": "wait for new events until Ctrl-C",
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
    """Print the log of a function or the service, in UTC."""
    start = int(time.time() * 1000) - operation.seconds(since) * 1000
    target = connect(env)
    for text in operation.read(target, function, service=service, start=start, follow=follow):
        print(text, flush=follow)
