"""Compare all stacks of an environment before and after a change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from deployer.data_loss import DataLoss, find_data_losses
from deployer.model.intrinsics import EXPORTS
from deployer.model.template_tree import LogicalIds, TemplateTree
from deployer.preview.code import function_of
from deployer.preview.cost import cost_difference
from deployer.preview.differences import differences
from deployer.preview.iam import statement_changes, statement_paths
from deployer.preview.outputs import Importers, importers, output_changes
from deployer.preview.propagation import Cause, Propagation, ScopeKey, propagate, scope_key
from deployer.preview.renames import find_renames
from deployer.preview.replacement import strongest
from deployer.preview.reviewed import ReviewedStack
from deployer.preview.security_groups import is_rule_property, rule_changes
from deployer.preview.settings import Place
from deployer.preview.values import (
    Action,
    CodeChange,
    KeyPath,
    OutputChange,
    Preview,
    PropertyChange,
    Replacement,
    ResourceChange,
    StackChange,
)
from deployer.registry import Lookup, resource_type

Resource: TypeAlias = Mapping[str, Any]

_ACTIONS: Mapping[Replacement, Action] = {
    "required": "replaced",
    "conditional": "may be replaced",
    "none": "changed",
}
NO_ECHO = "****"  # As CloudFormation returns the value of such a parameter.
_REMOVED = TemplateTree("", known_body={})


@dataclass(frozen=True)
class Context:
    """The inputs of a comparison besides the templates.

    *sources* has the line that defines each resource, by the key of its template and its logical id.
    *settings* maps a place in a template to the keys of the config file that determine it. *code*
    returns the change of the code of a function. *changed* has changed values that the templates do
    not show.
    """

    sources: Mapping[tuple[ScopeKey, str], str] = field(default_factory=dict)
    settings: Mapping[Place, tuple[str, ...]] = field(default_factory=dict)
    code: Callable[[str], CodeChange | None] = lambda _: None
    changed: Mapping[tuple[ScopeKey, str], Cause] = field(default_factory=dict)
    lookup: Lookup = resource_type


def preview(
    environment: str,
    before: Sequence[ReviewedStack],
    after: Sequence[ReviewedStack],
    context: Context = Context(),
) -> Preview:
    """Return all changes from the stacks *before* to the stacks *after*, in the order of the latter.

    Removed stacks are last.
    """
    old = {stack.key: stack for stack in before}
    new = {stack.key: stack for stack in after}
    pairs = [(old[key], new[key]) for key in new if key in old]
    propagation = propagate(pairs, context.lookup, context.changed)
    importing = importers(before), importers(after)
    comparison = _Comparison(context, propagation, *importing)
    changes = [comparison.stack(old.get(key), new.get(key)) for key in dict.fromkeys([*new, *old])]
    return Preview(
        environment,
        tuple(change for change in changes if not change.is_empty),
        tuple(change.short_name for change in changes if change.is_empty),
        renames=find_renames(before, after),
    )


@dataclass(frozen=True)
class _Comparison:
    """The comparison of the stacks of an environment."""

    context: Context
    propagation: Propagation
    importers_before: Importers
    importers_after: Importers

    def stack(self, old: ReviewedStack | None, new: ReviewedStack | None) -> StackChange:
        """Return all changes of one stack; one of *old* and *new* may be None."""
        stack = new or old
        if stack is None:
            raise ValueError("neither side has the stack")
        before, after = (side.templates if side else None for side in (old, new))
        return StackChange(
            stack.name,
            stack.short_name,
            stack.region,
            "created" if old is None else "removed" if new is None else "updated",
            tuple(self._resources(old, new)),
            self._outputs(old, new),
            tuple(_attributes(old, new)),
            self._data_losses(old, new),
            cost_difference(before, after),
        )

    def _resources(
        self, old: ReviewedStack | None, new: ReviewedStack | None
    ) -> Iterator[ResourceChange]:
        trees = [side.templates for side in (new, old) if side]
        paths = dict.fromkeys(path for tree in trees for path, _ in tree.walk())
        for path in paths:
            before, after = (_resources(side, path) for side in (old, new))
            for logical_id in dict.fromkeys([*after, *before]):
                change = self._resource(
                    _ResourcePair(
                        old, new, path, logical_id, before.get(logical_id), after.get(logical_id)
                    )
                )
                if change:
                    yield change

    def _resource(self, pair: _ResourcePair) -> ResourceChange | None:
        """Return the change of one resource; None if nothing changes."""
        properties = self.propagation.of(pair.scope, pair.logical_id)
        if pair.before and pair.after and not properties:
            return None
        before, after = pair.properties
        function = function_of(after)
        is_rebuilt = (
            function and function_of(before) == function and before["Code"] != after["Code"]
        )
        code = self.context.code(function) if is_rebuilt else None
        return ResourceChange(
            pair.logical_id,
            pair.type,
            _action(pair, properties),
            pair.path,
            tuple(self._with_details(pair, properties, has_code=code is not None)),
            statement_changes(before, after),
            rule_changes(pair.type, before, after),
            code,
            self._source(pair),
            self.context.settings.get((pair.scope, "Resources", (pair.logical_id,)), ()),
        )

    def _with_details(
        self, pair: _ResourcePair, properties: Sequence[PropertyChange], *, has_code: bool
    ) -> Iterator[PropertyChange]:
        """Yield *properties* with their settings, and whether details (such as rules) explain them."""
        paths = {path for side in pair.properties for path in statement_paths(side)}
        for change in properties:
            is_detailed = not change.cause and (
                any(_is_below(change.path, path) for path in paths)
                or is_rule_property(pair.type, change.path)
                or (has_code and change.path[:2] == ("Properties", "Code"))
            )
            settings = self._settings(pair, change.path)
            shown = replace(change, is_detailed=is_detailed, settings=settings)
            yield _without_no_echo(shown, pair.no_echo) if pair.no_echo else shown

    def _settings(self, pair: _ResourcePair, path: KeyPath) -> tuple[str, ...]:
        """Return the settings of the property at *path*, or of the nearest place around it."""
        for end in range(len(path), 0, -1):
            place = (pair.scope, "Resources", (pair.logical_id, *path[:end]))
            if settings := self.context.settings.get(place):
                return settings
        return ()

    def _source(self, pair: _ResourcePair) -> str:
        line = self.context.sources.get((pair.scope, pair.logical_id), "")
        if line or pair.after:
            return line
        return pair.old.file if pair.old else ""

    def _outputs(
        self, old: ReviewedStack | None, new: ReviewedStack | None
    ) -> tuple[OutputChange, ...]:
        changes = output_changes(
            old, new, self.propagation, self.importers_before, self.importers_after
        )
        stack = new or old
        settings = self._output_settings(scope_key(stack)) if stack else {}
        return tuple(replace(change, settings=settings.get(change.name, ())) for change in changes)

    def _output_settings(self, scope: ScopeKey) -> Mapping[str, tuple[str, ...]]:
        """Return the settings that determine any part of an output of a template, by output."""
        found: dict[str, tuple[str, ...]] = {}
        for (place_scope, section, path), keys in self.context.settings.items():
            if (place_scope, section) == (scope, "Outputs"):
                found[path[0]] = tuple(dict.fromkeys((*found.get(path[0], ()), *keys)))
        return found

    def _data_losses(
        self, old: ReviewedStack | None, new: ReviewedStack | None
    ) -> tuple[DataLoss, ...]:
        if old is None:
            return ()
        if new is None:
            return find_data_losses(old.templates, _REMOVED, self.context.lookup)
        changed = {
            name
            for (scope, name) in self.propagation.changed
            if scope in {scope_key(new), (new.region, "", ())}
        }
        return find_data_losses(
            old.templates,
            new.templates,
            self.context.lookup,
            parameters=sorted(changed & {*(new.templates.body.get("Parameters") or {})}),
            exports=sorted(
                name.removeprefix(EXPORTS) for name in changed if name.startswith(EXPORTS)
            ),
        )


@dataclass(frozen=True)
class _ResourcePair:
    """One resource before and after; None where it does not exist."""

    old: ReviewedStack | None
    new: ReviewedStack | None
    path: LogicalIds
    logical_id: str
    before: Resource | None
    after: Resource | None

    @property
    def type(self) -> str:
        """The type after the change; of a removed resource, the type before it."""
        return str((self.after or self.before or {}).get("Type", ""))

    @property
    def properties(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The properties before and after."""
        before, after = ((side or {}).get("Properties") or {} for side in (self.before, self.after))
        return before, after

    @property
    def no_echo(self) -> frozenset[str]:
        """The parameters of a nested stack whose values CloudFormation never shows."""
        path = (*self.path, self.logical_id)
        trees = [side.templates.at(path) for side in (self.old, self.new) if side]
        return frozenset(
            name
            for tree in trees
            if tree
            for name, parameter in (tree.body.get("Parameters") or {}).items()
            if parameter.get("NoEcho") in (True, "true")
        )

    @property
    def scope(self) -> ScopeKey:
        """The key of the template."""
        stack = self.new or self.old
        return scope_key(stack, self.path) if stack else ("", "", ())


