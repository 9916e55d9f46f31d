"""Remembers, from the events of a run, how it stands with every stack."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from deployer.aws.cloud import ChangeSet, StackEvent
from deployer.events import Event, Finished, Operating, Outcome, Progress, Proposed, Started
from deployer.report.text import clean

_DOING = {
    "ROLLBACK": "rolling back",
    "CLEANUP": "cleaning up",
    "CREATE": "creating",
    "UPDATE": "updating",
    "DELETE": "deleting",
    "IMPORT": "importing",
}


@dataclass(frozen=True)
class StackProgress:
    """How it stands with one stack."""

    stack: str
    began: float
    doing: str = "preparing"
    change_set: ChangeSet | None = None
    operation: Operating | None = None
    running: bool = False
    resource: str = ""
    done: frozenset[str] = frozenset()
    finished: Finished | None = None
    ended: float = 0.0

    @property
    def total(self) -> int:
        """How many resources the change set touches, as far as that is known."""
        return len(self.change_set.changes) if self.change_set else 0

    @property
    def unexecuted(self) -> bool:
        """A change set is there, and nobody saw it begin."""
        return self.change_set is not None and self.operation is None and self.finished is None


@dataclass
class RunProgress:
    """How it stands with all of them. *now* is for how long things took."""

    now: Callable[[], float]
    stacks: dict[str, StackProgress] = field(default_factory=dict)
    expected: frozenset[str] = frozenset()
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.now()

    @property
    def seconds(self) -> float:
        """How long it has taken up to now."""
        return self.now() - self.began

    @property
    def waiting(self) -> int:
        """How many stacks there is something to do for later."""
        return len(self.expected - {each.stack for each in self.all()})

    @property
    def running(self) -> list[StackProgress]:
        """The stacks CloudFormation works on, whether we watch or not."""
        return [each for each in self.all() if each.running]

    @property
    def finished(self) -> list[Finished]:
        """How it ended, for every stack that is over."""
        return [each.finished for each in self.all() if each.finished]

    def all(self) -> list[StackProgress]:
        """Every stack so far; a list of its own, as another thread may ask."""
        return list(self.stacks.values())

    def of(self, *outcomes: Outcome) -> list[Finished]:
        """The stacks that ended so."""
        return [each for each in self.finished if each.outcome in outcomes]

    def expect(self, stacks: Iterable[str]) -> None:
        """These stacks have something to do."""
        self.expected = frozenset(stacks)

    def note(self, event: Event) -> StackProgress:
        """Take in *event*; how it stands with its stack then."""
        old = self.stacks.get(event.stack) or StackProgress(event.stack, self.now())
        new = _after(old, event, self.now())
        self.stacks[event.stack] = new
        return new


def _after(old: StackProgress, event: Event, now: float) -> StackProgress:
    match event:
        case Started():
            return old if old.running else replace(old, doing="preparing")
        case Proposed(change_set=change_set):
            fresh = replace(old, operation=None, running=False, resource="", done=frozenset())
            return replace(fresh, doing="proposed", change_set=change_set)
        case Operating(operation=operation):
            doing = _DOING.get(operation.upper(), clean(operation))
            return replace(old, operation=event, running=True, doing=doing)
        case Progress(event=told) if told.of_stack:
            going_on = told.status.endswith("_IN_PROGRESS")
            return replace(old, running=going_on, doing=_doing(told.status, old), resource="")
        case Progress(event=told):
            return _with_resource(old, told)
        case Finished():
            return replace(old, finished=event, running=False, ended=now)
        case _:
            return old


def _with_resource(old: StackProgress, told: StackEvent) -> StackProgress:
    if told.status.endswith("_IN_PROGRESS"):
        return replace(old, resource=told.logical_id)
    planned = {each.logical_id for each in old.change_set.changes} if old.change_set else None
    counts = told.status.endswith("_COMPLETE") and (planned is None or told.logical_id in planned)
    return replace(old, done=old.done | {told.logical_id}) if counts else old


def _doing(status: str, old: StackProgress) -> str:
    if not status.endswith("_IN_PROGRESS"):
        return old.doing
    return next((word for part, word in _DOING.items() if part in status), old.doing)
