"""Format the events of a run as lines with stable columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from deployer.events import (
    ChangeSetCreated,
    Event,
    Finished,
    OperationStarted,
    Outcome,
    Progress,
    Started,
    Uploaded,
    Verified,
)
from deployer.model.template_tree import format_path
from deployer.report.change_sets import change_lines
from deployer.report.progress import StackProgress
from deployer.report.style import Emphasis, Style
from deployer.report.text import clean, duration_text, shorten

_STYLES: Mapping[Outcome, Emphasis] = {
    Outcome.KEPT: "dim",
    Outcome.PENDING_REVIEW: "yellow",
    Outcome.SKIPPED: "yellow",
    Outcome.REFUSED: "red",
    Outcome.FAILED: "red",
}
_WORD_WIDTH = 18  # The length of CREATE_IN_PROGRESS.
_MIN_URL_WIDTH = 20  # A narrower terminal wraps the line.


def start_line(
    env: str,
    account: str,
    region: str,
    style: Style,
    *,
    emulator: bool,
    origins: Sequence[str] = (),
) -> str:
    """Return the first line of a run: the environment, and the sources of the AWS configuration."""
    kind = ", emulator" if emulator else ""
    where = f"account {clean(account)}, region {clean(region)}{kind}"
    return " · ".join([f"{style('bold', clean(env))}: {where}", *map(clean, origins)])


def event_lines(
    event: Event, stack_progress: StackProgress, style: Style, width: int
) -> Iterator[str]:
    """Yield the lines of *event*; *width* is that of the column of stack names."""
    name = f"{clean(event.stack):{width}}"
    match event:
        case Started(step="keep"):
            return  # The Finished event of the stack gets a line.
        case Started(step=step, reason=reason):
            yield f"{name}  {clean(step):{_WORD_WIDTH}}  {clean(reason)}"
        case Uploaded(url=url, replaced=reason) if reason:
            word = style("red", f"{'replaced':{_WORD_WIDTH}}")
            yield f"{name}  {word}  {clean(url)}: {clean(reason)}"
        case Uploaded(url=url):
            yield _url_line(name, "uploaded", url, style)
        case Verified(url=url):
            yield _url_line(name, "verified", url, style)
        case ChangeSetCreated(change_set=change_set):
            yield from change_lines(change_set, style)
        case OperationStarted(region=region):
            yield f"{name}  {stack_progress.activity:{_WORD_WIDTH}}  in {clean(region)}"
        case Progress():
            yield f"{name}  {_progress(event, style)}"
        case Finished(outcome=outcome):
            word = style(_STYLES.get(outcome, "green"), f"{outcome.value:{_WORD_WIDTH}}")
            yield f"{name}  {word}  {_result(event, stack_progress)}".rstrip()


def _url_line(name: str, word: str, url: str, style: Style) -> str:
    """Return the line of a URL, which is shortened to fit a terminal, but not in a log."""
    start = f"{name}  {word:{_WORD_WIDTH}}  "
    limit = max(style.width - len(start), _MIN_URL_WIDTH)
    return start + (shorten(clean(url), limit) if style.can_move_cursor else clean(url))


def progress_line(stack_progress: StackProgress, width: int) -> str:
    """Return a line with the progress of the operation on a stack, and its current resource."""
    completed, total = len(stack_progress.completed), stack_progress.total
    count = f"{completed} of {total} resources, " if total else ""
    name = f"{clean(stack_progress.stack):{width}}"
    return (
        f"{name}  {stack_progress.activity:{_WORD_WIDTH}}  {count}{clean(stack_progress.resource)}"
    )


def needs_line(event: Event) -> bool:
    """Return whether *event* needs a line besides the progress display or the condensed lines."""
    match event:
        case Progress(event=stack_event):
            return stack_event.failed and not stack_event.of_stack
        case Started() | Verified() | OperationStarted():
            return False
        case _:
            return True


def _progress(progress: Progress, style: Style) -> str:
    event, line = progress.event, progress.line
    status = f"{clean(event.status):{_WORD_WIDTH}}"
    resource = f"{clean(format_path((*progress.path, event.logical_id)))} ({clean(event.type)})"
    reason = f": {clean(event.reason)}" if event.reason else ""
    defined = f" (defined at {clean(str(line))})" if event.failed and line else ""
    return f"{style('red', status) if event.failed else status}  {resource}{reason}{defined}"


def _result(finished: Finished, stack_progress: StackProgress) -> str:
    match finished.outcome:
        case Outcome.KEPT | Outcome.SKIPPED | Outcome.REFUSED:
            return clean(finished.detail)
        case Outcome.PENDING_REVIEW:
            return "not executed (--no-execute)"
        case Outcome.FAILED:
            first, _, _ = finished.detail.partition("\n")
            return clean(first.removeprefix(f"{finished.stack}: "))
        case _:
            duration = f"in {duration_text(stack_progress.ended_at - stack_progress.started_at)}"
            return f"{duration}  {clean(finished.detail)}".rstrip()
