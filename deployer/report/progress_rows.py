"""Format the rows of the progress display, one for each stack in progress."""

from __future__ import annotations

from collections.abc import Sequence

from deployer.report.progress import RunProgress, StackProgress
from deployer.report.text import clean, duration_text, pluralize, shorten

_MAX_NAME_WIDTH = 30
_ACTIVITY_WIDTH = 12  # The length of "rolling back".


def rows(run: RunProgress, width: int) -> list[str]:
    """Return a line for each stack in progress, at most *width* wide, and the number of waiting stacks."""
    working = [progress for progress in run.all() if progress.finished is None]
    name_width = max((min(len(progress.stack), _MAX_NAME_WIDTH) for progress in working), default=0)
    lines = [_row(progress, run.now(), name_width, width) for progress in working]
    if run.waiting:
        lines.append(shorten(f"{pluralize(run.waiting, 'stack')} waiting", width))
    return lines


def _row(stack_progress: StackProgress, now: float, name_width: int, width: int) -> str:
    """Return the stack, a word such as "creating", the current resource, and the duration."""
    stack = shorten(clean(stack_progress.stack), name_width)
    left = f"{stack:{name_width}}  {stack_progress.activity:{_ACTIVITY_WIDTH}}"
    right = _join([_count(stack_progress), f"{duration_text(now - stack_progress.started_at):>6}"])
    resource_width = width - len(left) - len(right) - 4
    if resource_width < 1:
        return f"{left}  {right}"[:width]
    return f"{left}  {shorten(clean(stack_progress.resource), resource_width):{resource_width}}  {right}"


def _count(stack_progress: StackProgress) -> str:
    if not stack_progress.running or stack_progress.activity == "rolling back":
        return ""
    completed = len(stack_progress.completed)
    if stack_progress.total:
        return f"{completed}/{stack_progress.total}"
    return str(completed) if completed else ""


def _join(parts: Sequence[str]) -> str:
    return "  ".join(filter(None, parts))
