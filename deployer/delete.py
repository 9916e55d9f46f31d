"""Delete stacks, each after a check that it still belongs to the environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from deployer.aws.cloud import DeployedStack
from deployer.errors import (
    BusyError,
    CloudError,
    DeployError,
    GuardError,
    ManualRepairError,
    UnreachableError,
)
from deployer.events import Event, Finished, OperationStarted, Outcome, Started
from deployer.follow import (
    OperationResult,
    event_before_operation,
    follow,
    latest_event,
    operation_started,
)
from deployer.jobs import Job, Work, run_concurrently
from deployer.model.template_tree import format_path
from deployer.ownership import refuse_foreign
from deployer.removal import Deletion
from deployer.run import Run


def destroy(deletions: Sequence[Deletion], run: Run, *, jobs: int) -> Iterator[Event]:
    """Execute *deletions*, each as soon as its dependents are deleted.

    Stacks with the same name, in different regions, are deleted one after the other.
    """
    by_name: dict[str, list[Deletion]] = {}
    for deletion in deletions:
        by_name.setdefault(deletion.stack.name, []).append(deletion)
    order = {
        name: list(dict.fromkeys(other for deletion in group for other in deletion.after))
        for name, group in by_name.items()
    }
    return run_concurrently(
        order, lambda name: _destroy_all(by_name[name], run), run.watch.clock, jobs
    )


def delete(stack: DeployedStack, run: Run, *, unprotect: bool = False) -> Work[OperationResult]:
    """Delete a stack if it still belongs to the environment, and follow the operation.

    With *unprotect*, termination protection is disabled first; it is enabled again if the stack
    is not deleted.
    """
    current = current_owned_stack(stack, run)
    if current is None or current.status == "DELETE_COMPLETE":
        deleted = replace(stack, status="DELETE_COMPLETE")
        run.stacks.record(deleted)
        return OperationResult(deleted)
    _refuse_in_service(stack, current)
    try:
        return (yield from delete_now(current, run, unprotect=unprotect))
    except (BusyError, UnreachableError):
        raise
    except DeployError:
        if unprotect:
            run.cloud.set_termination_protection(stack.region, stack.id, enabled=True)
        raise


def delete_now(stack: DeployedStack, run: Run, *, unprotect: bool = False) -> Work[OperationResult]:
    """Delete a stack without a check of its owner, and follow the operation."""
    after = latest_event(run.watch, stack.region, stack.id)
    try:
        if unprotect:
            run.cloud.set_termination_protection(stack.region, stack.id, enabled=False)
        run.cloud.delete_stack(stack.region, stack.id, token=_token(run, stack.id))
    except KeyboardInterrupt:
        if unprotect:
            with suppress(DeployError):  # The deletion may have started.
                run.cloud.set_termination_protection(stack.region, stack.id, enabled=True)
        raise
    yield OperationStarted(stack.name, stack.region, "delete", stack.id)
    result = yield from follow(run.watch, stack, after)
    run.stacks.record(result.stack)
    if result.stack.is_complete:
        raise CloudError(
            f"{stack.name}: {result.explanation}",
            hint="destroy its dependents first; without --stack, all stacks are deleted in order",
        )
    if result.stack.status != "DELETE_COMPLETE":
        raise ManualRepairError(
            f"{stack.name}: not deleted: {result.explanation}",
            hint="empty or detach the named resources, then rerun the command",
        )
    return result


def _destroy_all(deletions: Sequence[Deletion], run: Run) -> Job:
    *earlier, last = [deletion.stack for deletion in deletions]
    for stack in earlier:
        yield (yield from _destroy(stack, run))
    return (yield from _destroy(last, run))


def _destroy(stack: DeployedStack, run: Run) -> Job:
    if stack.is_busy:  # First, so that an interrupt reports that the operation continues.
        yield operation_started(stack)
    yield Started(stack.name, "delete", stack.status)
    if stack.is_busy:
        after = event_before_operation(run.watch, stack)
        stack = (yield from follow(run.watch, stack, after)).stack
    result = yield from delete(stack, run, unprotect=stack.is_protected)
    retained = ", ".join(
        f"{format_path(event.resource_path)} ({event.event.physical_id})"
        for event in result.retained
    )
    detail = f"kept by its DeletionPolicy: {retained}" if retained else ""
    return Finished(stack.name, Outcome.DELETED, detail)


def _refuse_in_service(shown: DeployedStack, current: DeployedStack) -> None:
    """Raise GuardError if a stack that was never in service when it was shown is in service now.

    Another operator may execute its first change set, or repair it, before the approval.
    """
    was_in_service = not (shown.never_completed or shown.status == "REVIEW_IN_PROGRESS")
    if was_in_service or current.status == shown.status or current.status.startswith("DELETE_"):
        return
    raise GuardError(
        f"{shown.name}: it was {shown.status} when it was shown, and is {current.status} now; "
        "it was not deleted",
        hint="rerun the command: it shows the resources of the stack",
    )


def current_owned_stack(stack: DeployedStack, run: Run) -> DeployedStack | None:
    """Return the current state of the stack with this id; raise GuardError if it is foreign.

    Called right before a deletion, so neither stale data nor a new stack of the same name can
    cause another stack to be deleted.
    """
    current = run.cloud.stack(stack.region, stack.id)
    if current and current.status != "DELETE_COMPLETE":
        refuse_foreign(run.owner, [current], hint="run ./inv status to see it: it was not deleted")
    return current


def _token(run: Run, stack_id: str) -> str:
    """Return the idempotency token of one deletion; from the id, because names may not be unique."""
    return f"{run.id}-delete-{re.sub('[^A-Za-z0-9]', '', stack_id)[-12:]}"
