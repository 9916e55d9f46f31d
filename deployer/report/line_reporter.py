"""Print the progress of a run line by line: for a log, a pipe, or a terminal without cursor movement.

Resource events are condensed: one line for each stack and operation every INTERVAL_SECONDS, and one
for each failure. In the emulator, the resources of a new stack are only counted: it is not reviewed.
`--json` prints all events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TextIO

from deployer.errors import DeployError
from deployer.events import (
    ChangeSetCreated,
    Event,
    Finished,
    OperationStarted,
    Outcome,
    Progress,
    Started,
)
from deployer.plan import Create, Keep, Step
from deployer.removal import Deletion
from deployer.report.change_sets import header_line, reviewed_lines
from deployer.report.deletions import deletion_lines
from deployer.report.errors import error_lines
from deployer.report.event_lines import event_lines, needs_line, progress_line, start_line
from deployer.report.live_plan import LivePlan
from deployer.report.plan import counts_text, plan_lines
from deployer.report.progress import RunProgress, StackProgress
from deployer.report.style import Style
from deployer.report.summary import interrupted_lines, summary_lines
from deployer.report.text import clean

INTERVAL_SECONDS = 30.0


class LineReporter:
    """A `Reporter` that only appends lines."""

    def __init__(self, stream: TextIO, style: Style, now: Callable[[], float]) -> None:
        self._stream = stream
        self._style = style
        self._run = RunProgress(now)
        self._plan = LivePlan(())
        self._width = 0
        self._shown: dict[
            str, tuple[str, float]
        ] = {}  # The activity and the time of the last line about the operation on each stack.
        self._kept: frozenset[str] = frozenset()
        self._emulator = False
        self._environment = ""
        self._not_reviewed: frozenset[str] = frozenset()  # New stacks in the emulator.

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.flush()

    def start(
        self,
        env: str,
        account: str,
        region: str,
        *,
        emulator: bool,
        origins: Sequence[str] = (),
    ) -> None:
        self._emulator = emulator
        self._environment = env
        self._write(
            start_line(env, account, region, self._style, emulator=emulator, origins=origins)
        )

    def plan(self, plan: LivePlan) -> None:
        steps = plan.steps
        self._plan = plan
        self._width = max((len(clean(step.desired.name)) for step in steps), default=0)
        self._kept = frozenset(step.desired.name for step in steps if isinstance(step, Keep))
        self._run.expect(step.desired.name for step in steps if not isinstance(step, Keep))
        new = frozenset(step.desired.name for step in steps if isinstance(step, Create))
        self._not_reviewed = new if self._emulator else frozenset()
        if self._emulator and not plan.orphans and _only_creates(steps):
            self._write(counts_text(steps, plan.orphans, plan.uploads))
        else:
            self._write(*plan_lines(steps, plan.orphans, plan.uploads, self._style))

    def deletions(self, deletions: Sequence[Deletion]) -> None:
        self._width = max((len(clean(item.stack.name)) for item in deletions), default=0)
        self._run.expect(item.stack.name for item in deletions)
        self._write(*deletion_lines(deletions, self._style))

    def event(self, event: Event) -> None:
        stack_progress = self._note(event)
        if isinstance(event, OperationStarted):
            self._shown[event.stack] = stack_progress.activity, self._run.now()
        if self._is_shown(event):
            self._write(*self._lines(event, stack_progress))
        elif self._is_due(event, stack_progress):
            self._write(progress_line(stack_progress, self._width))

    def _note(self, event: Event) -> StackProgress:
        self._width = max(self._width, len(clean(event.stack)))
        return self._run.record(event)

    def _lines(self, event: Event, stack_progress: StackProgress) -> Iterator[str]:
        """Return the lines of *event*; those of a change set have the format of the plan."""
        match event:
            case ChangeSetCreated(stack=name, change_set=change_set) if name in self._not_reviewed:
                return iter([header_line(change_set, self._style)])
            case ChangeSetCreated(stack=name) if change := self._plan.changes_of_change_sets.get(
                name
            ):
                file = f"config/{self._plan.preview.environment}.toml"
                return reviewed_lines(change, event.change_set, file, self._style)
            case _:
                return event_lines(event, stack_progress, self._style, self._width)

    def _is_shown(self, event: Event) -> bool:
        """Return whether *event* gets a line of its own; kept stacks are already in the plan."""
        match event:
            case Progress():
                return needs_line(event)
            case Started():
                return event.stack not in self._not_reviewed
            case Finished(outcome=Outcome.KEPT):
                return event.stack not in self._kept
            case _:
                return True

    def _is_due(self, event: Event, stack_progress: StackProgress) -> bool:
        """Return whether to print a progress line: the operation changed, or INTERVAL_SECONDS passed."""
        if not isinstance(event, Progress) or not stack_progress.resource:
            return False
        activity, since = self._shown.get(event.stack, ("", 0.0))
        now = self._run.now()
        if activity == stack_progress.activity and now - since < INTERVAL_SECONDS:
            return False
        self._shown[event.stack] = stack_progress.activity, now
        return True

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._stream.flush()
        yield

    def summary(self) -> None:
        self._write(*summary_lines(self._run, self._style))

    def warning(self, warning: DeployError) -> None:
        self._write(*error_lines(warning, self._style, "warning"))

    def error(self, error: DeployError) -> None:
        self._write(*error_lines(error, self._style))

    def interrupted(self) -> None:
        line_break = [""] if self._stream.isatty() else []  # The terminal has just written ^C.
        self._write(*line_break, *interrupted_lines(self._run, self._style, self._environment))

    def _write(self, *lines: str) -> None:
        self._stream.write("".join(f"{self._style.fit(line)}\n" for line in lines))
        self._stream.flush()


def _only_creates(steps: Sequence[Step]) -> bool:
    return all(isinstance(step, Create | Keep) for step in steps)
