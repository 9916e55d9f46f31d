"""Execute change sets that were reviewed before: those of a saved plan, or those left for review."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deployer.aws.cloud import ChangeSet
from deployer.change_set_requests import Kind, delete_change_set
from deployer.change_sets import describe_change_set
from deployer.data_guard import refused
from deployer.events import ChangeSetCreated, Event, Finished, Outcome, Started
from deployer.execute import execute_change_set, refused_losses
from deployer.jobs import Job, run_concurrently
from deployer.model.desired import DesiredStack
from deployer.run import Run


@dataclass(frozen=True)
class ReviewedChangeSet:
    """A change set to execute; *desired* is its stack in the code."""

    desired: DesiredStack
    kind: Kind
    arn: str


def execute_reviewed(
    change_sets: Sequence[ReviewedChangeSet], run: Run, *, jobs: int
) -> Iterator[Event]:
    """Execute *change_sets*, dependencies first, *jobs* at a time.

    A change set is refused if it is not approved, or if it loses data without an acceptance in the
    config. The dependents of a stack that failed or was refused are skipped.
    """
    by_name = {item.desired.name: item for item in change_sets}
    needs = {name: item.desired.dependencies for name, item in by_name.items()}
    return run_concurrently(needs, lambda name: _execute(by_name[name], run), run.watch.clock, jobs)


def delete_reviewed(change_sets: Sequence[ChangeSet], run: Run) -> Iterator[Event]:
    """Delete change sets that are not executed, and the empty stacks that were created with them."""
    by_arn = {change_set.arn: change_set for change_set in change_sets}
    needs: dict[str, Sequence[str]] = dict.fromkeys(by_arn, ())
    return run_concurrently(needs, lambda arn: _delete(by_arn[arn], run), run.watch.clock, 1)


def _execute(reviewed: ReviewedChangeSet, run: Run) -> Job:
    desired = reviewed.desired
    yield Started(desired.name, reviewed.kind.lower(), "its change set was reviewed")
    change_set = yield from describe_change_set(
        run.watch, desired.region, reviewed.arn, stack=desired.name
    )
    yield ChangeSetCreated(desired.name, change_set)
    if losses := refused_losses(desired, change_set, run):
        raise refused(losses, run.owner.env)
    if not run.approve(change_set):
        return Finished(desired.name, Outcome.REFUSED, "not approved")
    outcome = Outcome.CREATED if reviewed.kind == "CREATE" else Outcome.UPDATED
    return (yield from execute_change_set(desired, change_set, reviewed.kind, outcome, run))


def _delete(change_set: ChangeSet, run: Run) -> Job:
    yield from delete_change_set(change_set, run, is_first=True)
    return Finished(change_set.stack, Outcome.DELETED)
