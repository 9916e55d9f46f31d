"""Find every reason why a saved plan is stale: the code, the account or a change set has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from deployer.aws.cloud import ChangeSet, DeployedStack, StoredObject
from deployer.model import Env
from deployer.model.desired import DesiredStack
from deployer.plan import Key
from deployer.saved_plan import (
    SavedObject,
    SavedPlan,
    SavedStack,
    parameters_digest,
    saved_object,
    template_digest,
    timestamp,
)


@dataclass(frozen=True)
class Current:
    """The code and the account, with which a saved plan is compared.

    *account* is the account of the credentials. *desired* are the stacks of the code by name,
    *deployed* those of the account. *change_set* returns a change set by its region and ARN, None if
    it does not exist; *stored_object* returns the current version of an S3 object.
    """

    env: Env
    account: str
    revision: str
    role: str
    desired: Mapping[str, DesiredStack]
    deployed: Mapping[Key, DeployedStack]
    change_set: Callable[[str, str], ChangeSet | None]
    stored_object: Callable[[SavedObject], StoredObject | None]


def stale_reasons(saved: SavedPlan, current: Current) -> tuple[str, ...]:
    """Return every reason why *saved* is stale; none if its change sets can be executed."""
    return tuple(_reasons(saved, current))


def _reasons(saved: SavedPlan, current: Current) -> Iterator[str]:
    pairs = [
        ("environment", saved.environment, current.env.name),
        ("account", saved.account, current.account),
        ("region", saved.region, current.env.region),
        ("revision", saved.revision, current.revision),
        ("role", saved.role, current.role),
    ]
    for name, before, now in pairs:
        if before != now:
            yield f"the {name} was {before or 'none'} and is {now or 'none'} now"
    if any(before != now for name, before, now in pairs if name in {"account", "environment"}):
        return  # The stacks of another account are not comparable.
    for stack in saved.stacks:
        for reason in _stack_reasons(stack, current):
            yield f"{stack.stack}: {reason}"


def _stack_reasons(saved: SavedStack, current: Current) -> Iterator[str]:
    desired = current.desired.get(saved.stack)
    if desired is None or desired.region != saved.region:
        yield f"the code has no such stack in {saved.region}"
        return
    if template_digest(desired) != saved.template_digest:
        yield "its template differs from that of the plan"
    if parameters_digest(desired, current.deployed) != saved.parameters_digest:
        yield "its parameters, tags or protection differ from those of the plan"
    yield from _deployed_reasons(saved, current.deployed.get((saved.region, saved.stack)))
    yield from _change_set_reasons(saved, current.change_set(saved.region, saved.change_set))
    for stored in saved.objects:
        found = current.stored_object(stored)
        if found is None or saved_object(found) != stored:
            yield f"s3://{stored.bucket}/{stored.key} is not the object of the plan"


def _deployed_reasons(saved: SavedStack, deployed: DeployedStack | None) -> Iterator[str]:
    if deployed is None:
        yield "the stack no longer exists"
    elif deployed.id != saved.stack_id:
        yield "it is another stack of that name"
    elif saved.kind == "CREATE" and deployed.status != "REVIEW_IN_PROGRESS":
        yield f"it was created meanwhile: {deployed.status}"
    elif saved.kind == "UPDATE" and not deployed.is_complete:
        yield f"it is in {deployed.status}"
    elif saved.kind == "UPDATE" and timestamp(deployed.updated_at) != saved.updated_at:
        yield f"it was updated meanwhile, at {timestamp(deployed.updated_at)}"


def _change_set_reasons(saved: SavedStack, change_set: ChangeSet | None) -> Iterator[str]:
    if change_set is None:
        yield "its change set no longer exists"
    elif change_set.execution != "AVAILABLE":
        yield f"its change set is {change_set.execution or change_set.status}, not AVAILABLE"
    elif change_set.stack_id != saved.stack_id:
        yield "its change set belongs to another stack"
