"""Decide the phases of an update that CloudFormation would refuse in one step.

CloudFormation refuses to change or remove an export while a deployed stack imports it. A removed
export is kept until its importers are updated, with all resources that its stack removes. If the
value of an export changes, its importers first get the current value as a pinned import, which
changes none of their resources. The resources that the change replaces are retained until the
importers are updated. Then they are imported into the stack again and deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from deployer.aws.cloud import STACK
from deployer.data_loss import is_stateful
from deployer.errors import GuardError
from deployer.model.desired import DesiredStack
from deployer.model.intrinsics import imports, logical_ids
from deployer.phases import templates
from deployer.phases.exports import ExportChange, changed_names, export_changes
from deployer.phases.situation import Situation
from deployer.plan import Keep, Update
from deployer.preview.propagation import export_name, scope_key
from deployer.preview.replacement import strongest
from deployer.preview.reviewed import ReviewedStack
from deployer.registry import import_identifier
from deployer.synth import capabilities

_MAX_LISTED = 2
# Facts by the name of a stack. The inner dict is an ordered set.
Errors: TypeAlias = dict[str, dict[str, None]]

_WAY_OUT = (
    "select the importing stacks as well, or destroy those that are no longer in the code; "
    "otherwise make two changes: add the new resource with a new output and move the importing stacks "
    "to it, then remove the old one"
)


@dataclass(frozen=True)
class Transition:
    """The first template of a stack that is updated in several steps.

    *kept* and *changed* are the exports in use. *replaced* are the logical ids of the retained
    resources, *removed* those of the resources that the last step removes. The final template is
    deployed when the *importers* are updated; *others* are importers that this deploy does not
    update.
    """

    first: DesiredStack
    kept: tuple[ExportChange, ...] = ()
    changed: tuple[ExportChange, ...] = ()
    replaced: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    importers: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def has_last(self) -> bool:
        """Whether this deploy has a last step, which removes what the first one kept."""
        return bool((self.kept or self.replaced or self.removed) and not self.others)


@dataclass(frozen=True)
class Phases:
    """The intermediate templates of a deploy, by the name of the stack.

    *pins* are templates with pinned imports. *transitions* are those that keep exports or retain
    resources.
    """

    pins: Mapping[str, DesiredStack] = field(default_factory=dict)
    transitions: Mapping[str, Transition] = field(default_factory=dict)


NO_PHASES = Phases()


def may_need_phases(situation: Situation) -> bool:
    """Return whether the templates of all stacks are needed to decide the phases."""
    if situation.outdated_users:
        return True
    return any(
        templates.replaced_in(situation.deployed_trees[old.name].body)
        or any(export_changes(old, new, situation.propagation))
        for old, new in situation.pairs
    )


def plan_phases(situation: Situation) -> Phases:
    """Return the phases of a deploy; raise one GuardError for all updates that phases cannot do."""
    phases, refusals = decide_phases(situation)
    if refusals:
        facts = (f"{stack}: {fact}" for stack, facts in refusals.items() for fact in facts)
        raise GuardError("\n".join(facts), hint=_WAY_OUT)
    return phases


def decide_phases(situation: Situation) -> tuple[Phases, Mapping[str, Sequence[str]]]:
    """Return the phases of a deploy, and why phases cannot do an update, by the name of its stack."""
    errors: Errors = {}
    transitions = {}
    for old, new in situation.pairs:
        producer = _Producer(situation, old, new, errors)
        if transition := producer.transition():
            transitions[new.name] = transition
    pins = _pins(situation, transitions, errors)
    return Phases(pins, transitions), {name: tuple(facts) for name, facts in errors.items()}


@dataclass(frozen=True)
class _Producer:
    """The update of one stack that has exports; *errors* collects why phases cannot do it."""

    situation: Situation
    old: ReviewedStack
    new: ReviewedStack
    errors: Errors

    def transition(self) -> Transition | None:
        """Return the first template of the update; None if one step is enough."""
        changes = [
            replace(change, importers=users)
            for change in export_changes(self.old, self.new, self.situation.propagation)
            if (users := tuple(self._importers(change.name)))
        ]
        pending = templates.replaced_in(self.situation.deployed_trees[self.new.name].body)
        removed = {*self.old.templates.resources} - {*self.new.templates.resources}
        outdated = self.situation.outdated_users.get(self.new.name, ())
        if not (changes or pending or (outdated and removed)):
            return None
        kept = tuple(change for change in changes if change.change == "removed")
        changed = tuple(change for change in changes if change.change == "changed")
        replaced = self._replaced(changed)
        names = self._exports() if pending else [change.name for change in changes]
        importers = [user for name in names for user in self._importers(name)]
        users = tuple(dict.fromkeys((*importers, *outdated)))
        steps = self.situation.steps_by_name
        return Transition(
            self._first(self._body(kept, replaced, removed)),
            kept,
            changed,
            tuple(dict.fromkeys((*replaced, *pending))),
            tuple(sorted(removed)),
            tuple(user for user in users if user in steps),
            tuple(user for user in users if user not in steps),
        )

    def _body(
        self,
        kept: Sequence[ExportChange],
        replaced: Mapping[str, templates.ReplacedResource],
        removed: Collection[str],
    ) -> templates.Body:
        """Return the new template, with what must be kept until the importing stacks are updated."""
        body = self.new.templates.body
        if kept or removed:
            old = self._pinned(removed)
            self._check_kept(removed, old["Resources"])
            body = templates.keep_removed(body, old, [change.output for change in kept])
        body = templates.retain_replaced(body, replaced)
        resources = self.old.templates.resources
        pins = self._pins_of({title: resources[title] for title in replaced})
        body = templates.add_pins(body, pins)  # A later run needs the values that they use.
        deployed = self.situation.deployed_trees[self.new.name].body
        if templates.replaced_in(deployed):
            body = templates.keep_pending(body, deployed)
            body = templates.add_pins(body, self._outdated_pins())
        return body

    def _importers(self, export: str) -> Iterator[str]:
        users = self.situation.importers.get((self.old.region, export), ())
        return (user for user in users if user != self.old.name)

    def _exports(self) -> list[str]:
        outputs = (self.old.templates.body.get("Outputs") or {}).values()
        return [name for output in outputs if (name := export_name(output))]

    def _first(self, body: templates.Body) -> DesiredStack:
        desired = self.situation.steps_by_name[self.new.name].desired
        if body == desired.body:
            return desired
        deployed = self.situation.stacks[self.new.name]
        passed = templates.passed_parameters(body, deployed.parameters)
        known = {name: value for name, value in passed.items() if name not in desired.parameters}
        return templates.phase_of(desired, body, known_parameters=known)

    def _pinned(self, removed: Collection[str]) -> templates.Body:
        """Return the *removed* resources and the outputs of the deployed template, with pinned imports.

        The exports that they import may change or be removed while they are kept.
        """
        body = self.old.templates.body
        kept = {
            **body,
            "Resources": {title: body["Resources"][title] for title in removed},
            "Outputs": body.get("Outputs") or {},
        }
        return templates.pin(kept, self._pins_of(kept))

    def _outdated_pins(self) -> Mapping[str, templates.Pin]:
        """Return the pins of the deployed template whose exports have other values."""
        exports = self.situation.exports
        pins = templates.pins_in(self.old.templates.body)
        return {name: pin for name, pin in pins.items() if pin != exports.get(name)}

    def _pins_of(self, part: object) -> Mapping[str, templates.Pin]:
        exports = self.situation.exports
        return {name: exports[name] for name in sorted(imports(part)) if name in exports}

    def _check_kept(
        self, removed: Collection[str], resources: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Add an error for each removed resource that cannot be kept unchanged."""
        for title in sorted(removed):
            name = next(changed_names(self.new, resources[title], self.situation.propagation), "")
            if name:
                self._refuse(
                    f"{title} is removed while other stacks import from this stack, and cannot be "
                    f"kept for them, because {name} changes"
                )

    def _replaced(
        self, changed: Sequence[ExportChange]
    ) -> Mapping[str, templates.ReplacedResource]:
        """Return the replaced resources that *changed* exports refer to, and those connected to them."""
        resources = self.old.templates.resources
        outputs = self.old.templates.body.get("Outputs") or {}
        exported = {
            title
            for change in changed
            for title in logical_ids(outputs[change.output].get("Value"))
            if title in resources
        }
        for title in sorted(exported):
            if resources[title]["Type"] == STACK:
                self._refuse(
                    f"an export in use is an output of the nested stack {title}, and changes"
                )
        titles = _connected(exported, {*self._replaced_titles()}, resources)
        self._check_retained({title: resources[title] for title in sorted(titles)})
        if not titles or self.errors:
            return {}
        ids = self.situation.physical_ids(self.situation.stacks[self.new.name])
        body = self.old.templates.body
        return {
            title: templates.ReplacedResource(
                ids.get(title, ""),
                templates.with_literals(resources[title], body, self.situation.export_values),
            )
            for title in sorted(titles)
        }

    def _replaced_titles(self) -> Iterator[str]:
        """Yield the resources that the update replaces, or may replace."""
        for title in self.old.templates.resources:
            changes = self.situation.propagation.of(scope_key(self.new), title)
            if strongest(change.replacement for change in changes) != "none":
                yield title

    def _check_retained(self, replaced: Mapping[str, Mapping[str, Any]]) -> None:
        """Add an error if replaced resources cannot be retained and deleted later."""
        stateful = [
            title
            for title, resource in replaced.items()
            if is_stateful(resource["Type"], resource.get("DeletionPolicy", ""))
        ]
        unknown = [
            title
            for title, resource in replaced.items()
            if title not in stateful and import_identifier(resource["Type"]) is None
        ]
        if stateful:
            self._refuse(f"replaced while in use, and holds data: {_listed(stateful)}")
        if unknown:
            self._refuse(f"replaced while in use, and cannot be imported: {_listed(unknown)}")

    def _refuse(self, fact: str) -> None:
        self.errors.setdefault(self.new.name, {})[fact] = None


