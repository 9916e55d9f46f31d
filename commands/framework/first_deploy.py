"""Run the preflight before the first deploy of an environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from deployer import report
from deployer.aws.cloud import DeployedStack
from deployer.deployment import Deployment
from deployer.errors import GuardError
from operations.target import Target


def is_first(deployment: Deployment, deployed: Sequence[DeployedStack]) -> bool:
    """Return whether the environment has no stack in an account; the emulator has no preflight.

    A stack that only has a change set, or whose creation failed, has nothing in service.
    """
    in_service = any(stack.is_complete or stack.is_busy for stack in deployed)
    return not (deployment.environment.is_local or in_service)


def check_account(deployment: Deployment, *, json: bool) -> None:
    """Print the results of the preflight; raise GuardError if something has to be fixed first.

    They go to standard error, like the progress of the deploy.
    """
    from operations.preflight import CHECKS, run

    results = list(run(Target(deployment.environment, deployment.account), CHECKS))
    style = report.style_of(sys.stderr, os.environ)
    text = report.preflight_json(results) if json else report.preflight_text(results, style=style)
    print(text, end="", file=sys.stderr)
    blocking = sum(result.verdict in {"command", "manual"} for result in results)
    if blocking:
        things = "1 thing has" if blocking == 1 else f"{blocking} things have"
        raise GuardError(
            f"{deployment.environment.env.name}: {things} to be fixed before the first deploy;"
            " nothing was changed",
            hint="see the table, or deploy anyway with --skip-preflight",
        )
