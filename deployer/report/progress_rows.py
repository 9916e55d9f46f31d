"""Format the rows of the progress display, one for each stack in progress."""

from __future__ import annotations

from collections.abc import Sequence

from deployer.report.progress import RunProgress, StackProgress
from deployer.report.text import clean, counted, duration_text, short

_MAX_NAME_WIDTH = 30
_DOING_WIDTH = 12  # As wide as "rolling back".


def rows(run: RunProgress, width: int) -> list[str]:
    """Return a line for each stack in progress, at most *width* wide, and the number that wait."""
    working = [progress for progress in run.all() if progress.finished is None]
    name_width = max((min(len(progress.stack), _MAX_NAME_WIDTH) for progress in working), default=0)
    lines = [_row(progress, run.now(), name_width, width) for progress in working]
    if run.waiting:
        lines.append(short(f"{counted(run.waiting, 'stack')} waiting", width))
    return lines


def _row(stack_progress: StackProgress, now: float, name_width: int, width: int) -> str:
    """Return the stack, a word such as "creating", the current resource, and the duration."""
    stack = short(clean(stack_progress.stack), name_width)
    left = f"{stack:{name_width}}  {stack_progress.doing:{_DOING_WIDTH}}"
    right = _joined([_count(stack_progress), f"{duration_text(now - stack_progress.began):>6}"])
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
