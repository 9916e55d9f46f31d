"""Ask the operator at the terminal for approval; raise an error if no answer is possible."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from deployer.errors import GuardError


@dataclass(frozen=True)
class Approver:
    """Asks for approval before a change, unless it is not *required*.

    If no approval is possible, the error begins with *place*, and its hint ends with *alternative*.
    *paused* pauses the progress display during a question. *can_ask* is False with --json.
    """

    place: str
    alternative: str
    required: bool = True
    can_ask: bool = True
    paused: Callable[[], AbstractContextManager[None]] = nullcontext

    def refuse_unattended(self) -> None:
        """Raise GuardError if an approval is required, but cannot be asked for."""
        if self.required:
            refuse_unattended(self.place, self.alternative, can_ask=self.can_ask)

    def approves(self, question: str) -> bool:
        """Return whether the operator approves, or no approval is required."""
        self.refuse_unattended()
        if not self.required:
            return True
        with self.paused():
            return answered_yes(question)


def refuse_unattended(place: str, alternative: str, *, can_ask: bool = True) -> None:
    """Raise GuardError unless *can_ask* and standard input is a terminal.

    *alternative* completes the hint: it is what the operator can do other than pass --yes.
    """
    if not can_ask:
        reason = "--json prints no questions"
    elif sys.stdin is None or not sys.stdin.isatty():  # None: it was closed, as by `<&-`.
        reason = "standard input is not a terminal"
    else:
        return
    raise GuardError(
        f"{place}: cannot ask for approval: {reason}",
        hint=f"pass --yes to approve without a question, or {alternative}",
    )


def answered_yes(question: str) -> bool:
    """Print *question* and return whether the answer is yes; the default is no."""
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
