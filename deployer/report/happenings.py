"""Says what happens while it happens: a line per thing, in stable columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from deployer.events import (
    Event,
    Finished,
    Operating,
    Outcome,
    Progress,
    Proposed,
    Started,
    Uploaded,
    Verified,
)
from deployer.model.template_tree import format_path
from deployer.report.changes import change_lines
from deployer.report.ink import Ink, Style
from deployer.report.story import Chapter
from deployer.report.words import clean, lasting

_STYLES: Mapping[Outcome, Style] = {
    Outcome.KEPT: "dim",
    Outcome.PENDING_REVIEW: "yellow",
    Outcome.SKIPPED: "yellow",
    Outcome.REFUSED: "red",
    Outcome.FAILED: "red",
}
_WORD = 18  # As wide as CREATE_IN_PROGRESS.


def start_line(
    env: str,
    account: str,
    region: str,
    ink: Ink,
    *,
    emulator: bool,
    origins: Sequence[str] = (),
) -> str:
    """Return the first line of a run: the environment, and the parts of the AWS setup in use."""
    kind = ", emulator" if emulator else ""
    where = f"account {clean(account)}, region {clean(region)}{kind}"
    return " · ".join([f"{ink('bold', clean(env))}: {where}", *map(clean, origins)])


def event_lines(event: Event, chapter: Chapter, ink: Ink, width: int) -> Iterator[str]:
    """*event* in words; *chapter* is how it stands with its stack, *width* that of its column."""
    name = f"{clean(event.stack):{width}}"
    match event:
        case Started(step="keep"):
            return  # That it was kept is told when it is finished.
        case Started(step=step, reason=reason):
            yield f"{name}  {clean(step):{_WORD}}  {clean(reason)}"
        case Uploaded(url=url, replaced=fault) if fault:
            word = ink("red", f"{'replaced':{_WORD}}")
            yield f"{name}  {word}  {clean(url)}: {clean(fault)}"
        case Uploaded(url=url):
            yield f"{name}  {'uploaded':{_WORD}}  {clean(url)}"
        case Verified(url=url):
            yield f"{name}  {'verified':{_WORD}}  {clean(url)}"
        case Proposed(change_set=change_set):
            yield from change_lines(change_set, ink)
        case Operating(region=region):
            yield f"{name}  {chapter.doing:{_WORD}}  in {clean(region)}"
        case Progress():
            yield f"{name}  {_progress(event, ink)}"
        case Finished(outcome=outcome):
            word = ink(_STYLES.get(outcome, "green"), f"{outcome.value:{_WORD}}")
            yield f"{name}  {word}  {_ending(event, chapter)}".rstrip()


def is_loud(event: Event) -> bool:
    """A live display, which shows where things stand anyway, tells this, too."""
    match event:
        case Progress(event=told):
            return told.failed and not told.of_stack
        case Started() | Verified() | Operating():
            return False
        case _:
            return True


def _progress(progress: Progress, ink: Ink) -> str:
    event, line = progress.event, progress.line
    status = f"{clean(event.status):{_WORD}}"
    what = f"{clean(format_path((*progress.path, event.logical_id)))} ({clean(event.type)})"
    reason = f": {clean(event.reason)}" if event.reason else ""
    made = f" (made at {clean(str(line))})" if event.failed and line else ""
    return f"{ink('red', status) if event.failed else status}  {what}{reason}{made}"


def _ending(finished: Finished, chapter: Chapter) -> str:
    match finished.outcome:
        case Outcome.KEPT | Outcome.SKIPPED | Outcome.REFUSED:
            return clean(finished.detail)
        case Outcome.PENDING_REVIEW:
            return "not executed, as asked"
        case Outcome.FAILED:
            first, _, _ = finished.detail.partition("\n")
            return clean(first.removeprefix(f"{finished.stack}: "))
        case _:
            took = f"in {lasting(chapter.ended - chapter.began)}"
            return f"{took}  {clean(finished.detail)}".rstrip()