def _listed(names: Sequence[str]) -> str:
    """Return the first names, and the number of the others."""
    more = len(names) - _MAX_LISTED
    return ", ".join([*names[:_MAX_LISTED], *([f"{more} more"] if more > 0 else [])])


def _connected(
    start: Collection[str], candidates: Collection[str], resources: Mapping[str, Mapping[str, Any]]
) -> set[str]:
    """Return the *candidates* that are in *start*, or are connected to them by references.

    References are followed in both directions, from each resource found to the next.
    """
    uses = {title: {*logical_ids(resources[title])} & {*candidates} for title in candidates}
    reached = {title for title in start if title in candidates}
    remaining = [*reached]
    while remaining:
        title = remaining.pop()
        near = uses[title] | {other for other in candidates if title in uses[other]}
        remaining += near - reached
        reached |= near
    return reached


def _pins(
    situation: Situation, transitions: Mapping[str, Transition], errors: Errors
) -> dict[str, DesiredStack]:
    """Return the templates with pinned imports of all importers of changed exports."""
    values: dict[str, dict[str, templates.Pin]] = {}
    for producer, transition in transitions.items():
        outputs = situation.stacks[producer].outputs
        for change in transition.changed:
            for user in change.importers:
                if error := _pin_error(situation, user, change.name):
                    fact = f"the export {change.name} changes, and {error}"
                    errors.setdefault(producer, {})[fact] = None
                value = outputs.get(change.output, "")
                values.setdefault(user, {})[change.name] = templates.Pin(value, producer)
    return {} if errors else {user: _pin(situation, user, pins) for user, pins in values.items()}


