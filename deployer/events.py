"""The events of a deploy or destroy, which a reporter prints as they happen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from deployer.aws.cloud import ChangeSet, DeployedStack, StackEvent
from deployer.errors import DeployError

if TYPE_CHECKING:
    from deployer.model import Line


class Outcome(Enum):
    """The result of a run for one stack."""

    CREATED = "created"
    UPDATED = "updated"
    RECREATED = "recreated"
    KEPT = "kept"
    DELETED = "deleted"
    CANCELLED = "cancelled"
    ROLLED_BACK = "rolled back"
    PENDING_REVIEW = "pending review"
    REFUSED = "refused"
    SKIPPED = "skipped"
    FAILED = "failed"

    @property
    def succeeded(self) -> bool:
        """Whether nothing went wrong, so that dependents may be deployed."""
        return self not in {Outcome.REFUSED, Outcome.SKIPPED, Outcome.FAILED}


@dataclass(frozen=True)
class Started:
    """Work on a stack starts."""

    stack: str
    step: str
    reason: str


@dataclass(frozen=True)
class Uploaded:
    """A file was uploaded to S3.

    *replaced* is the reason why it replaced an object; empty if there was none.
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
class ChangeSetCreated:
    """A change set is ready for review."""

    stack: str
    change_set: ChangeSet


@dataclass(frozen=True)
class OperationStarted:
    """CloudFormation operates on the stack from now on, even if this run ends."""

    stack: str
    region: str
    operation: str
    stack_id: str


@dataclass(frozen=True)
class Progress:
    """CloudFormation reports an event of a resource.

    *line* is the line of the stack file that defines the resource. *path* has the logical ids of the
    nested stacks that contain the resource, outermost first.
    """

    stack: str
    event: StackEvent
    line: Line | None = None
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finished:
    """Work on a stack has ended."""

    stack: str
    outcome: Outcome
    detail: str = ""
    deployed: DeployedStack | None = None
    error: DeployError | None = None


Event: TypeAlias = (
    Started | Uploaded | Verified | ChangeSetCreated | OperationStarted | Progress | Finished
)