def _resources(stack: ReviewedStack | None, path: LogicalIds) -> Mapping[str, Resource]:
    tree = stack.templates.at(path) if stack else None
    return tree.resources if tree else {}


def _action(pair: _ResourcePair, properties: Sequence[PropertyChange]) -> Action:
    if pair.before is None:
        return "added"
    if pair.after is None:
        return "removed"
    if pair.before.get("Type") != pair.after.get("Type"):
        return "replaced"
    return _ACTIONS[strongest(change.replacement for change in properties)]


def _without_no_echo(change: PropertyChange, names: frozenset[str]) -> PropertyChange:
    """Return the change of a nested stack without the values of its parameters *names*."""

    def hidden(value: Any) -> Any:
        if len(change.path) > 2:
            return value if value is None or change.path[2] not in names else NO_ECHO
        is_table = isinstance(value, dict)
        return value | dict.fromkeys(names & value.keys(), NO_ECHO) if is_table else value

    if change.path[:2] != ("Properties", "Parameters"):
        return change
    return replace(change, before=hidden(change.before), after=hidden(change.after))


def _is_below(path: KeyPath, above: KeyPath) -> bool:
    """Return whether *path* is within *above*; items of lists may be named or numbered."""
    length = len(above)
    return len(path) >= length and all(
        one == other or (one.startswith("[") and other.startswith("["))
        for one, other in zip(path[:length], above, strict=True)
    )


def _attributes(old: ReviewedStack | None, new: ReviewedStack | None) -> Iterator[PropertyChange]:
    """Yield the changes of the tags, capabilities and parameters of a stack that both sides have."""
    if old is None or new is None:
        return
    before, after = (_sources_and_attributes(stack) for stack in (old, new))
    for difference in differences(before, after):
        yield PropertyChange(difference.path, difference.before or None, difference.after or None)


def _sources_and_attributes(stack: ReviewedStack) -> dict[str, str]:
    """Return the attributes of a stack, and the sources of parameters whose values are not known."""
    sources = {f"parameter {name}": source for name, source in stack.parameters.items()}
    return {**stack.attributes, **{k: v for k, v in sources.items() if k not in stack.attributes}}
