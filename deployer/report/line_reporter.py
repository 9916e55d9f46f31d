"""Tells of a run line by line: for a log, a pipe, or a terminal that cannot do more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TextIO

from deployer.errors import DeployError
from deployer.events import Event, Finished, Outcome, Progress
from deployer.plan import Keep, Orphan, Step, Upload
from deployer.removal import Deletion
from deployer.report.deletions import deletion_lines
from deployer.report.errors import error_lines
from deployer.report.event_lines import event_lines, start_line
from deployer.report.plan import plan_lines
from deployer.report.progress import RunProgress
from deployer.report.style import Style
from deployer.report.summary import interrupted_lines, summary_lines
from deployer.report.text import clean


class LineReporter:
    """A line per thing; see `Reporter` for what each method is told."""

    def __init__(self, stream: TextIO, style: Style, now: Callable[[], float]) -> None:
        self._stream = stream
        self._style = style
        self._run = RunProgress(now)
        self._width = 0
        self._last: tuple[str, str, str] | None = None
        self._kept: frozenset[str] = frozenset()

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
        self._say(start_line(env, account, region, self._style, emulator=emulator, origins=origins))

    def plan(
        self, steps: Sequence[Step], orphans: Sequence[Orphan], uploads: Sequence[Upload]
    ) -> None:
        self._width = max((len(clean(step.desired.name)) for step in steps), default=0)
        self._kept = frozenset(step.desired.name for step in steps if isinstance(step, Keep))
        self._run.expect(step.desired.name for step in steps if not isinstance(step, Keep))
        self._say(*plan_lines(steps, orphans, uploads, self._style))

    def deletions(self, deletions: Sequence[Deletion]) -> None:
        self._width = max((len(clean(each.stack.name)) for each in deletions), default=0)
        self._run.expect(each.stack.name for each in deletions)
        self._say(*deletion_lines(deletions, self._style))

    def event(self, event: Event) -> None:
        stack_progress = self._run.note(event)
        self._width = max(self._width, len(clean(event.stack)))
        if not self._again(event):
            self._say(*event_lines(event, stack_progress, self._style, self._width))

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._stream.flush()
        yield

    def summary(self) -> None:
        self._say(*summary_lines(self._run, self._style))

    def error(self, error: DeployError) -> None:
        self._say(*error_lines(error, self._style))

    def interrupted(self) -> None:
        typed = [""] if self._stream.isatty() else []  # The terminal has just written ^C.
        self._say(*typed, *interrupted_lines(self._run, self._style))

    def _say(self, *lines: str) -> None:
        self._stream.write("".join(f"{self._style.fit(line)}\n" for line in lines))
        self._stream.flush()

    def _again(self, event: Event) -> bool:
        """Whether this was told already.

        AWS tells twice that it makes a resource: when it begins, and when it has an id. The plan
        has told which stacks are kept.
        """
        match event:
            case Progress(event=told):
                last = self._last
                self._last = (event.stack, told.logical_id, told.status)
                return self._last == last
            case Finished(outcome=Outcome.KEPT):
                return event.stack in self._kept
            case _:
                return False
