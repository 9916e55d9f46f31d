"""Explain why a stack operation failed: the cause, the line that defines it, and what to do."""

from __future__ import annotations

from deployer import plan
from deployer.errors import CloudError, DeployError, ManualRepairError, RolledBackError
from deployer.follow import OperationResult
from deployer.model.desired import DesiredStack
from deployer.model.template_tree import resource_lines
from deployer.ownership import Owner
from deployer.retained_resources import import_hint


def operation_error(
    result: OperationResult, owner: Owner, desired: DesiredStack | None = None
) -> DeployError:
    """Return the error of a failed operation; *desired* is None if the stack is not in the code."""
    stack, cause = result.stack, result.cause
    short_name = stack.name.removeprefix(owner.prefix)
    if stack.status == "DELETE_COMPLETE":
        return CloudError(
            f"{stack.name}: the stack was deleted during the operation",
            hint=f"find out who deletes it, then create it: ./inv deploy --stack={short_name}",
        )
    line = resource_lines(desired).get(cause.resource_path) if desired and cause else None
    message = f"{stack.name}: {result.explanation}"
    message += f" (defined at {line})" if line else ""
    notes = result.notes.get(cause.event.id, ()) if cause else ()
    message = "\n".join([message, *notes, f"the stack is in {stack.status}"])
    if stack.is_complete or stack.never_completed:
        return RolledBackError(message, hint=_retry_hint(result, owner, desired))
    return ManualRepairError(message, hint=plan.repair_hint(stack))


def _retry_hint(result: OperationResult, owner: Owner, desired: DesiredStack | None) -> str:
    stack, is_new = result.stack, result.stack.never_completed
    if desired and (hint := import_hint(desired, owner.env, result.explanation, is_new=is_new)):
        return hint
    return f"fix it, then rerun ./inv deploy --stack={stack.name.removeprefix(owner.prefix)}"
