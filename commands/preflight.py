"""The task `preflight`."""

from __future__ import annotations

import os
import sys

from invoke.context import Context
from invoke.exceptions import Exit

from commands.framework.connection import connect
from commands.framework.task import task
from deployer.errors import GuardError


@task(help={"json": "print the results as JSON"})
def preflight(_: Context, env: str = "", json: bool = False) -> None:
    """Check, read-only, whether a first deploy would succeed.

    Only stacks that are not deployed are checked. Exit with 3 if something has to be fixed first.
    """
    from deployer import report
    from operations.preflight import CHECKS, run

    results = list(run(connect(env), CHECKS))
    style = report.style_of(sys.stdout, os.environ)
    text = report.preflight_json(results) if json else report.preflight_text(results, style=style)
    print(text, end="")
    if any(result.verdict in {"command", "manual"} for result in results):
        raise Exit(code=GuardError.code)
