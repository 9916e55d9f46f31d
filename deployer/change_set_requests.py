"""Create the change set of a desired stack, and delete one that is not executed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from deployer import plan
from deployer.artifact_store import store_objects
from deployer.aws.cloud import (
    ChangeSet,
    ChangeSetRequest,
    ChangeSetSummary,
    ResourceToImport,
    StoredObject,
)
from deployer.change_sets import describe_change_set
from deployer.delete import delete_now
from deployer.errors import CloudError, GuardError
from deployer.execution_refusals import explained
from deployer.jobs import Work
from deployer.model.desired import DesiredStack
from deployer.ownership import refuse_foreign
from deployer.run import Run

Kind: TypeAlias = Literal["CREATE", "UPDATE", "IMPORT"]


def change_set_name(desired: DesiredStack, run: Run) -> str:
    """Return the name of the change set that *run* creates for a stack."""
    return f"{run.id}-{desired.digest[:8]}"


def create_change_set(
    desired: DesiredStack, kind: Kind, run: Run, imports: tuple[ResourceToImport, ...] = ()
) -> Work[tuple[ChangeSet, tuple[StoredObject, ...]]]:
    """Verify every S3 object that a change set reads, and create it; return it and the objects."""
    deployed = run.stacks.get(desired.region, desired.name)
    if deployed is None:
        _refuse_foreign_name(desired, run)
    request = ChangeSetRequest(
        name=change_set_name(desired, run),
        stack=desired.name,
        region=desired.region,
        kind=kind,
        text=desired.text,
        parameters=_parameters(desired, run),
        tags=desired.tags,
        capabilities=desired.capabilities,
        role=run.role,
        stack_id=deployed.id if deployed and kind != "CREATE" else "",
        include_nested=bool(desired.nested),
        imports=imports,
    )
    stored = yield from store_objects(desired, run)
    if desired.too_long:
        request = replace(request, url=stored[-1].version_url)
    try:
        arn = run.cloud.create_change_set(request)
    except CloudError as error:
        raise explained(error, desired.name) from error
    change_set = yield from describe_change_set(run.watch, desired.region, arn, stack=desired.name)
    return change_set, stored


def _refuse_foreign_name(desired: DesiredStack, run: Run) -> None:
    """Raise GuardError if a foreign stack has the name of a stack to create."""
    if stack := run.cloud.stack(desired.region, desired.name):
        refuse_foreign(
            run.owner, [stack], hint="rerun the command: the stack was created during this run"
        )


def _parameters(desired: DesiredStack, run: Run) -> dict[str, str]:
    values = plan.parameters(desired, run.stacks.by_key)
    known = {name: value for name, value in values.items() if value is not None}
    if missing := [desired.parameters[name] for name in values if name not in known]:
        sources = ", ".join(f"{source.output} of {source.stack}" for source in missing)
        raise CloudError(
            f"{desired.name}: needs {sources}, which is not deployed",
            hint="deploy that first, or omit --only",
        )
    return known


def delete_change_set(
    change_set: ChangeSet | ChangeSetSummary, run: Run, *, is_first: bool
) -> Work[None]:
    """Delete a change set and, if it *is_first*, the empty stack that was created with it.

    Another run may have added a change set meanwhile, which would be deleted with the stack. So the
    stack and its change sets are read again.
    """
    region, stack_id = change_set.region, change_set.stack_id
    run.cloud.delete_change_set(region, change_set.arn)
    stack = run.cloud.stack(region, stack_id) if is_first else None
    if stack is None or stack.status != "REVIEW_IN_PROGRESS":
        return
    remaining = run.cloud.stack_change_sets(region, stack_id)
    if all(summary.arn == change_set.arn for summary in remaining):
        yield from delete_now(stack, run)


def replaced_error(desired: DesiredStack, replaced: Sequence[StoredObject]) -> GuardError:
    """Return the error for objects of which another role wrote a new version."""
    return GuardError(
        "\n".join(
            f"{desired.name}: {stored.url}: replaced after it was verified" for stored in replaced
        ),
        hint="find out which role writes to the bucket (CloudTrail), then rerun the command",
    )
