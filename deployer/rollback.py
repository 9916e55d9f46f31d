"""Roll back failed updates, and continue rollbacks that failed; no resource is ever skipped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from deployer import plan
from deployer.aws.cloud import DeployedStack, StackEvent
from deployer.delete import current_owned_stack
from deployer.errors import DeployError, GuardError, ManualRepairError
from deployer.events import Event, Finished, OperationStarted, Outcome, Started
from deployer.follow import OperationResult, follow, latest_event
from deployer.jobs import Job, run_for_each
from deployer.operation_errors import operation_error
from deployer.run import Run

CONSEQUENCES = {
    "UPDATE_FAILED": "its failed update is rolled back",
    "UPDATE_ROLLBACK_FAILED": "its rollback continues, and no resource is skipped",
}
_EARLIER_COMMIT = "to return to an earlier version, deploy its commit"


def objection(stack: DeployedStack) -> str:
    """Return why *stack* cannot be rolled back, and what to do; empty if it can."""
    if stack.status in CONSEQUENCES:
        return ""
    if stack.is_busy:
        reason = "an operation runs: follow it with ./inv attach, or cancel it with ./inv cancel"
    elif stack.is_complete:
        reason = f"it is in service, and has no failed update; {_EARLIER_COMMIT}"
    elif stack.status == "ROLLBACK_COMPLETE":
        reason = "its creation was rolled back already; ./inv deploy creates it again"
    elif stack.status == "REVIEW_IN_PROGRESS":
        reason = "it was never created"
    else:
        reason = plan.repair_hint(stack)
    return f"{stack.name}: {stack.status}: {reason}"


def manual_steps(stack: DeployedStack, events: Sequence[StackEvent]) -> str:
    """Return the resources whose rollback failed according to *events*, and what to do about them."""
    failed = [
        f"  {event.logical_id} ({event.type}): {event.reason or event.status}"
        for event in _last_operation(events)
        if event.failed and not event.of_stack and not event.cancelled
    ]
    return "\n".join(
        [
            f"{stack.name}: {stack.status}: before its rollback continues, fix what failed:",
            *(dict.fromkeys(failed) or [f"  {stack.reason or 'see its events in the console'}"]),
        ]
    )


def skip_hint(stack: DeployedStack) -> str:
    """Return what an operator can do if a resource cannot be fixed."""
    return (
        "only if a resource cannot be fixed, skip it, and then repair it to match the template: "
        f"aws cloudformation continue-update-rollback --stack-name {stack.id} "
        f"--region {stack.region} --resources-to-skip LOGICAL_ID"
    )


def roll_back(stacks: Sequence[DeployedStack], run: Run) -> Iterator[Event]:
    """Roll back each of *stacks*, all at the same time, and follow it to its end."""
    return run_for_each(stacks, lambda stack: _roll_back(stack, run), run.watch.clock)


def _roll_back(stack: DeployedStack, run: Run) -> Job:
    yield Started(stack.name, "rollback", CONSEQUENCES[stack.status])
    current = current_owned_stack(stack, run)
    if current is None or current.status != stack.status:
        status = current.status if current else "deleted"
        raise GuardError(
            f"{stack.name}: it was {stack.status} when it was shown, and is {status} now; "
            "it was not rolled back",
            hint="run ./inv status to see the stacks",
        )
    after = latest_event(run.watch, stack.region, stack.id)
    call = {
        "UPDATE_FAILED": run.cloud.rollback_stack,
        "UPDATE_ROLLBACK_FAILED": run.cloud.continue_update_rollback,
    }[stack.status]
    call(stack.region, stack.id, token=f"{run.id}-rollback")
    yield OperationStarted(stack.name, stack.region, "rollback", stack.id)
    result = yield from follow(run.watch, stack, after)
    run.stacks.record(result.stack)
    if result.stack.status != "UPDATE_ROLLBACK_COMPLETE":
        raise _rollback_error(result, run)
    return Finished(stack.name, Outcome.ROLLED_BACK, deployed=result.stack)


def _rollback_error(result: OperationResult, run: Run) -> DeployError:
    """Return the error of a rollback that failed; the manual steps have every failed resource."""
    stack = result.stack
    if stack.status != "UPDATE_ROLLBACK_FAILED":
        return operation_error(result, run.owner)
    hint = f"then rerun ./inv rollback --stack={stack.name}; {skip_hint(stack)}"
    return ManualRepairError(manual_steps(stack, result.events), hint=hint)


def _last_operation(events: Sequence[StackEvent]) -> Sequence[StackEvent]:
    """Return the events since the last start of a rollback; all if there is no start."""
    starts = [
        index
        for index, event in enumerate(events)
        if event.of_stack and event.status == "UPDATE_ROLLBACK_IN_PROGRESS"
    ]
    return events[starts[-1] :] if starts else events
