"""Connect a task to the account of its environment."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from operations import project
from operations.target import Target

if TYPE_CHECKING:
    from deployer.environment import Environment


def connect(env: str) -> Target:
    """Return the environment *env* and its account, after checks of account, region and endpoint."""
    return connect_to(project.environment(env))


def connect_to(environment: Environment) -> Target:
    """Return the account of *environment*; print its number and region to standard error.

    The line also names the sources of the operator's AWS configuration, such as the profile.
    """
    from deployer import report

    env = environment.env
    if not environment.is_local:
        style = report.style_of(sys.stderr, os.environ)
        origins = project.origins(environment)
        line = report.start_line(
            env.name, env.account, env.region, style, emulator=False, origins=origins
        )
        print(style.fit(line), file=sys.stderr)
    return Target(environment, project.account(environment))
