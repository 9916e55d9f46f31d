"""Ask the operator at the terminal, and refuse where nobody can answer."""

from __future__ import annotations

import sys


def refuse_unattended(place: str, otherwise: str, *, can_ask: bool = True) -> None:
    """Raise GuardError unless *can_ask* and standard input is a terminal.

    *otherwise* is what can be done about *place* without an answer.
    """
    from deployer.errors import GuardError

    if not (can_ask and sys.stdin.isatty()):
        raise GuardError(
            f"{place}: nobody is there to approve: this is no terminal",
            hint=f"--yes approves unseen, {otherwise}",
        )


def answered_yes(question: str) -> bool:
    """Print *question* and return whether the answer is yes; the default is no."""
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
