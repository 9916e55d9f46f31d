"""Decide what a deploy does to each stack, without changing anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from deployer.aws.cloud import DeployedStack
from deployer.data_loss import DataLoss, find_data_losses
from deployer.errors import GuardError
from deployer.model import ABSENT
from deployer.model.desired import DIGEST, DesiredStack
from deployer.model.template_tree import (
    LogicalIds,
    TemplateTree,
    changed_templates,
    desired_templates,
    format_path,
)
from deployer.update_refusals import HINT, find_update_refusals

if TYPE_CHECKING:
    from deployer.artifacts import Artifact
    from deployer.model import OutputOf


@dataclass(frozen=True)
class Create:
    """Create a stack that the account does not have."""

    desired: DesiredStack
    reason: str


@dataclass(frozen=True)
class Update:
    """Update a stack that differs from the desired one. *data_losses* has the effects on its data.

    With *only_protection*, only the termination protection differs, which needs no change set.
    """

    desired: DesiredStack
    deployed: DeployedStack
    reason: str
    only_protection: bool = False
    data_losses: tuple[DataLoss, ...] = ()


@dataclass(frozen=True)
class Recreate:
    """Delete a stack whose first creation failed, and create it again."""

    desired: DesiredStack
    deployed: DeployedStack
    reason: str


@dataclass(frozen=True)
class Resume:
    """Follow the operation that runs on a stack, then decide again."""

    desired: DesiredStack
    deployed: DeployedStack
    reason: str


@dataclass(frozen=True)
class Keep:
    """Change nothing, because the stack is as desired."""

    desired: DesiredStack
    deployed: DeployedStack
    reason: str


@dataclass(frozen=True)
class Blocked:
    """Do nothing, because an operator must repair the stack first."""

    desired: DesiredStack
    deployed: DeployedStack
    reason: str
    hint: str


@dataclass(frozen=True)
class Orphan:
    """A stack of this environment that is no longer in `layers()`; a deploy does not change it."""

    deployed: DeployedStack
    reason: str
    hint: str


@dataclass(frozen=True)
class Upload:
    """An upload of code or of a template to the artifact bucket, before its stack is changed."""

    desired: DesiredStack
    reason: str
    artifact: Artifact | None = None


Step: TypeAlias = Create | Update | Recreate | Resume | Keep | Blocked
Key: TypeAlias = tuple[str, str]  # The region and the name of a stack.

TEMPLATE_CHANGED = "template changed"
DIGEST_UNCHANGED = "its digest did not"  # Part of the reason for a manually changed template.
_MAX_LISTED = 5  # The most changed resources that the reason of an update lists.
_REPAIR_HINTS = {
    "CREATE_FAILED": "its resources may hold data: see its events, keep what is needed, then run "
    "aws cloudformation delete-stack --stack-name {id}",
    "ROLLBACK_FAILED": "its resources may hold data: see its events, empty or detach them, then run "
    "aws cloudformation delete-stack --stack-name {id}",
    "UPDATE_FAILED": "roll it back: ./inv rollback --stack={name}, or "
    "aws cloudformation rollback-stack --stack-name {id}",
    "UPDATE_ROLLBACK_FAILED": "fix what its events report, then run "
    "./inv rollback --stack={name}, or "
    "aws cloudformation continue-update-rollback --stack-name {id}",
    "IMPORT_ROLLBACK_FAILED": "fix what its events report, then run "
    "aws cloudformation continue-update-rollback --stack-name {id}",
    "DELETE_FAILED": "empty or detach what its events report, then run "
    "aws cloudformation delete-stack --stack-name {id}",
}


def plan(
    desired: Sequence[DesiredStack],
    deployed: Iterable[DeployedStack],
    *,
    templates: Mapping[str, TemplateTree] | None = None,
) -> tuple[Step, ...]:
    """Return one step for each desired stack, dependencies first.

    *deployed* may contain other stacks too. *templates* maps the names of stacks to their deployed
    templates if whole templates are to be compared, not only digests.
    """
    known = index(deployed)
    return tuple(decide(stack, known, (templates or {}).get(stack.name)) for stack in desired)


def decide(
    desired: DesiredStack,
    known: Mapping[Key, DeployedStack],
    templates: TemplateTree | None = None,
) -> Step:
    """Return the step of one stack; *known* has this stack and its dependencies, if deployed."""
    deployed = known.get((desired.region, desired.name))
    if deployed is None:
        return Create(desired, "not in the account yet")
    if deployed.status == "REVIEW_IN_PROGRESS":
        return Create(desired, "has only a change set that was never executed")
    if deployed.is_busy:
        return Resume(desired, deployed, f"{deployed.status}: an operation runs")
    if deployed.status == "ROLLBACK_COMPLETE":
        return Recreate(desired, deployed, f"{deployed.status}: it was never in service")
    if not deployed.is_complete:
        return Blocked(desired, deployed, deployed.status, repair_hint(deployed))
    if reasons := _differences(desired, deployed, known, templates):
        return Update(desired, deployed, ", ".join(reasons), reasons == ["protection changed"])
    return Keep(desired, deployed, "unchanged")


def repair_hint(stack: DeployedStack) -> str:
    """Return what an operator must do about a stack that is not in service."""
    hint = _REPAIR_HINTS.get(stack.status, "see its events in the console")
    return hint.format(id=stack.id, name=stack.name)


def with_data_losses(
    steps: Iterable[Step],
    templates: Mapping[str, TemplateTree],
    deployed: Iterable[DeployedStack] = (),
) -> tuple[Step, ...]:
    """Return *steps*, each update with its changed nested templates and its effects on data.

    *templates* maps the names of stacks to their deployed templates. *deployed* has all stacks of
    the environment.
    """
    known = index(deployed)
    return tuple(
        _with_data_losses(step, templates[step.desired.name], known)
        if isinstance(step, Update) and step.desired.name in templates
        else step
        for step in steps
    )


def refuse_impossible(steps: Iterable[Step], templates: Mapping[str, TemplateTree]) -> None:
    """Raise GuardError with every change that AWS would refuse in the middle of an update.

    *templates* maps the names of stacks to their deployed templates.
    """
    facts = [
        f"{step.desired.name}: {fact}"
        for step in steps
        if isinstance(step, Update) and step.desired.name in templates
        for fact in find_update_refusals(
            templates[step.desired.name], desired_templates(step.desired)
        )
    ]
    if facts:
        raise GuardError("\n".join(facts), hint=HINT)


def with_available_parameters(
    steps: Iterable[Step], available: Collection[str]
) -> tuple[Step, ...]:
    """Turn Keep into Update for stacks whose pending Parameter Store names are now *available*.

    Their templates are unchanged, so the digest alone would not reveal that an update is due.
    """
    return tuple(
        Update(step.desired, step.deployed, f"{', '.join(names)} is available")
        if isinstance(step, Keep)
        and (names := sorted({*available} & {*step.desired.awaited_parameters.values()}))
        else step
        for step in steps
    )


def pending_parameters(
    desired: Iterable[DesiredStack], known: Mapping[Key, DeployedStack]
) -> tuple[tuple[DesiredStack, str], ...]:
    """Return the deployed stacks that wait for a Parameter Store name, each with that name."""
    return tuple(
        (stack, parameter)
        for stack in desired
        if (deployed := known.get((stack.region, stack.name)))
        for output, parameter in stack.awaited_parameters.items()
        if deployed.outputs.get(output) == ABSENT
    )


def uploads(
    steps: Iterable[Step], templates: Mapping[str, TemplateTree] | None = None
) -> tuple[Upload, ...]:
    """Return the uploads that the steps will need; *templates* is as for `with_data_losses`.

    These are templates that are too long for a request, and the code and nested templates that the
    deployed template does not refer to. All other objects are verified by their checksums and
    replaced if necessary.
    """
    return tuple(
        upload
        for step in steps
        if not isinstance(step, Keep | Blocked)
        for upload in _uploads(step.desired, _texts((templates or {}).get(step.desired.name)))
    )


def artifacts(steps: Iterable[Step]) -> tuple[Artifact, ...]:
    """Return the code of the functions of every stack that gets a change set."""
    return tuple(
        dict.fromkeys(
            artifact
            for step in steps
            if not (isinstance(step, Keep | Blocked) or _changes_only_protection(step))
            for artifact in step.desired.artifacts
        )
    )


def orphans(
    desired: Sequence[DesiredStack], deployed: Iterable[DeployedStack], env: str
) -> tuple[Orphan, ...]:
    """Return the *deployed* stacks that are not in *desired*.

    *desired* must have all stacks of the environment *env*, *deployed* only stacks of *env*.
    """
    in_code = {(stack.region, stack.name) for stack in desired}
    stacks = [stack for stack in deployed if (stack.region, stack.name) not in in_code]
    names = Counter([*(stack.name for stack in desired), *(stack.name for stack in stacks)])
    return tuple(
        Orphan(
            stack,
            "deployed, but no longer in layers()",
            f"to remove it: {_destroy_command(stack, names, env)}",
        )
        for stack in sorted(stacks, key=lambda stack: (stack.region, stack.name))
    )


def parameters(desired: DesiredStack, known: Mapping[Key, DeployedStack]) -> dict[str, str | None]:
    """Return the value of each template parameter; None if no deployed stack has the output yet."""
    values = {name: _value(source, known) for name, source in desired.parameters.items()}
    return {**desired.known_parameters, **values}


def index(deployed: Iterable[DeployedStack]) -> dict[Key, DeployedStack]:
    """Return the stacks by region and name."""
    return {(stack.region, stack.name): stack for stack in deployed}


def _differences(
    desired: DesiredStack,
    deployed: DeployedStack,
    known: Mapping[Key, DeployedStack],
    templates: TemplateTree | None,
) -> list[str]:
    differences = []
    if deployed.outputs.get(DIGEST) != desired.digest:
        differences.append(TEMPLATE_CHANGED)
    elif templates is not None:
        differences += _changes_without_digest(templates, desired_templates(desired))
    if dict(deployed.tags) != dict(desired.tags):
        differences.append("tags changed")
    for name, value in parameters(desired, known).items():
        if deployed.parameters.get(name) != value:
            differences.append(f"parameter {name} changed")
    if deployed.is_protected != desired.protect:
        differences.append("protection changed")
    return differences


def _changes_without_digest(old: TemplateTree, new: TemplateTree) -> Iterator[str]:
    """Yield the templates that were changed in the account although the digest is the same."""
    for path, tree in new.walk():
        before = old.at(path)
        if before is None:
            yield f"nested stack {format_path(path)} is missing"
        elif before.text != tree.text:
            suffix = f" of {format_path(path)}" if path else ""
            yield f"template text{suffix} changed, {DIGEST_UNCHANGED}"


def _with_data_losses(
    step: Update, old: TemplateTree, known: Mapping[Key, DeployedStack]
) -> Update:
    new = desired_templates(step.desired)
    values = parameters(step.desired, known)
    changed = [
        name for name, value in values.items() if step.deployed.parameters.get(name) != value
    ]
    reasons = [_template_reason(path, ids) for path, ids in changed_templates(old, new).items()]
    reason = step.reason.replace(TEMPLATE_CHANGED, ", ".join(reasons) or TEMPLATE_CHANGED, 1)
    return replace(step, reason=reason, data_losses=find_data_losses(old, new, parameters=changed))


def _template_reason(path: LogicalIds, logical_ids: Sequence[str]) -> str:
    if not path:
        return TEMPLATE_CHANGED
    listed = [*logical_ids[:_MAX_LISTED]]
    if len(logical_ids) > _MAX_LISTED:
        listed.append(f"and {len(logical_ids) - _MAX_LISTED} more")
    return f"template of {format_path(path)} changed" + (
        f" ({', '.join(listed)})" if listed else ""
    )


def _uploads(desired: DesiredStack, deployed_text: str) -> Iterator[Upload]:
    if desired.too_long:
        yield Upload(desired, f"the template has {len(desired.text.encode()):,} bytes")
    for nested in desired.nested:
        if nested.key not in deployed_text:
            yield Upload(desired, f"the template of {nested.name}")
    for artifact in desired.artifacts:
        if desired.key(artifact) not in deployed_text:
            yield Upload(desired, f"the code of {artifact.name}", artifact)


def _texts(tree: TemplateTree | None) -> str:
    return "".join(template.text for _, template in tree.walk()) if tree else ""


def _changes_only_protection(step: Step) -> bool:
    return isinstance(step, Update) and step.only_protection


def _destroy_command(stack: DeployedStack, names: Mapping[str, int], env: str) -> str:
    """Return the command that deletes an orphan, as REGION/NAME if its name is not unique."""
    address = f"{stack.region}/{stack.name}" if names[stack.name] > 1 else stack.name
    return f"./inv destroy --stack={address} --env={env}"


def _value(source: OutputOf, known: Mapping[Key, DeployedStack]) -> str | None:
    stack = known.get((source.region, source.stack))
    return stack.outputs.get(source.output) if stack else None
