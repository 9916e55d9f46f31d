"""Show a run on a terminal: lines of finished stacks, and below them the progress display."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live as Region
from rich.text import Text

from deployer.errors import DeployError
from deployer.events import Event
from deployer.report.event_lines import needs_line
from deployer.report.line_reporter import LineReporter
from deployer.report.progress_rows import rows
from deployer.report.style import Style

_REFRESHES_PER_SECOND = 4


class LiveReporter(LineReporter):
    """A `Reporter` with a progress display: a line for each stack in progress."""

    def __init__(
        self, stream: TextIO, style: Style, environ: Mapping[str, str], now: Callable[[], float]
    ) -> None:
        super().__init__(stream, style, now)
        self._console = Console(
            file=stream,
            force_terminal=True,
            no_color=not style.colour,
            highlight=False,
            markup=False,
            emoji=False,
            _environ=environ,
        )
        self._region: Region | None = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()
        super().__exit__(kind, error, trace)

    def event(self, event: Event) -> None:
        stack_progress = self._note(event)
        if needs_line(event) and self._is_shown(event):
            self._write(*self._lines(event, stack_progress))
        self._start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Hide the progress display during a question."""
        was_shown = self._region is not None
        self._stop()
        yield
        if was_shown:
            self._start()

    def summary(self) -> None:
        self._stop()
        super().summary()

    def error(self, error: DeployError) -> None:
        self._stop()
        super().error(error)

    def interrupted(self) -> None:
        self._stop()
        super().interrupted()

    def _write(self, *lines: str) -> None:
        if self._region is None:
            super()._write(*lines)
        elif lines:
            text = "\n".join(self._style.fit(line) for line in lines)
            self._console.print(Text.from_ansi(text), soft_wrap=True)

    def _start(self) -> None:
        if self._region is None:
            self._region = Region(
                console=self._console,
                get_renderable=self._progress,
                refresh_per_second=_REFRESHES_PER_SECOND,
                transient=True,
                redirect_stdout=False,  # Standard output is for data.
            )
            self._region.start()

    def _stop(self) -> None:
        """Remove the progress display, and show the cursor again."""
        region, self._region = self._region, None
        if region is not None:
            try:
                region.stop()
            finally:  # A second Ctrl-C must not leave the terminal without its cursor.
                self._console.show_cursor(show=True)

    def _progress(self) -> Group:
        """Return the lines of the display; none while it is removed.

        rich prints the display once more when it stops, and the lines would scroll.
        """
        lines = rows(self._run, self._console.width - 1) if self._region else []
        return Group(
            *(Text(self._style.fit(line), no_wrap=True, overflow="crop") for line in lines)
        )
