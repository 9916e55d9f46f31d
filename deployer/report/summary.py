"""Format the end of a run: the outcomes, what to do next, and the operations that continue in AWS."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator

from deployer.errors import DeployError
from deployer.events import Finished, Outcome
from deployer.report.errors import error_lines
from deployer.report.progress import RunProgress, StackProgress
from deployer.report.style import Style
from deployer.report.text import clean, duration_text, join_counts


def summary_lines(run: RunProgress, style: Style) -> Iterator[str]:
    """Yield the counts, then the failures and everything else that an operator must act on."""
    numbers = Counter(finished.outcome for finished in run.finished)
    text = join_counts((outcome.value, numbers[outcome]) for outcome in Outcome) or "nothing to do"
    succeeded = all(outcome.succeeded for outcome in numbers)
    yield style("green" if succeeded else "red", f"{text}, in {duration_text(run.seconds)}")
    for finished in run.of(Outcome.FAILED):
        yield from error_lines(_error(finished), style, "failed")
    for finished in run.of(Outcome.REFUSED, Outcome.SKIPPED):
        yield _line(finished.outcome.value, finished, style)
    for finished in run.of(Outcome.DELETED):
        if finished.detail:
            yield _line("kept", finished, style)
    yield from _pending_review(run, style)


def interrupted_lines(run: RunProgress, style: Style, environment: str) -> Iterator[str]:
    """Yield the operations that continue in AWS, and how to follow, cancel or continue them."""
    running = run.running
    unexecuted = [stack for stack in run.all() if stack.is_unexecuted]
    if running:
        yield f"{style('red', 'interrupted:')} these operations continue in AWS:"
        yield from (f"  {_running(stack)}" for stack in running)
    else:
        yield f"{style('red', 'interrupted:')} no operation continues in AWS"
    for stack in unexecuted:
        yield f"  {clean(stack.stack)}: its change set exists, and may have been executed"
    if running:
        flag = f" --env={shlex.quote(clean(environment))}" if environment else ""
        yield f"{style('cyan', 'hint:')} run the same command again to continue"
        yield f"      to follow the operations: ./inv attach{flag}"
        yield f"      to cancel them: ./inv cancel{flag}"
    elif unexecuted:
        hint = "run the same command again to continue, or ./inv status to see the stacks"
        yield f"{style('cyan', 'hint:')} {hint}"


def execute_command(arn: str, region: str) -> str:
    """Return the AWS CLI command that executes a change set."""
    return (
        "aws cloudformation execute-change-set "
        f"--change-set-name {shlex.quote(clean(arn))} --region {shlex.quote(clean(region))}"
    )


def pending_review(run: RunProgress) -> Iterator[tuple[str, str]]:
    """Yield each stack whose change set is pending review, and the command that executes it."""
    for stack_progress in run.all():
        if (
            stack_progress.change_set
            and stack_progress.finished
            and stack_progress.finished.outcome is Outcome.PENDING_REVIEW
        ):
            change_set = stack_progress.change_set
            yield stack_progress.stack, execute_command(change_set.arn, change_set.region)


def _pending_review(run: RunProgress, style: Style) -> Iterator[str]:
    commands = list(pending_review(run))
    if commands:
        yield style("bold", "change sets pending review; execute them in this order:")
    for _, command in commands:
        yield f"  {command}"


def _running(stack_progress: StackProgress) -> str:
    where = f" in {clean(stack_progress.operation.region)}" if stack_progress.operation else ""
    progress = (
        f", {len(stack_progress.completed)} of {stack_progress.total} resources done"
        if stack_progress.total
        else ""
    )
    return f"{clean(stack_progress.stack)}: {stack_progress.activity}{where}{progress}"


def _error(finished: Finished) -> DeployError:
    """Return the error of a failed stack; its message begins with the name of the stack."""
    error = finished.error or DeployError(finished.detail or "failed")
    if error.message.startswith(finished.stack):
        return error
    return DeployError(f"{finished.stack}: {error.message}", hint=error.hint)


def _line(word: str, finished: Finished, style: Style) -> str:
    label = style("red" if word == "refused" else "yellow", f"{word}:")
    return f"{label} {clean(finished.stack)}: {clean(finished.detail)}"
