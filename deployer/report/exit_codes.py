"""What a run that ended tells the shell.

Where stacks ended differently, the one that needs most from a person wins: a stack to mend by
hand (6), one rolled back (5), lost sight of (8), busy (7), stale (4), refused (3), another
error (1). What was skipped adds nothing: what it stands on has said why. A change set left
unexecuted, as asked, is done (0).
"""

from __future__ import annotations

from collections.abc import Iterable

from deployer.errors import GuardError
from deployer.events import Event, Finished, Outcome

_WORST_FIRST = (6, 5, 8, 7, 4, 3, 1)


def exit_code(events: Iterable[Event]) -> int:
    """The exit code of a run of which *events* told."""
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
