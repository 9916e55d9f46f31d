"""The moving lines of the live display: where every stack stands that is at work."""

from __future__ import annotations

from collections.abc import Sequence

from deployer.report.story import Chapter, Story
from deployer.report.words import clean, counted, lasting, short

_NAME = 30
_DOING = 12  # As wide as "rolling back".


def rows(story: Story, width: int) -> list[str]:
    """A line per stack at work, none wider than *width*, and how many wait."""
    working = [each for each in story.all() if each.finished is None]
    name = max((min(len(each.stack), _NAME) for each in working), default=0)
    lines = [_row(each, story.now(), name, width) for each in working]
    if story.waiting:
        lines.append(short(f"{counted(story.waiting, 'stack')} waiting", width))
    return lines


def _row(chapter: Chapter, now: float, name: int, width: int) -> str:
    """The name and what is done come first, then the resource, in the room that is left."""
    left = f"{short(clean(chapter.stack), name):{name}}  {chapter.doing:{_DOING}}"
    right = _joined([_count(chapter), f"{lasting(now - chapter.began):>6}"])
    room = width - len(left) - len(right) - 4
    if room < 1:
        return f"{left}  {right}"[:width]
    return f"{left}  {short(clean(chapter.resource), room):{room}}  {right}"


def _count(chapter: Chapter) -> str:
    if not chapter.running or chapter.doing == "rolling back":
        return ""
    done = len(chapter.done)
    if chapter.total:
        return f"{done}/{chapter.total}"
    return str(done) if done else ""


def _joined(parts: Sequence[str]) -> str:
    return "  ".join(filter(None, parts))
