"""What every task begins with: the project, the environment that is meant, its account."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from deployer.aws.account import Account
    from deployer.environment import Environment, Project
    from stacks import Config
    from stacks.service import Settings

ROOT = Path(__file__).parent.parent
# Where the operator stands: ./inv says so, since it goes to ROOT. No program that is started here
# is told, for it may stand somewhere else.
CALLED_FROM = Path(os.environ.pop("CRUDDUR_CALLED_FROM", "."))


def project() -> Project[Config]:
    """The project this file belongs to; raises SynthError if a stack file cannot be imported."""
    from deployer import stack_file_errors
    from deployer.environment import Project

    try:
        import stacks
    except Exception as error:
        folder = ROOT / "stacks"
        stack_file_errors.refuse(error, folder, stack_file_errors.syntax_errors(folder))
        raise

    return Project(ROOT, stacks.Config, stacks.layers)


def path(given: str) -> Path:
    """Return the path that an operator has *given* to a task, relative to where they stand."""
    named = CALLED_FROM / Path(given).expanduser()
    return Path(os.path.abspath(named))  # noqa: PTH100  # Follows no link: those are refused.


def environment(name: str | None = None) -> Environment:
    """The environment called *name*, else by CRUDDUR_ENV, else the emulator."""
    from deployer.environment import EMULATOR

    return project().open(chosen(name) or EMULATOR)


def settings(environment: Environment) -> Config:
    """Return the loaded config of *environment*, a table for each stack that has settings."""
    return cast("Config", environment.config)  # `project` is a Project[Config].


def services(environment: Environment) -> dict[str, Settings]:
    """The settings of each service that config has, by its layer."""
    config = settings(environment)
    layers = {"service": config.service, "verifier": config.verifier}
    return {layer: service for layer, service in layers.items() if service}


def environments(name: str | None = None) -> list[Environment]:
    """The one environment that was chosen, or every one where none was."""
    name = chosen(name)
    return [project().open(name)] if name else project().open_all()


def chosen(name: str | None) -> str | None:
    """Return the name of the environment, from --env or CRUDDUR_ENV.

    Raises ConfigError for an empty CRUDDUR_ENV, which is not meant as the default.
    """
    from deployer.errors import ConfigError

    named = name or os.environ.get("CRUDDUR_ENV")
    if named is not None and not named.strip():
        raise ConfigError("CRUDDUR_ENV: is empty", hint="name an environment, or unset CRUDDUR_ENV")
    return named


def origins(environment: Environment) -> tuple[str, ...]:
    """Return the parts of the operator's AWS setup in use, for the first line of a run."""
    from deployer.aws.connect import sources_in_use

    return () if environment.is_local else sources_in_use(os.environ)


def account(environment: Environment) -> Account:
    """The account of *environment*, every guard held."""
    from deployer.environment import connect

    return connect(environment, project().emulator, os.environ)
