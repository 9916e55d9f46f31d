"""Ask the operator at the terminal, and refuse where no answer is possible."""

from __future__ import annotations

import sys


def refuse_unattended(place: str, otherwise: str, *, can_ask: bool = True) -> None:
    """Raise GuardError unless *can_ask* and standard input is a terminal.

    *can_ask* is false with --json. *otherwise* is what can be done without an answer.
    """
    from deployer.errors import GuardError

    if not can_ask:
        reason = "--json prints no questions"
    elif sys.stdin is None or not sys.stdin.isatty():  # None: it was closed, as by `<&-`.
        reason = "standard input is not a terminal"
    else:
        return
    raise GuardError(
        f"{place}: cannot ask for approval: {reason}",
        hint=f"pass --yes to approve without a question, or {otherwise}",
    )


def answered_yes(question: str) -> bool:
    """Print *question* and return whether the answer is yes; the default is no."""
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
