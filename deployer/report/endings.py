"""Says how a run ended: what was done, what to do now, and what goes on without us."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator

from deployer.errors import DeployError
from deployer.events import Finished, Outcome
from deployer.report.ink import Ink
from deployer.report.story import Chapter, Story
from deployer.report.told import error_lines
from deployer.report.words import clean, lasting, listed


def summary_lines(story: Story, ink: Ink) -> Iterator[str]:
    """The counts, then everything that is left to a person."""
    found = Counter(each.outcome for each in story.finished)
    text = listed((each.value, found[each]) for each in Outcome) or "nothing done"
    well = all(each.succeeded for each in found)
    yield ink("green" if well else "red", f"{text}, in {lasting(story.seconds)}")
    for finished in story.of(Outcome.FAILED):
        yield from error_lines(_error(finished), ink, "failed")
    for finished in story.of(Outcome.REFUSED, Outcome.SKIPPED):
        yield _line(finished.outcome.value, finished, ink)
    for finished in story.of(Outcome.DELETED):
        if finished.detail:
            yield _line("kept", finished, ink)
    yield from _left(story, ink)


def interrupted_lines(story: Story, ink: Ink) -> Iterator[str]:
    """What goes on in AWS, and how to see it."""
    running = story.running
    unexecuted = [each for each in story.all() if each.unexecuted]
    if running:
        yield f"{ink('red', 'interrupted:')} this goes on in AWS:"
        yield from (f"  {_running(each)}" for each in running)
    else:
        yield f"{ink('red', 'interrupted:')} nothing that was started goes on in AWS"
    for each in unexecuted:
        yield f"  {clean(each.stack)}: its change set is there, and was not seen to begin"
    if running or unexecuted:
        hint = "run the same command again to follow it; `invoke status` shows it"
        yield f"{ink('cyan', 'hint:')} {hint}"


def execute_command(arn: str, region: str) -> str:
    """What executes a change set that was left, without us."""
    return (
        "aws cloudformation execute-change-set "
        f"--change-set-name {shlex.quote(clean(arn))} --region {shlex.quote(clean(region))}"
    )


def left(story: Story) -> Iterator[tuple[str, str]]:
    """Every change set that was left, as asked: its stack, and what executes it."""
    for chapter in story.all():
        if (
            chapter.change_set
            and chapter.finished
            and chapter.finished.outcome is Outcome.PENDING_REVIEW
        ):
            change_set = chapter.change_set
            yield chapter.stack, execute_command(change_set.arn, change_set.region)


def _left(story: Story, ink: Ink) -> Iterator[str]:
    commands = list(left(story))
    if commands:
        yield ink("bold", "change sets left; to execute them, lowest stack first:")
    for _, command in commands:
        yield f"  {command}"


def _running(chapter: Chapter) -> str:
    where = f" in {clean(chapter.operation.region)}" if chapter.operation else ""
    done = f", {len(chapter.done)} of {chapter.total} resources done" if chapter.total else ""
    return f"{clean(chapter.stack)}: {chapter.doing}{where}{done}"


def _error(finished: Finished) -> DeployError:
    """The error that ended the work on a stack; it names the stack."""
    error = finished.error or DeployError(finished.detail or "failed")
    if error.message.startswith(finished.stack):
        return error
    return DeployError(f"{finished.stack}: {error.message}", hint=error.hint)


def _line(word: str, finished: Finished, ink: Ink) -> str:
    label = ink("red" if word == "refused" else "yellow", f"{word}:")
    return f"{label} {clean(finished.stack)}: {clean(finished.detail)}"
