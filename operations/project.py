"""The project, its environments and their accounts."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from deployer.errors import ConfigError

if TYPE_CHECKING:
    from deployer.aws.account import Account
    from deployer.environment import Environment, Project
    from stacks import Config
    from stacks.service import Settings

ROOT = Path(__file__).parent.parent
# ./inv changes to ROOT and passes the working directory of the operator in this variable. It is
# removed here, because it may be wrong for the programs that a task starts.
WORKING_DIRECTORY = Path(os.environ.pop("CRUDDUR_CALLED_FROM", "."))


def project() -> Project[Config]:
    """Return the project; raise SynthError if a file in stacks/ cannot be imported."""
    from deployer import stack_file_errors, stack_imports
    from deployer.environment import Project

    try:
        import stacks
    except Exception as error:
        folder = ROOT / "stacks"
        collected = stack_file_errors.syntax_errors(folder), stack_imports.import_errors(folder)
        stack_file_errors.raise_explained(error, folder, itertools.chain(*collected))
        raise

    return Project(ROOT, stacks.Config, stacks.layers)


def absolute_path(path: str) -> Path:
    """Return the *path* that an operator passed to a task, relative to their working directory.

    Symbolic links are not resolved, so that they can be refused.
    """
    return Path(os.path.abspath(WORKING_DIRECTORY / Path(path).expanduser()))  # noqa: PTH100  # resolve() follows links


def environment(name: str | None = None) -> Environment:
    """Return the environment *name* (default: $CRUDDUR_ENV, else the emulator's)."""
    from deployer.environment import LOCAL

    return project().open(environment_name(name) or LOCAL)


def settings(environment: Environment) -> Config:
    """Return the config of *environment*, with the type of this project."""
    return cast("Config", environment.config)  # `project` is a Project[Config].


def services(environment: Environment) -> dict[str, Settings]:
    """Return the settings of each ECS service in config, by stack."""
    config = settings(environment)
    services = {"service": config.service, "verifier": config.verifier}
    return {stack: service for stack, service in services.items() if service}


def environments(name: str | None = None) -> list[Environment]:
    """Return the environment *name* (default: $CRUDDUR_ENV), or all if neither is given."""
    name = environment_name(name)
    return [project().open(name)] if name else project().open_all()


def environment_name(name: str | None) -> str | None:
    """Return *name*, the value of --env, or else CRUDDUR_ENV; None if neither is set.

    Raise ConfigError if CRUDDUR_ENV is set and empty: that is probably a mistake, and not a request
    for the default.
    """
    selected = name or os.environ.get("CRUDDUR_ENV")
    if selected is not None and not selected.strip():
        raise ConfigError("CRUDDUR_ENV: is empty", hint="name an environment, or unset CRUDDUR_ENV")
    return selected


def command(task: str, environment: Environment) -> str:
    """Return the command that runs *task* for *environment*; --env is omitted for the default."""
    from deployer.environment import LOCAL

    is_default = environment.env.name == LOCAL == (environment_name(None) or LOCAL)
    return f"./inv {task}" if is_default else f"./inv {task} --env={environment.env.name}"


def origins(environment: Environment) -> tuple[str, ...]:
    """Return the sources of the operator's AWS configuration, such as the profile."""
    from deployer.aws.connect import sources_in_use

    return () if environment.is_local else sources_in_use(os.environ)


def account(environment: Environment) -> Account:
    """Connect to the account of *environment*, after checks of account, region and endpoint."""
    from deployer.environment import connect

    return connect(environment, project().emulator, os.environ)
