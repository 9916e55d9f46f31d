"""Says how a run ended: what was done, what to do now, and what goes on without us."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator

from deployer.errors import DeployError
from deployer.events import Finished, Outcome
from deployer.report.errors import error_lines
from deployer.report.progress import RunProgress, StackProgress
from deployer.report.style import Style
from deployer.report.text import clean, lasting, listed


def summary_lines(run: RunProgress, style: Style) -> Iterator[str]:
    """The counts, then everything that is left to a person."""
    found = Counter(each.outcome for each in run.finished)
    text = listed((each.value, found[each]) for each in Outcome) or "nothing done"
    well = all(each.succeeded for each in found)
    yield style("green" if well else "red", f"{text}, in {lasting(run.seconds)}")
    for finished in run.of(Outcome.FAILED):
        yield from error_lines(_error(finished), style, "failed")
    for finished in run.of(Outcome.REFUSED, Outcome.SKIPPED):
        yield _line(finished.outcome.value, finished, style)
    for finished in run.of(Outcome.DELETED):
        if finished.detail:
            yield _line("kept", finished, style)
    yield from _left(run, style)


def interrupted_lines(run: RunProgress, style: Style) -> Iterator[str]:
    """What goes on in AWS, and how to see it."""
    running = run.running
    unexecuted = [each for each in run.all() if each.unexecuted]
    if running:
        yield f"{style('red', 'interrupted:')} this goes on in AWS:"
        yield from (f"  {_running(each)}" for each in running)
    else:
        yield f"{style('red', 'interrupted:')} nothing that was started goes on in AWS"
    for each in unexecuted:
        yield f"  {clean(each.stack)}: its change set is there, and was not seen to begin"
    if running or unexecuted:
        hint = "run the same command again to follow it; `invoke status` shows it"
        yield f"{style('cyan', 'hint:')} {hint}"


def execute_command(arn: str, region: str) -> str:
    """What executes a change set that was left, without us."""
    return (
        "aws cloudformation execute-change-set "
        f"--change-set-name {shlex.quote(clean(arn))} --region {shlex.quote(clean(region))}"
    )


def left(run: RunProgress) -> Iterator[tuple[str, str]]:
    """Every change set that was left, as asked: its stack, and what executes it."""
    for stack_progress in run.all():
        if (
            stack_progress.change_set
            and stack_progress.finished
            and stack_progress.finished.outcome is Outcome.PENDING_REVIEW
        ):
            change_set = stack_progress.change_set
            yield stack_progress.stack, execute_command(change_set.arn, change_set.region)


def _left(run: RunProgress, style: Style) -> Iterator[str]:
    commands = list(left(run))
    if commands:
        yield style("bold", "change sets left; to execute them, lowest stack first:")
    for _, command in commands:
        yield f"  {command}"


def _running(stack_progress: StackProgress) -> str:
    where = f" in {clean(stack_progress.operation.region)}" if stack_progress.operation else ""
    done = (
        f", {len(stack_progress.done)} of {stack_progress.total} resources done"
        if stack_progress.total
        else ""
    )
    return f"{clean(stack_progress.stack)}: {stack_progress.doing}{where}{done}"


def _error(finished: Finished) -> DeployError:
    """The error that ended the work on a stack; it names the stack."""
    error = finished.error or DeployError(finished.detail or "failed")
    if error.message.startswith(finished.stack):
        return error
    return DeployError(f"{finished.stack}: {error.message}", hint=error.hint)


def _line(word: str, finished: Finished, style: Style) -> str:
    label = style("red" if word == "refused" else "yellow", f"{word}:")
    return f"{label} {clean(finished.stack)}: {clean(finished.detail)}"
