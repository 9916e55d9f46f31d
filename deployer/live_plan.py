"""Preview what a deploy changes, from the deployed templates and parameters, without a change set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from deployer import plan
from deployer.aws.cloud import DeployedStack
from deployer.environment import Environment
from deployer.model import OutputOf
from deployer.model.desired import DesiredStack
from deployer.model.intrinsics import imports
from deployer.model.template_tree import TemplateTree, desired_templates
from deployer.plan import Create, Keep, Key, Recreate, Step, Update
from deployer.preview.changes import Context, preview
from deployer.preview.propagation import Cause, ScopeKey, export_name, scope_key
from deployer.preview.reviewed import ReviewedStack
from deployer.preview.sources import resource_sources
from deployer.preview.values import Preview, UnknownValue


def live_preview(
    environment: Environment,
    steps: Sequence[Step],
    deployed: Iterable[DeployedStack],
    templates: Mapping[str, TemplateTree],
    phases: Mapping[str, str] | None = None,
) -> Preview:
    """Return what *steps* change, compared with the stacks in the account.

    *deployed* has all stacks of the environment. *templates* maps the names of updated stacks to
    their deployed templates; an update without one keeps its template. A stack that is busy or
    blocked is left out. *phases* maps the name of a stack that is updated in several steps, because
    its exports are in use, to their explanation. Because of these steps no change of an export is
    refused.
    """
    unchanged = tuple(step.desired.short_name for step in steps if isinstance(step, Keep))
    name, known = environment.env.name, plan.index(deployed)
    if len(unchanged) == len(steps):
        return Preview(name, (), unchanged)
    updated = [step for step in steps if isinstance(step, Update)]
    context = Context(
        sources=resource_sources(step.desired for step in steps),
        changed=dict(_changed_parameters(environment, updated, known)),
    )
    found = preview(name, *_sides(steps, known, templates), context)
    unknown = _UnknownValues(environment.desired, known)
    stacks = {(step.desired.region, step.desired.name): step.desired for step in steps}
    short_names = {step.desired.short_name for step in updated}
    changes = (
        replace(
            change,
            unknown=unknown.of(stacks[change.region, change.name]),
            outputs=tuple(replace(output, is_refused=False) for output in change.outputs),
            phases=(phases or {}).get(change.name, ""),
        )
        for change in found.stacks
    )
    accepted = environment.env.accepted_data_losses
    return replace(
        found,
        stacks=tuple(changes),
        unchanged=unchanged,
        accepted=tuple(item for item in accepted if item.stack in short_names),
    )


def _sides(
    steps: Sequence[Step], known: Mapping[Key, DeployedStack], templates: Mapping[str, TemplateTree]
) -> tuple[list[ReviewedStack], list[ReviewedStack]]:
    """Return the stacks before and after the steps."""
    before, after = [], []
    for step in steps:
        stack = _desired_side(step.desired, known)
        match step:
            case Update(deployed=current) if step.desired.name in templates:
                before.append(_deployed_side(stack, step.desired, current, templates))
                after.append(stack)
            case Keep() | Update():
                before.append(stack)
                after.append(stack)
            case Create() | Recreate():
                after.append(stack)
    return before, after


def source_name(source: OutputOf) -> str:
    """Return the output of a stack for messages, such as crd-x-network.Vpc."""
    return f"{source.stack}.{source.output}"


def _desired_side(desired: DesiredStack, known: Mapping[Key, DeployedStack]) -> ReviewedStack:
    values = plan.parameters(desired, known)
    parameters = {
        name: value if value is not None else f"known after {source_name(desired.parameters[name])}"
        for name, value in values.items()
    }
    return ReviewedStack(
        desired.short_name,
        desired.name,
        desired.region,
        desired_templates(desired),
        _sources(desired),
        _attributes(desired.tags, parameters, is_protected=desired.protect),
    )


def _deployed_side(
    stack: ReviewedStack,
    desired: DesiredStack,
    deployed: DeployedStack,
    templates: Mapping[str, TemplateTree],
) -> ReviewedStack:
    """Return the deployed state of a stack; of its parameters, those that the deployer sets."""
    parameters = {
        name: value for name, value in deployed.parameters.items() if name in desired.parameters
    }
    return replace(
        stack,
        templates=templates[desired.name],
        attributes=_attributes(deployed.tags, parameters, is_protected=deployed.is_protected),
    )


def _sources(desired: DesiredStack) -> dict[str, str]:
    return {
        name: f"{source.region}:{source_name(source)}"
        for name, source in desired.parameters.items()
    }


def _attributes(
    tags: Mapping[str, str], parameters: Mapping[str, str], *, is_protected: bool
) -> dict[str, str]:
    """Return the attributes of a stack as text, for the comparison of both sides."""
    return {
        "tags": ",".join(f"{key}={value}" for key, value in sorted(tags.items())),
        "termination protection": "on" if is_protected else "off",
        **{f"parameter {name}": value for name, value in parameters.items()},
    }


def _changed_parameters(
    environment: Environment, updated: Iterable[Update], known: Mapping[Key, DeployedStack]
) -> Iterator[tuple[tuple[ScopeKey, str], Cause]]:
    """Yield the parameters whose values differ from the deployed ones, with their sources."""
    short_names = {(stack.region, stack.name): stack.short_name for stack in environment.desired}
    for step in updated:
        stack = _desired_side(step.desired, known)
        for name, value in plan.parameters(step.desired, known).items():
            source = step.desired.parameters[name]
            if step.deployed.parameters.get(name) != value:
                short_name = short_names.get((source.region, source.stack), source.stack)
                root = f"{short_name}/Outputs.{source.output}"
                yield (
                    (scope_key(stack), name),
                    Cause(source_name(source), is_certain=True, root=root),
                )


class _UnknownValues:
    """The values that no deployed stack has yet, by the stacks that use them."""

    def __init__(self, desired: Sequence[DesiredStack], known: Mapping[Key, DeployedStack]) -> None:
        self._known = known
        self._exports = {
            (stack.region, name): (stack, output)
            for stack in desired
            for output, value in (stack.body.get("Outputs") or {}).items()
            if (name := export_name(value))
        }
        self._stacks = {(stack.region, stack.name): stack for stack in desired}

    def of(self, desired: DesiredStack) -> tuple[UnknownValue, ...]:
        """Return the unknown values that a stack imports or has as parameters."""
        return tuple(dict.fromkeys(self._unknown(desired)))

    def _unknown(self, desired: DesiredStack) -> Iterator[UnknownValue]:
        trees = (tree for _, tree in desired_templates(desired).walk())
        names = dict.fromkeys(name for tree in trees for name in imports(tree.body))
        sources = [
            self._exports[key] for name in names if (key := (desired.region, name)) in self._exports
        ]
        parameters = [
            (stack, source.output)
            for source in desired.parameters.values()
            if (stack := self._stacks.get((source.region, source.stack)))
        ]
        for stack, output in (*sources, *parameters):
            if self._is_unknown(stack, output):
                yield UnknownValue(stack.short_name, output)

    def _is_unknown(self, stack: DesiredStack, output: str) -> bool:
        deployed = self._known.get((stack.region, stack.name))
        return deployed is None or deployed.never_completed or output not in deployed.outputs
