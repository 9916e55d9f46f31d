"""Follow the operations that run on stacks already, even if another run started them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from deployer.aws.cloud import DeployedStack
from deployer.events import Event, Finished, Outcome, Started
from deployer.follow import event_before_operation, follow, operation_started, running_operation
from deployer.jobs import Job, run_for_each
from deployer.model.desired import DesiredStack
from deployer.model.template_tree import resource_lines
from deployer.operation_errors import operation_error
from deployer.plan import Key
from deployer.run import Run

_OUTCOMES = {
    ("create", "CREATE_COMPLETE"): Outcome.CREATED,
    ("update", "UPDATE_COMPLETE"): Outcome.UPDATED,
    ("import", "IMPORT_COMPLETE"): Outcome.UPDATED,
    ("delete", "DELETE_COMPLETE"): Outcome.DELETED,
}


def attach(
    stacks: Sequence[DeployedStack], desired: Mapping[Key, DesiredStack], run: Run
) -> Iterator[Event]:
    """Follow the operation on each of *stacks*, all at the same time.

    *desired* has the stacks of the code, whose lines are reported with failures.
    """

    def start(stack: DeployedStack) -> Job:
        return _attach(stack, desired.get((stack.region, stack.name)), run)

    return run_for_each(stacks, start, run.watch.clock)


def _attach(stack: DeployedStack, desired: DesiredStack | None, run: Run) -> Job:
    operation = running_operation(stack)
    # First the operation: an interrupt after it reports that the operation continues in AWS.
    yield operation_started(stack)
    yield Started(stack.name, "attach", f"{stack.status}: an operation runs")
    after = event_before_operation(run.watch, stack)
    lines = resource_lines(desired) if desired else {}
    result = yield from follow(run.watch, stack, after, lines)
    run.stacks.record(result.stack)
    outcome = _OUTCOMES.get((operation, result.stack.status))
    if outcome is None:
        raise operation_error(result, run.owner, desired)
    return Finished(stack.name, outcome, deployed=result.stack)
