"""Ask the operator for approval, and refuse if standard input is not a terminal."""

from __future__ import annotations

import sys


def refuse_unattended(place: str, otherwise: str, *, can_ask: bool = True) -> None:
    """Raise GuardError unless *can_ask* and standard input is a terminal.

    *otherwise* completes the hint: an alternative to an approval.
    """
    from deployer.errors import GuardError

    if not (can_ask and sys.stdin.isatty()):
        reason = "standard input is not a terminal" if can_ask else "--json asks no questions"
        raise GuardError(
            f"{place}: cannot ask for approval: {reason}",
            hint=f"pass --yes to approve without review, or {otherwise}",
        )


def answered_yes(question: str) -> bool:
    """Print *question* and return whether the answer is yes; the default is no."""
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
