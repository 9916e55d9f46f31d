"""Decides, without touching anything, what happens to each stack."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from deployer.aws.cloud import DeployedStack
from deployer.data_loss import DataLoss, find_data_losses
from deployer.errors import ConfigError, GuardError
from deployer.model import ABSENT
from deployer.model.desired import DIGEST, DesiredStack
from deployer.model.template_tree import (
    LogicalIds,
    TemplateTree,
    changed_templates,
    desired_templates,
    format_path,
)
from deployer.update_refusals import HINT, refusals

if TYPE_CHECKING:
    from deployer.artifacts import Artifact
    from deployer.model import OutputOf


@dataclass(frozen=True)
class Create:
    """The account has no such stack."""

    desired: DesiredStack
    reason: str


@dataclass(frozen=True)
class Update:
    """The stack differs; *only_protection* needs no change set, *data_losses* is what data would feel."""

    desired: DesiredStack
    found: DeployedStack
    reason: str
    only_protection: bool = False
    data_losses: tuple[DataLoss, ...] = ()


@dataclass(frozen=True)
class Recreate:
    """The first creation failed, nothing was ever in service: delete what is left and create."""

    desired: DesiredStack
    found: DeployedStack
    reason: str


@dataclass(frozen=True)
class Resume:
    """An operation runs: follow it, then decide again."""

    desired: DesiredStack
    found: DeployedStack
    reason: str


@dataclass(frozen=True)
class Keep:
    """Nothing to do."""

    desired: DesiredStack
    found: DeployedStack
    reason: str


@dataclass(frozen=True)
class Blocked:
    """Only a person can bring this stack on."""

    desired: DesiredStack
    found: DeployedStack
    reason: str
    hint: str


@dataclass(frozen=True)
class Orphan:
    """A stack of this environment that is no longer in `layers()`: a deploy does not change it."""

    found: DeployedStack
    reason: str
    hint: str


@dataclass(frozen=True)
class Upload:
    """A file goes into the artifact bucket before the stack that reads it: code or a template."""

    desired: DesiredStack
    reason: str
    artifact: Artifact | None = None


Step: TypeAlias = Create | Update | Recreate | Resume | Keep | Blocked

TEMPLATE_CHANGED = "template changed"
_MOST_NAMED = 5  # Resources of a nested template in one reason.
_REPAIR = {
    "UPDATE_FAILED": "roll it back: aws cloudformation rollback-stack --stack-name {id}",
    "UPDATE_ROLLBACK_FAILED": "mend what the events name, then: "
    "aws cloudformation continue-update-rollback --stack-name {id}",
    "IMPORT_ROLLBACK_FAILED": "mend what the events name, then: "
    "aws cloudformation continue-update-rollback --stack-name {id}",
    "DELETE_FAILED": "empty or detach what the events name, then: "
    "aws cloudformation delete-stack --stack-name {id}",
}


def plan(
    desired: Sequence[DesiredStack],
    found: Iterable[DeployedStack],
    *,
    deployed: Mapping[str, TemplateTree] | None = None,
) -> tuple[Step, ...]:
    """One step per desired stack, lowest first.

    *found* may hold other stacks too. *deployed* maps stack names to the deployed templates where
    the whole text shall be compared, not the digest alone.
    """
    known = index(found)
    return tuple(decide(each, known, (deployed or {}).get(each.name)) for each in desired)


def decide(
    desired: DesiredStack,
    found: Mapping[tuple[str, str], DeployedStack],
    deployed: TemplateTree | None = None,
) -> Step:
    """What happens to one stack, from what is known of it and of the stacks below."""
    stack = found.get((desired.region, desired.name))
    if stack is None:
        return Create(desired, "not in the account yet")
    if stack.status == "REVIEW_IN_PROGRESS":
        return Create(desired, "only a change set that nobody executed is there")
    if stack.is_busy:
        return Resume(desired, stack, f"{stack.status}: an operation runs")
    if stack.never_completed:
        return Recreate(desired, stack, f"{stack.status}: it was never in service")
    if not stack.is_complete:
        hint = _REPAIR.get(stack.status, "see its events in the console")
        return Blocked(desired, stack, stack.status, hint.format(id=stack.id))
    if reasons := _differences(desired, stack, found, deployed):
        return Update(desired, stack, ", ".join(reasons), reasons == ["protection changed"])
    return Keep(desired, stack, "unchanged")


def with_losses(
    steps: Iterable[Step], deployed: Mapping[str, TemplateTree], found: Iterable[DeployedStack] = ()
) -> tuple[Step, ...]:
    """*steps*, each update with the nested templates that change, and what it would do to data.

    *deployed* has the deployed templates by stack name; *found* has all stacks of the environment.
    """
    known = index(found)
    return tuple(
        _explained(step, deployed[step.desired.name], known)
        if isinstance(step, Update) and step.desired.name in deployed
        else step
        for step in steps
    )


def refuse_impossible(steps: Iterable[Step], deployed: Mapping[str, TemplateTree]) -> None:
    """Raise GuardError with every change that AWS would refuse in the middle of an update.

    *deployed* has the deployed templates by stack name.
    """
    facts = [
        f"{step.desired.name}: {fact}"
        for step in steps
        if isinstance(step, Update) and step.desired.name in deployed
        for fact in refusals(deployed[step.desired.name], desired_templates(step.desired))
    ]
    if facts:
        raise GuardError("\n".join(facts), hint=HINT)


def _explained(
    step: Update, old: TemplateTree, known: Mapping[tuple[str, str], DeployedStack]
) -> Update:
    new = desired_templates(step.desired)
    values = parameters(step.desired, known)
    changed = [name for name, value in values.items() if step.found.parameters.get(name) != value]
    what = [_changed(path, names) for path, names in changed_templates(old, new).items()]
    reason = step.reason.replace(TEMPLATE_CHANGED, ", ".join(what) or TEMPLATE_CHANGED, 1)
    return replace(step, reason=reason, data_losses=find_data_losses(old, new, parameters=changed))


def _changed(path: LogicalIds, names: Sequence[str]) -> str:
    if not path:
        return TEMPLATE_CHANGED
    more = [f"and {len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
    listed = f" ({', '.join([*names[:_MOST_NAMED], *more])})" if names else ""
    return f"template of {format_path(path)} changed{listed}"


def uploads(
    steps: Iterable[Step], deployed: Mapping[str, TemplateTree] | None = None
) -> tuple[Upload, ...]:
    """Return the objects that changing stacks need in S3; *deployed* is as for `with_losses`.

    That is templates too long for a call, and what the deployed template does not know: templates
    of nested stacks, and code. The rest is verified by its checksum, and replaced if need be.
    """
    return tuple(
        upload
        for step in steps
        if not isinstance(step, Keep | Blocked)
        for upload in _uploads(step.desired, _texts((deployed or {}).get(step.desired.name)))
    )


def _texts(tree: TemplateTree | None) -> str:
    return "".join(inner.text for _, inner in tree.walk()) if tree else ""


def artifacts(steps: Iterable[Step]) -> tuple[Artifact, ...]:
    """Return the code of every stack that gets a change set: it is verified or uploaded."""
    return tuple(
        dict.fromkeys(
            artifact
            for step in steps
            if not (isinstance(step, Keep | Blocked) or _is_only_protection(step))
            for artifact in step.desired.artifacts
        )
    )


def _is_only_protection(step: Step) -> bool:
    return isinstance(step, Update) and step.only_protection


def _uploads(desired: DesiredStack, deployed: str) -> Iterator[Upload]:
    if desired.too_long:
        yield Upload(desired, f"the template has {len(desired.text.encode()):,} bytes")
    for part in desired.nested:
        if part.key not in deployed:
            yield Upload(desired, f"the template of {part.name}")
    for artifact in desired.artifacts:
        if desired.key(artifact) not in deployed:
            yield Upload(desired, f"the code of {artifact.name}", artifact)


def orphans(
    desired: Sequence[DesiredStack], found: Iterable[DeployedStack], env: str
) -> tuple[Orphan, ...]:
    """Return the stacks that *desired*, which must be all layers, does not name.

    *found* has stacks of the environment *env* only.
    """
    layers = {(each.region, each.name) for each in desired}
    orphaned = [stack for stack in found if (stack.region, stack.name) not in layers]
    names = Counter([*(each.name for each in desired), *(stack.name for stack in orphaned)])
    return tuple(
        Orphan(
            stack, "deployed, but no longer a layer", f"to remove it: {_remove(stack, names, env)}"
        )
        for stack in sorted(orphaned, key=lambda stack: (stack.region, stack.name))
    )


def _remove(stack: DeployedStack, names: Mapping[str, int], env: str) -> str:
    """Return the command that removes an orphan; REGION/NAME tells it from others of its name."""
    address = f"{stack.region}/{stack.name}" if names[stack.name] > 1 else stack.name
    return f"./inv destroy --stack={address} --env={env}"


def parameters(
    desired: DesiredStack, found: Mapping[tuple[str, str], DeployedStack]
) -> dict[str, str | None]:
    """The value of each template parameter; None while its producer has not given it yet."""
    return {name: _value(source, found) for name, source in desired.parameters.items()}


def index(found: Iterable[DeployedStack]) -> dict[tuple[str, str], DeployedStack]:
    """Stacks by region and name."""
    return {(stack.region, stack.name): stack for stack in found}


def pending_parameters(
    desired: Iterable[DesiredStack], found: Mapping[tuple[str, str], DeployedStack]
) -> tuple[tuple[DesiredStack, str], ...]:
    """The stacks that wait for something, as they were deployed, each with the name that tells."""
    return tuple(
        (each, parameter)
        for each in desired
        if (stack := found.get((each.region, each.name)))
        for output, parameter in each.awaited_parameters.items()
        if stack.outputs.get(output) == ABSENT
    )


def with_available_parameters(steps: Iterable[Step], there: Collection[str]) -> tuple[Step, ...]:
    """*steps*, and an update of each stack that waited for one of the names in *there*.

    Its template is as it was, so nothing else would tell that CloudFormation would do more now.
    """
    return tuple(
        Update(step.desired, step.found, f"{', '.join(names)} has come")
        if isinstance(step, Keep)
        and (names := sorted({*there} & {*step.desired.awaited_parameters.values()}))
        else step
        for step in steps
    )


def select(
    desired: Sequence[DesiredStack],
    names: Sequence[str],
    *,
    only: bool = False,
    hints: Mapping[str, str] | None = None,
) -> tuple[DesiredStack, ...]:
    """The stacks named by layer or stack name, and unless *only* what they stand on.

    No names means all. *hints* maps names people may know from elsewhere to layers.
    Raises ConfigError naming every unknown name.
    """
    if not names:
        return tuple(desired)
    chosen = named(desired, names, hints)
    if not only:
        chosen = _closure(chosen, {each.name: each.dependencies for each in desired})
    return tuple(each for each in desired if each.name in chosen)


def named(
    desired: Sequence[DesiredStack], names: Sequence[str], hints: Mapping[str, str] | None = None
) -> set[str]:
    """The stack names meant by *names*; raises ConfigError naming every unknown one."""
    by_name = {each.short_name: each.name for each in desired} | {
        each.name: each.name for each in desired
    }
    layers = [each.short_name for each in desired]
    if unknown := [
        unknown_name(name, layers, hints or {}) for name in names if name not in by_name
    ]:
        raise ConfigError("\n".join(unknown), hint=f"there are: {', '.join(layers)}")
    return {by_name[name] for name in names}


def unknown_name(name: str, known: Sequence[str], hints: Mapping[str, str]) -> str:
    """Return the error for a `--stack` that is not in *known*, with the most similar name."""
    if not name:
        return "--stack= is empty: it names no stack"
    if name in hints:
        return f"--stack={name}: here it is {hints[name]!r}"
    near = difflib.get_close_matches(name, known, n=1)
    return f"--stack={name}: there is no such stack" + (
        f"; did you mean {near[0]!r}?" if near else ""
    )


def _closure(names: Collection[str], edges: Mapping[str, Collection[str]]) -> set[str]:
    reached, todo = set(names), list(names)
    while todo:
        new = set(edges[todo.pop()]) - reached
        reached |= new
        todo += new
    return reached


def _differences(
    desired: DesiredStack,
    stack: DeployedStack,
    found: Mapping[tuple[str, str], DeployedStack],
    deployed: TemplateTree | None,
) -> list[str]:
    differences = []
    if stack.outputs.get(DIGEST) != desired.digest:
        differences.append(TEMPLATE_CHANGED)
    elif deployed is not None:
        differences += _behind_digest(deployed, desired_templates(desired))
    if dict(stack.tags) != dict(desired.tags):
        differences.append("tags changed")
    for name, value in parameters(desired, found).items():
        if stack.parameters.get(name) != value:
            differences.append(f"parameter {name} changed")
    if stack.is_protected != desired.protect:
        differences.append("protection changed")
    return differences


def _behind_digest(old: TemplateTree, new: TemplateTree) -> Iterator[str]:
    """Yield the templates that were changed in the account although the digest is the same."""
    for path, tree in new.walk():
        before = old.at(path)
        if before is None:
            yield f"nested stack {format_path(path)} is missing"
        elif before.text != tree.text:
            of = f" of {format_path(path)}" if path else ""
            yield f"template text{of} changed behind its digest"


def _value(source: OutputOf, found: Mapping[tuple[str, str], DeployedStack]) -> str | None:
    stack = found.get((source.region, source.stack))
    return stack.outputs.get(source.output) if stack else None
