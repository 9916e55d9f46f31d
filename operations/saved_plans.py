"""Write a plan with its change sets to a file, and read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import ConfigError, StaleError
from operations import project

if TYPE_CHECKING:
    from deployer.deployment import Deployment, DeploymentPlan
    from deployer.planned_change_sets import PlannedChangeSet
    from deployer.saved_plan import SavedPlan


def writer(
    deployment: Deployment, planned: DeploymentPlan, file: Path
) -> Callable[[Sequence[PlannedChangeSet]], None]:
    """Return a function that writes the plan *planned* with its change sets to *file*.

    Raise ConfigError if the folder of *file* does not exist.
    """
    from deployer import plan, saved_plan
    from deployer.files import write_atomically
    from deployer.saved_plan import SavedPlan

    if not file.parent.is_dir():
        raise ConfigError(f"--out={file}: there is no folder {file.parent}", hint="create it")
    env = deployment.environment.env
    known = plan.index(planned.deployed)
    revision = current_revision()

    def write(change_sets: Sequence[PlannedChangeSet]) -> None:
        saved = SavedPlan(
            saved_plan.VERSION,
            env.name,
            env.account,
            env.region,
            revision,
            planned.role,
            tuple(saved_plan.saved_stack(item, known) for item in change_sets if item.change_set),
            saved_plan.skipped(change_sets),
        )
        write_atomically(file, saved_plan.encode(saved))

    return write


def read(file: Path) -> SavedPlan:
    """Return the plan in *file*; raise ConfigError if it cannot be read, StaleError if it is invalid."""
    from deployer import saved_plan

    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise ConfigError(
            f"--plan={file}: {error.strerror}", hint="write one with `./inv plan --out=FILE`"
        ) from error
    except UnicodeDecodeError as error:
        raise StaleError(f"{file}: is not UTF-8", hint=saved_plan.RENEW) from error
    return saved_plan.decode(text, str(file))


def current_revision() -> str:
    """Return the commit of the checkout; empty without git, as in a pipeline's source archive."""
    from deployer.preview.git_objects import head

    return head(project.ROOT)
