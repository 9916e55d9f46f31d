"""Decide which stacks a destroy deletes, in which order, and which data is deleted or kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from deployer.aws.cloud import DeployedStack
from deployer.data_loss import DataLoss, find_data_losses
from deployer.errors import ConfigError, GuardError
from deployer.model.desired import DIGEST, DesiredStack
from deployer.model.intrinsics import imports
from deployer.model.template_tree import TemplateTree
from deployer.ownership import Owner
from deployer.selection import unknown_name

Dependents: TypeAlias = Mapping[str, Collection[str]]  # The ids of dependents, by stack id.


@dataclass(frozen=True)
class Deletion:
    """A stack to delete, and the effect on its data.

    *data_losses* has every resource that holds data, deleted or kept. If *confirmation_reason* is
    not empty, the stack is deleted only if its *address* is confirmed. *after* names the stacks that
    must be deleted before this one. *shares_name* is True if another stack with the same name, in
    another region, is deleted too.
    """

    stack: DeployedStack
    is_orphan: bool = False
    data_losses: tuple[DataLoss, ...] = ()
    confirmation_reason: str = ""
    after: tuple[str, ...] = ()
    shares_name: bool = False

    @property
    def address(self) -> str:
        """The argument of --confirm that confirms only this deletion: NAME, or REGION/NAME."""
        if self.shares_name:
            return f"{self.stack.region}/{self.stack.name}"
        return self.stack.name


@dataclass(frozen=True)
class EnvironmentState:
    """The deployed stacks of an environment, dependencies first, and the desired stacks.

    *stacks* has only stacks that belong to *owner*. *templates* maps the ids of stacks to
    their templates, nested ones included; a stack that was never created has none.
    """

    owner: Owner
    desired: Sequence[DesiredStack]
    stacks: Sequence[DeployedStack]
    templates: Mapping[str, TemplateTree]

    def template(self, stack: DeployedStack) -> TemplateTree:
        """Return the template of a stack; an empty one if there is none yet."""
        return self.templates.get(stack.id, TemplateTree(""))

    @property
    def orphans(self) -> tuple[DeployedStack, ...]:
        """The stacks that are no longer in the code."""
        in_code = {(stack.region, stack.name) for stack in self.desired}
        return tuple(stack for stack in self.stacks if (stack.region, stack.name) not in in_code)


def deletions(
    state: EnvironmentState, names: Sequence[str], aliases: Mapping[str, str] | None = None
) -> tuple[Deletion, ...]:
    """Return the deletions of the stacks called *names*, or of all stacks, dependents first.

    The dependents of a named stack are deleted too. Raise one ConfigError for all unknown names,
    and GuardError if a stack that is not deleted imports from one that is.
    """
    importers = _importers(state)
    chosen = {stack.id for stack in state.stacks}
    if names:
        chosen = _with_dependents(state, _named(state, names, aliases or {}), importers)
        _refuse_imported(state, chosen, importers)
    stacks = [stack for stack in reversed(state.stacks) if stack.id in chosen]
    after = _order(state, stacks, importers)
    orphans = {stack.id for stack in state.orphans}
    counts = Counter(stack.name for stack in stacks)
    return tuple(
        Deletion(
            stack,
            is_orphan=stack.id in orphans,
            data_losses=find_data_losses(state.template(stack), TemplateTree("")),
            confirmation_reason=_confirmation_reason(state, stack),
            after=tuple(after[stack.name]),
            shares_name=counts[stack.name] > 1,
        )
        for stack in stacks
    )


def unconfirmed(deletions_: Iterable[Deletion], confirmed: Collection[str]) -> tuple[Deletion, ...]:
    """Return the deletions that need a confirmation and whose address is not in *confirmed*."""
    return tuple(
        deletion
        for deletion in deletions_
        if deletion.confirmation_reason and deletion.address not in confirmed
    )


def refuse_unconfirmed(deletions_: Iterable[Deletion], confirmed: Collection[str]) -> None:
    """Raise one GuardError that names every stack that must still be confirmed."""
    if missing := unconfirmed(deletions_, confirmed):
        lines = [f"{deletion.address} {deletion.confirmation_reason}" for deletion in missing]
        flags = " ".join(f"--confirm={deletion.address}" for deletion in missing)
        raise GuardError("\n".join(["nothing was deleted:", *lines]), hint=f"to delete: {flags}")


def _named(state: EnvironmentState, names: Sequence[str], aliases: Mapping[str, str]) -> set[str]:
    """Return the ids of the deployed stacks with these *names*.

    A full name has precedence over a short one: `crd-x-old` is not the short name of `crd-x-crd-x-old`.
    """
    short: dict[str, set[str]] = {}
    full: dict[str, set[str]] = {}
    for stack in state.orphans:
        short.setdefault(stack.name.removeprefix(state.owner.prefix), set()).add(stack.id)
        full.setdefault(stack.name, set()).add(stack.id)
        full[f"{stack.region}/{stack.name}"] = {stack.id}
    by_name = short | full
    ids = {(stack.region, stack.name): stack.id for stack in state.stacks}
    for desired in state.desired:
        key = (desired.region, desired.name)
        by_name |= dict.fromkeys(
            (desired.short_name, desired.name), {ids[key]} if key in ids else set()
        )
    if unknown := [
        unknown_name(name, [*by_name], aliases) for name in names if name not in by_name
    ]:
        known = ", ".join(desired.short_name for desired in state.desired)
        orphans = ", ".join(stack.name for stack in state.orphans)
        also = f"; no longer in the code: {orphans}" if orphans else ""
        raise ConfigError("\n".join(unknown), hint=f"the stacks are: {known}{also}")
    return {stack_id for name in names for stack_id in by_name[name]}


def _importers(state: EnvironmentState) -> Dependents:
    """Return the ids of the deployed stacks that import an output of each stack, by its id."""
    bodies = [
        (stack, tree.body) for stack in state.stacks for _, tree in state.template(stack).walk()
    ]
    exporters = {
        (stack.region, name): stack.id
        for stack, body in bodies
        for output in (body.get("Outputs") or {}).values()
        if isinstance(name := (output.get("Export") or {}).get("Name"), str)
    }
    importers: dict[str, set[str]] = {stack.id: set() for stack in state.stacks}
    for stack, body in bodies:
        for name in imports(body):
            exporter = exporters.get((stack.region, name), stack.id)
            if exporter != stack.id:
                importers[exporter].add(stack.id)
    return importers


def _with_dependents(state: EnvironmentState, chosen: set[str], importers: Dependents) -> set[str]:
    """Return *chosen* and their dependents, direct or not.

    The code declares the dependencies of its stacks. An orphan depends on the stacks that it imports
    from. A stack with a service role depends on the stack of that role, because CloudFormation
    deletes the stack with the role.
    """
    orphans = {stack.id for stack in state.orphans}
    dependents = _dependents(state)
    for user, used in _role_uses(state.stacks):
        dependents.setdefault(used, set()).add(user)
    reached, remaining = set(chosen), list(chosen)
    while remaining:
        current = remaining.pop()
        new = (dependents.get(current, set()) | (set(importers[current]) & orphans)) - reached
        reached |= new
        remaining += new
    return reached


def _dependents(state: EnvironmentState) -> dict[str, set[str]]:
    """Return the ids of the deployed stacks that directly depend on each stack of the code."""
    ids = {
        desired.name: stack.id
        for desired in state.desired
        for stack in state.stacks
        if (stack.region, stack.name) == (desired.region, desired.name)
    }
    dependents: dict[str, set[str]] = {stack_id: set() for stack_id in ids.values()}
    for desired in state.desired:
        for dependency in desired.dependencies:
            if dependency in ids and desired.name in ids:
                dependents[ids[dependency]].add(ids[desired.name])
    return dependents


def _refuse_imported(
    state: EnvironmentState, chosen: Collection[str], importers: Dependents
) -> None:
    """Raise GuardError if a deployed stack that is not deleted imports from one that is.

    CloudFormation would refuse the deletion. The importing stack was deployed from an earlier
    version of the code, in which it depended on the other one.
    """
    by_id = {stack.id: stack for stack in state.stacks}
    used = [
        (by_id[user].name, stack.name)
        for stack in state.stacks
        if stack.id in chosen
        for user in sorted(set(importers[stack.id]) - set(chosen))
    ]
    if used:
        flags = " ".join(f"--stack={user}" for user in dict.fromkeys(user for user, _ in used))
        raise GuardError(
            "\n".join(f"{stack}: {user} imports from it" for user, stack in used),
            hint=f"deploy versions without these imports: ./inv deploy --env={state.owner.env} {flags} --only",
        )


def _order(
    state: EnvironmentState, stacks: Sequence[DeployedStack], importers: Dependents
) -> dict[str, list[str]]:
    """Return the names of the stacks that must be deleted before each of *stacks*, by name.

    The edges of the graph, in the order of precedence: imports, which CloudFormation enforces;
    service roles, with which CloudFormation deletes stacks; values passed between regions;
    dependencies in the code; and orphans before all stacks of the code, because an orphan may use
    them in other ways. An edge that would create a cycle is omitted.
    """
    names = {stack.id: stack.name for stack in stacks}
    ids = [*names]
    orphans = [stack.id for stack in state.orphans if stack.id in names]
    edges = [(user, used) for used in ids for user in sorted(importers[used])]
    edges += _role_uses(stacks)
    edges += _parameter_uses(stacks)
    edges += [(user, used) for used, users in _dependents(state).items() for user in users]
    edges += [(orphan, stack) for orphan in orphans for stack in ids if stack not in orphans]
    after: dict[str, list[str]] = {name: [] for name in names.values()}
    for user, used in ((names[a], names[b]) for a, b in edges if {a, b} <= names.keys()):
        if user not in after[used] and not _reaches(after, user, used):
            after[used].append(user)
    return after


def _parameter_uses(stacks: Sequence[DeployedStack]) -> Iterator[tuple[str, str]]:
    """Yield pairs of ids: a stack, and the stack of another region whose output is its parameter."""
    for user in stacks:
        for used in stacks:
            outputs = {value for name, value in used.outputs.items() if name != DIGEST}
            if user.region != used.region and outputs & {*user.parameters.values()}:
                yield user.id, used.id


def _role_uses(stacks: Sequence[DeployedStack]) -> Iterator[tuple[str, str]]:
    """Yield pairs of ids: a stack, and the other stack whose output is its service role."""
    for user in stacks:
        for used in stacks:
            if user.role and user.id != used.id and user.role in used.outputs.values():
                yield user.id, used.id


def _reaches(after: Mapping[str, Sequence[str]], start: str, end: str) -> bool:
    """Return whether *end* must be deleted before *start*, or is the same stack."""
    reached, remaining = {start}, [start]
    while remaining:
        new = {*after[remaining.pop()]} - reached
        reached |= new
        remaining += new
    return end in reached


def _confirmation_reason(state: EnvironmentState, stack: DeployedStack) -> str:
    if stack.is_protected:
        return "is protected"
    code_holds_data = any(
        desired.holds_data and (desired.region, desired.name) == (stack.region, stack.name)
        for desired in state.desired
    )
    return "holds data" if code_holds_data or state.template(stack).holds_data else ""
