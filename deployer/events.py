"""What a deploy or destroy tells while it happens; who listens prints it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from deployer.aws.cloud import ChangeSet, DeployedStack, StackEvent
from deployer.errors import DeployError

if TYPE_CHECKING:
    from deployer.model import Line


class Outcome(Enum):
    """How it ended for one stack."""

    CREATED = "created"
    UPDATED = "updated"
    RECREATED = "recreated"
    KEPT = "kept"
    DELETED = "deleted"
    PENDING_REVIEW = "pending review"
    REFUSED = "refused"
    SKIPPED = "skipped"
    FAILED = "failed"

    @property
    def succeeded(self) -> bool:
        """What stands on the stack may go on."""
        return self not in {Outcome.REFUSED, Outcome.SKIPPED, Outcome.FAILED}


@dataclass(frozen=True)
class Started:
    """Work on a stack begins."""

    stack: str
    step: str
    reason: str


@dataclass(frozen=True)
class Uploaded:
    """A file was uploaded to the artifact bucket.

    *replaced* is the fault of the object that it replaced; empty if there was none.
    """

    stack: str
    url: str
    version: str = ""
    replaced: str = ""


@dataclass(frozen=True)
class Verified:
    """The artifact bucket already has the file, with the same checksum as the local one."""

    stack: str
    url: str
    version: str = ""


@dataclass(frozen=True)
class Proposed:
    """A change set is ready to be looked at."""

    stack: str
    change_set: ChangeSet


@dataclass(frozen=True)
class Operating:
    """CloudFormation works on the stack from here on, whether we watch or not."""

    stack: str
    region: str
    operation: str
    stack_id: str


@dataclass(frozen=True)
class Progress:
    """An event of a resource in CloudFormation; *line* defines the resource.

    *path* has the logical ids of the nested stacks that it is in, outermost first.
    """

    stack: str
    event: StackEvent
    line: Line | None = None
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finished:
    """Work on a stack is over."""

    stack: str
    outcome: Outcome
    detail: str = ""
    found: DeployedStack | None = None
    error: DeployError | None = None


Event: TypeAlias = Started | Uploaded | Verified | Proposed | Operating | Progress | Finished
