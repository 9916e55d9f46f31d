"""Cancel running operations: roll back an update, delete a stack that is being created."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from deployer.aws.cloud import DeployedStack
from deployer.delete import current_owned_stack, delete_now
from deployer.errors import CloudError, GuardError
from deployer.events import Event, Finished, OperationStarted, Outcome, Started
from deployer.follow import follow, latest_event
from deployer.jobs import Job, run_for_each
from deployer.operation_errors import operation_error
from deployer.run import Run

CONSEQUENCES = {
    "CREATE_IN_PROGRESS": "it is being created: the stack is deleted",
    "UPDATE_IN_PROGRESS": "it is being updated: the update is rolled back",
}
_OBJECTIONS = {
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "the update is complete, and the replaced resources "
    "are being deleted",
    "UPDATE_ROLLBACK_IN_PROGRESS": "its update is being rolled back already",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "its update was rolled back, and the new "
    "resources are being deleted",
    "ROLLBACK_IN_PROGRESS": "its creation is being rolled back already",
    "DELETE_IN_PROGRESS": "CloudFormation cannot cancel a deletion",
    "IMPORT_IN_PROGRESS": "CloudFormation cannot cancel an import",
    "IMPORT_ROLLBACK_IN_PROGRESS": "its import is being rolled back already",
}
_NOT_RUNNING = "CancelUpdateStack cannot be called from current stack status"


def objection(stack: DeployedStack) -> str:
    """Return why no operation on *stack* can be cancelled; empty if one can."""
    if stack.status in CONSEQUENCES:
        return ""
    reason = _OBJECTIONS.get(stack.status, "no operation runs that can be cancelled")
    return f"{stack.name}: {stack.status}: {reason}"


def cancel(stacks: Sequence[DeployedStack], run: Run) -> Iterator[Event]:
    """Cancel the operation on each of *stacks*, all at the same time, and follow it to its end."""
    return run_for_each(stacks, lambda stack: _cancel(stack, run), run.watch.clock)


def _cancel(stack: DeployedStack, run: Run) -> Job:
    yield Started(stack.name, "cancel", CONSEQUENCES[stack.status])
    current = current_owned_stack(stack, run)
    if current is None or current.status != stack.status:
        raise _ended(stack, current)
    if stack.status == "CREATE_IN_PROGRESS":
        yield from delete_now(current, run)
        return Finished(stack.name, Outcome.CANCELLED, "the stack was deleted")
    return (yield from _cancel_update(current, run))


def _cancel_update(stack: DeployedStack, run: Run) -> Job:
    after = latest_event(run.watch, stack.region, stack.id)
    try:
        run.cloud.cancel_update_stack(stack.region, stack.id, token=f"{run.id}-cancel")
    except CloudError as error:
        if _NOT_RUNNING not in error.message:
            raise
        raise _ended(stack, run.cloud.stack(stack.region, stack.id)) from error
    yield OperationStarted(stack.name, stack.region, "rollback", stack.id)
    result = yield from follow(run.watch, stack, after)
    run.stacks.record(result.stack)
    if result.stack.status == "UPDATE_COMPLETE":
        raise _ended(stack, result.stack)
    if result.stack.status != "UPDATE_ROLLBACK_COMPLETE":
        raise operation_error(result, run.owner)
    return Finished(
        stack.name, Outcome.CANCELLED, "the update was rolled back", deployed=result.stack
    )


def _ended(shown: DeployedStack, current: DeployedStack | None) -> GuardError:
    status = current.status if current else "deleted"
    return GuardError(
        f"{shown.name}: it was {shown.status} when it was shown, and is {status} now; "
        "nothing was cancelled",
        hint="run ./inv status to see the stacks",
    )