def _pin_error(situation: Situation, user: str, export: str) -> str:
    """Return why the import of *export* by *user* cannot be pinned; empty if it can."""
    step = situation.steps_by_name.get(user)
    if step is None:
        return f"{user}, which imports it, is not among the stacks to deploy"
    if not isinstance(step, Update | Keep):
        return f"{user}, which imports it, cannot be updated: {step.reason}"
    nested = situation.deployed_trees[user].nested.values()
    if any(export in imports(part.body) for tree in nested for _, part in tree.walk()):
        return f"the import of {user} is in a nested stack"
    return ""


def _pin(situation: Situation, user: str, values: Mapping[str, templates.Pin]) -> DesiredStack:
    """Return the deployed template of *user* with pinned imports, and the deployed parameters and tags."""
    desired, stack = situation.steps_by_name[user].desired, situation.stacks[user]
    tree = situation.deployed_trees[user]
    resources = [resource for _, part in tree.walk() for resource in part.resources.values()]
    return templates.phase_of(
        desired,
        templates.pin(tree.body, values),
        parameters={},
        known_parameters=templates.passed_parameters(tree.body, stack.parameters),
        tags=stack.tags,
        capabilities=capabilities(resources),
        protect=stack.is_protected,
        artifacts=(),
        nested=(),
        lines={},
    )
