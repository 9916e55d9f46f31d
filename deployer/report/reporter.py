"""The interface of all reporters."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from deployer.errors import DeployError
from deployer.events import Event
from deployer.removal import Deletion
from deployer.report.live_plan import LivePlan


class Reporter(Protocol):
    """The reporter of one run. As a context manager, it restores the state of the terminal."""

    def __enter__(self) -> Self:
        """Return the reporter."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the progress display, also after an error."""

    def start(
        self,
        env: str,
        account: str,
        region: str,
        *,
        emulator: bool,
        origins: Sequence[str] = (),
    ) -> None:
        """Report the start of a run: the environment, and the sources of the AWS configuration."""

    def plan(self, plan: LivePlan) -> None:
        """Report the step of each stack; its changes are reported with its change set."""

    def deletions(self, deletions: Sequence[Deletion]) -> None:
        """Report the stacks to delete, and the consequences for their data."""

    def event(self, event: Event) -> None:
        """Report an event; a change set is shown completely before its approval is requested."""

    def paused(self) -> AbstractContextManager[None]:
        """Stop the progress display while a question is asked."""

    def summary(self) -> None:
        """Report the outcomes, how to fix failures, and what remains to do."""

    def warning(self, warning: DeployError) -> None:
        """Report an error that does not end the run."""

    def error(self, error: DeployError) -> None:
        """Report an error that ends the run."""

    def interrupted(self) -> None:
        """Report the operations that continue in AWS after an interrupt, and stop the display."""
