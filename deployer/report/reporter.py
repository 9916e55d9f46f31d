"""What whoever tells of a run can be told."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from deployer.errors import DeployError
from deployer.events import Event
from deployer.plan import Orphan, Step, Upload
from deployer.removal import Deletion


class Reporter(Protocol):
    """Tells of one run. Used as a context manager, it leaves the terminal as it found it."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End; nothing moves on the screen any more, whatever happened."""

    def start(
        self,
        env: str,
        account: str,
        region: str,
        *,
        emulator: bool,
        origins: Sequence[str] = (),
    ) -> None:
        """Report the start of a run: the environment, and the parts of the AWS setup in use."""

    def plan(
        self, steps: Sequence[Step], orphans: Sequence[Orphan], uploads: Sequence[Upload]
    ) -> None:
        """What is going to happen."""

    def deletions(self, deletions: Sequence[Deletion]) -> None:
        """Report the stacks to delete, and the consequences for their data."""

    def event(self, event: Event) -> None:
        """What happens; a proposed change set is shown whole, before anyone is asked about it."""

    def paused(self) -> AbstractContextManager[None]:
        """The screen stands still meanwhile: somebody is asked something."""

    def summary(self) -> None:
        """How it ended, what to do about what did not end well, and what is left."""

    def error(self, error: DeployError) -> None:
        """It cannot go on."""

    def interrupted(self) -> None:
        """What goes on in AWS although we stop watching. Ends what moves on the screen."""
