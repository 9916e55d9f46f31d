"""Derive the exit code of a run from the outcomes of its stacks.

If stacks ended differently, the outcome that needs the most work from an operator decides: manual repair
(6), rolled back (5), AWS unreachable (8), busy (7), stale (4), refused (3), any other error (1).
Skipped stacks are ignored: the outcome of the dependency that failed decides. A change set that is
pending review counts as success (0).
"""

from __future__ import annotations

from collections.abc import Iterable

from deployer.errors import GuardError
from deployer.events import Event, Finished, Outcome

_WORST_FIRST = (6, 5, 8, 7, 4, 3, 1)


def exit_code(events: Iterable[Event]) -> int:
    """Return the exit code of a run with these *events*."""
    codes = {_code(event) for event in events if isinstance(event, Finished)}
    return next((code for code in _WORST_FIRST if code in codes), 0)


def _code(finished: Finished) -> int:
    match finished:
        case Finished(outcome=Outcome.FAILED, error=None):
            return 1
        case Finished(outcome=Outcome.FAILED, error=error) if error:
            return error.code
        case Finished(outcome=Outcome.REFUSED):
            return GuardError.code
        case _:
            return 0
