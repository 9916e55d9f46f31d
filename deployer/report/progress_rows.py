"""Format the moving lines: the progress of every stack in work."""

from __future__ import annotations

from collections.abc import Sequence

from deployer.report.progress import RunProgress, StackProgress
from deployer.report.text import clean, counted, lasting, short

_NAME = 30
_DOING = 12  # As wide as "rolling back".


def rows(run: RunProgress, width: int) -> list[str]:
    """Return a line for each stack in progress, at most *width* wide, and the number that wait."""
    working = [progress for progress in run.all() if progress.finished is None]
    name = max((min(len(progress.stack), _NAME) for progress in working), default=0)
    lines = [_row(progress, run.now(), name, width) for progress in working]
    if run.waiting:
        lines.append(short(f"{counted(run.waiting, 'stack')} waiting", width))
    return lines


def _row(stack_progress: StackProgress, now: float, name: int, width: int) -> str:
    """Return the name and the kind of work, then the resource in the remaining width."""
    left = f"{short(clean(stack_progress.stack), name):{name}}  {stack_progress.doing:{_DOING}}"
    right = _joined([_count(stack_progress), f"{lasting(now - stack_progress.began):>6}"])
    room = width - len(left) - len(right) - 4
    if room < 1:
        return f"{left}  {right}"[:width]
    return f"{left}  {short(clean(stack_progress.resource), room):{room}}  {right}"


def _count(stack_progress: StackProgress) -> str:
    if not stack_progress.running or stack_progress.doing == "rolling back":
        return ""
    done = len(stack_progress.done)
    if stack_progress.total:
        return f"{done}/{stack_progress.total}"
    return str(done) if done else ""


def _joined(parts: Sequence[str]) -> str:
    return "  ".join(filter(None, parts))
