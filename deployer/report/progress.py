"""Track the progress of every stack from the events of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from deployer.aws.cloud import ChangeSet, StackEvent
from deployer.events import (
    ChangeSetCreated,
    Event,
    Finished,
    OperationStarted,
    Outcome,
    Progress,
    Started,
)
from deployer.report.text import clean

_ACTIVITIES = {
    "ROLLBACK": "rolling back",
    "CLEANUP": "cleaning up",
    "CREATE": "creating",
    "UPDATE": "updating",
    "DELETE": "deleting",
    "IMPORT": "importing",
}


@dataclass(frozen=True)
class StackProgress:
    """The progress of one stack; times are in seconds.

    *activity* is a word such as "creating". *resource* is the resource that changes at the moment.
    *completed* contains the logical ids of the resources whose change is complete.
    """

    stack: str
    started_at: float
    activity: str = "preparing"
    change_set: ChangeSet | None = None
    operation: OperationStarted | None = None
    running: bool = False
    resource: str = ""
    completed: frozenset[str] = frozenset()
    finished: Finished | None = None
    ended_at: float = 0.0

    @property
    def total(self) -> int:
        """Return the number of resources in the change set; 0 if there is none."""
        return len(self.change_set.changes) if self.change_set else 0

    @property
    def is_unexecuted(self) -> bool:
        """Return whether there is a change set whose execution was not observed."""
        return self.change_set is not None and self.operation is None and self.finished is None


@dataclass
class RunProgress:
    """The progress of all stacks. *now* returns seconds, to measure durations."""

    now: Callable[[], float]
    stacks: dict[str, StackProgress] = field(default_factory=dict)
    expected: frozenset[str] = frozenset()
    started_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.started_at = self.now()

    @property
    def seconds(self) -> float:
        """Return the duration of the run until now."""
        return self.now() - self.started_at

    @property
    def waiting(self) -> int:
        """Return the number of stacks that will be changed later."""
        return len(self.expected - {progress.stack for progress in self.all()})

    @property
    def running(self) -> list[StackProgress]:
        """Return the stacks with a running operation of CloudFormation."""
        return [progress for progress in self.all() if progress.running]

    @property
    def finished(self) -> list[Finished]:
        """Return the last event of every finished stack."""
        return [progress.finished for progress in self.all() if progress.finished]

    def all(self) -> list[StackProgress]:
        """Return the progress of every stack so far, as a copy: another thread may call this."""
        return list(self.stacks.values())

    def of(self, *outcomes: Outcome) -> list[Finished]:
        """Return the last event of every stack with one of these outcomes."""
        return [finished for finished in self.finished if finished.outcome in outcomes]

    def expect(self, stacks: Iterable[str]) -> None:
        """Set the stacks that will be changed."""
        self.expected = frozenset(stacks)

    def record(self, event: Event) -> StackProgress:
        """Record *event*, and return the progress of its stack."""
        old = self.stacks.get(event.stack) or StackProgress(event.stack, self.now())
        new = _after(old, event, self.now())
        self.stacks[event.stack] = new
        return new


def _after(old: StackProgress, event: Event, now: float) -> StackProgress:
    match event:
        case Started():
            return old if old.running else replace(old, activity="preparing")
        case ChangeSetCreated(change_set=change_set):
            reset = replace(old, operation=None, running=False, resource="", completed=frozenset())
            return replace(reset, activity="in review", change_set=change_set)
        case OperationStarted(operation=operation):
            activity = _ACTIVITIES.get(operation.upper(), clean(operation))
            return replace(old, operation=event, running=True, activity=activity)
        case Progress(event=event_) if event_.of_stack:
            in_progress = event_.status.endswith("_IN_PROGRESS")
            return replace(
                old, running=in_progress, activity=_activity(event_.status, old), resource=""
            )
        case Progress(event=event_):
            return _with_resource(old, event_)
        case Finished(outcome=Outcome.SKIPPED) if (
            old.finished and not old.finished.outcome.succeeded
        ):
            return old  # A later step of the stack is skipped because this one failed.
        case Finished():
            return replace(old, finished=event, running=False, ended_at=now)
        case _:
            return old


def _with_resource(old: StackProgress, event: StackEvent) -> StackProgress:
    if event.status.endswith("_IN_PROGRESS"):
        return replace(old, resource=event.logical_id)
    changes = old.change_set.changes if old.change_set else ()
    is_planned = not changes or event.logical_id in {change.logical_id for change in changes}
    if event.status.endswith("_COMPLETE") and is_planned:
        return replace(old, completed=old.completed | {event.logical_id})
    return old


def _activity(status: str, old: StackProgress) -> str:
    if not status.endswith("_IN_PROGRESS"):
        return old.activity
    return next((word for part, word in _ACTIVITIES.items() if part in status), old.activity)
