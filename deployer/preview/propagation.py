"""Follow changes across references: within a template, to nested stacks, and to other stacks.

A replaced resource has another id, so every property that refers to it changes. If such a property
is create-only, its resource is replaced as well. `propagate` repeats this until nothing more changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from deployer.model.intrinsics import EXPORTS, value_names
from deployer.model.template_tree import LogicalIds, TemplateTree, format_path
from deployer.preview import replacement as replacements
from deployer.preview.differences import Difference, differences, is_intrinsic
from deployer.preview.reviewed import ReviewedStack
from deployer.preview.values import KeyPath, PropertyChange, Replacement
from deployer.registry import Lookup

Pair: TypeAlias = tuple[ReviewedStack, ReviewedStack]  # A stack before and after.
# A region, a stack and the path of a nested template; exports have no stack.
ScopeKey: TypeAlias = tuple[str, str, LogicalIds]

# The attributes that may change with a property, without a replacement, by type and property.
_ATTRIBUTES_OF_PROPERTIES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("AWS::DynamoDB::Table", "StreamSpecification"): ("StreamArn",),
    ("AWS::RDS::DBInstance", "ManageMasterUserPassword"): ("MasterUserSecret.SecretArn",),
    ("AWS::RDS::DBInstance", "Port"): ("Endpoint.Port",),
}


@dataclass(frozen=True)
class Cause:
    """The cause of a changed value: *name* for reports, and whether the change is certain.

    *root* is the start of the chain of causes: the resource, or other part, that itself changes.
    """

    name: str
    is_certain: bool
    root: str


Changed: TypeAlias = dict[tuple[ScopeKey, str], Cause]


@dataclass(frozen=True)
class Propagation:
    """The changes of the properties of each resource, and the causes of changed outputs.

    *changed* has every changed value by its template and its name: Outputs.Name, or a name of
    `intrinsics.value_names`.
    """

    properties: Mapping[tuple[ScopeKey, str], tuple[PropertyChange, ...]]
    changed: Mapping[tuple[ScopeKey, str], Cause]

    def of(self, scope: ScopeKey, logical_id: str) -> tuple[PropertyChange, ...]:
        """Return the changes of the properties of a resource."""
        return self.properties.get((scope, logical_id), ())

    def cause(self, scope: ScopeKey, name: str) -> Cause | None:
        """Return why the value *name* of a template changes; None if it does not."""
        return self.changed.get((scope, name))


@dataclass(frozen=True)
class _Use:
    """A part of a resource, at *path*, that refers to the values called *names*."""

    path: KeyPath
    names: frozenset[str]
    value: Any = field(compare=False)


@dataclass(frozen=True)
class _Scope:
    """A template before and after; *differences* and *uses* are those of resources, by logical id."""

    key: ScopeKey
    stack: ReviewedStack
    old: TemplateTree
    new: TemplateTree
    differences: Mapping[str, tuple[Difference, ...]]
    uses: Mapping[str, tuple[_Use, ...]]

    @property
    def exports(self) -> ScopeKey:
        """The key of the exports of the region."""
        return (self.key[0], "", ())

    def display(self, name: str) -> str:
        """Return *name* for reports, with the path of the nested stacks."""
        return format_path((*self.key[2], name))

    def direct(self, name: str, title: str, *, is_certain: bool = True) -> Cause:
        """Return the cause *name*, whose root is the part *title* of this template."""
        root = format_path((self.stack.short_name, *self.key[2], title))
        return Cause(self.display(name), is_certain, root)


def propagate(
    pairs: Iterable[Pair],
    lookup: Lookup,
    known: Mapping[tuple[ScopeKey, str], Cause] | None = None,
) -> Propagation:
    """Return all changes of the stacks in *pairs*: of their templates, and by reference.

    *known* are changed values that the templates do not show, such as parameters.
    """
    scopes = [scope for pair in pairs for scope in _scopes(*pair)]
    changed: Changed = dict(known or {})
    while True:
        before = dict(changed)
        found: dict[tuple[ScopeKey, str], tuple[PropertyChange, ...]] = {}
        for scope in scopes:
            found |= _propagate_in(scope, changed, lookup)
        if changed == before:
            return Propagation(found, changed)


def scope_key(stack: ReviewedStack, path: LogicalIds = ()) -> ScopeKey:
    """Return the key of the template of *stack* at *path*."""
    return (stack.region, stack.name, path)


def _scopes(old: ReviewedStack, new: ReviewedStack) -> Iterator[_Scope]:
    for path, tree in new.templates.walk():
        before = old.templates.at(path)
        if before is not None:
            found: dict[str, tuple[Difference, ...]] = {}
            uses: dict[str, tuple[_Use, ...]] = {}
            for title, resource in tree.resources.items():
                if title in before.resources:
                    found[title] = tuple(
                        _without_template_url(
                            differences(before.resources[title], resource), tree, title
                        )
                    )
                    uses[title] = tuple(_uses(resource))
            yield _Scope(scope_key(new, path), new, before, tree, found, uses)


def _without_template_url(
    found: Iterable[Difference], tree: TemplateTree, title: str
) -> Iterator[Difference]:
    """Leave out the URL of a nested template: the changes of the template itself are shown."""
    return (
        difference
        for difference in found
        if not (title in tree.nested and difference.path[:2] == ("Properties", "TemplateURL"))
    )


def _propagate_in(
    scope: _Scope, changed: Changed, lookup: Lookup
) -> dict[tuple[ScopeKey, str], tuple[PropertyChange, ...]]:
    """Add the changed values of one template to *changed*; return the changes of its resources."""
    _add_mappings_and_parameters(scope, changed)
    _add_conditions(scope, changed)
    found = {}
    for title in scope.differences:
        found[(scope.key, title)] = properties = tuple(_properties(scope, title, changed, lookup))
        _add_resource(scope, title, properties, changed)
    _add_outputs(scope, changed)
    return found


def _add(changed: Changed, scope: ScopeKey, name: str, cause: Cause) -> None:
    existing = changed.get((scope, name))
    if existing is None or (cause.is_certain and not existing.is_certain):
        changed[scope, name] = cause


def _add_mappings_and_parameters(scope: _Scope, changed: Changed) -> None:
    for section in ("Mappings", "Parameters"):
        before, after = (tree.body.get(section) or {} for tree in (scope.old, scope.new))
        for name, value in after.items():
            if name in before and value != before[name]:
                key = name if section == "Parameters" else f"Mappings.{name}"
                _add(changed, scope.key, key, scope.direct(name, name))
    if not scope.key[2]:
        for name, source in scope.stack.parameters.items():
            region, _, output = source.partition(":")
            stack, _, title = output.partition(".")
            cause = changed.get(((region, stack, ()), f"Outputs.{title}"))
            if cause:
                _add(changed, scope.key, name, replace(cause, name=f"{stack}.{title}"))


def _add_conditions(scope: _Scope, changed: Changed) -> None:
    before, after = (tree.body.get("Conditions") or {} for tree in (scope.old, scope.new))
    for name, condition in after.items():
        if name in before and condition != before[name]:
            _add(
                changed,
                scope.key,
                f"Conditions.{name}",
                scope.direct(f"condition {name}", name, is_certain=False),
            )
        elif cause := _cause(scope, changed, frozenset(value_names(condition))):
            _add(changed, scope.key, f"Conditions.{name}", replace(cause, is_certain=False))


def _properties(
    scope: _Scope, title: str, changed: Changed, lookup: Lookup
) -> Iterator[PropertyChange]:
    direct = scope.differences[title]
    uses = [
        (use, cause) for use in scope.uses[title] if (cause := _cause(scope, changed, use.names))
    ]
    if not direct and not uses:
        return
    type_ = lookup(scope.new.resources[title]["Type"])
    for difference in direct:
        yield PropertyChange(
            difference.path,
            difference.before,
            difference.after,
            replacements.replacement(type_, difference.path, difference.before, difference.after),
            is_write_only=replacements.is_write_only(type_, difference.path),
        )
    paths = [difference.path for difference in direct]
    for use, cause in uses:
        if not any(use.path[: len(path)] == path for path in paths):
            effect = replacements.replacement(type_, use.path, None, use.value)
            limit: Replacement = "required" if cause.is_certain else "conditional"
            yield PropertyChange(
                use.path,
                use.value,
                use.value,
                replacements.at_most(limit, effect),
                cause=cause.name,
                root=cause.root,
            )


def _add_resource(
    scope: _Scope, title: str, properties: Sequence[PropertyChange], changed: Changed
) -> None:
    """Add the id of a replaced resource, and the attributes that change with its properties."""
    effect = replacements.strongest(change.replacement for change in properties)
    if any(change.path == ("Type",) for change in properties):
        effect = "required"
    if effect != "none":
        cause = scope.direct(title, title, is_certain=effect == "required")
        roots = [change.root for change in properties if change.replacement == effect]
        if roots and all(roots):
            cause = replace(cause, root=roots[0])
        _add(changed, scope.key, title, cause)
    for change in properties:
        if change.path[:1] == ("Properties",) and len(change.path) > 1:
            type_ = scope.new.resources[title]["Type"]
            followers = _ATTRIBUTES_OF_PROPERTIES.get((type_, change.path[1]), ())
            for name in (change.path[1], *followers):
                attribute = f"{title}.{name}"
                is_certain = not change.cause and name not in followers
                cause = scope.direct(attribute, title, is_certain=is_certain)
                cause = replace(cause, root=change.root or cause.root)
                _add(changed, scope.key, attribute, cause)
    if title in scope.new.nested:
        _add_nested_parameters(scope, title, properties, changed)


def _add_nested_parameters(
    scope: _Scope, title: str, properties: Sequence[PropertyChange], changed: Changed
) -> None:
    nested = (*scope.key[:2], (*scope.key[2], title))
    for change in properties:
        match change.path:
            case ("Properties", "Parameters", name, *_):
                cause = scope.direct(f"{title}.Parameters.{name}", title)
                if change.cause:
                    cause = replace(cause, name=change.cause, root=change.root)
                _add(changed, nested, name, cause)


def _add_outputs(scope: _Scope, changed: Changed) -> None:
    before, after = (tree.body.get("Outputs") or {} for tree in (scope.old, scope.new))
    region, stack, path = scope.key
    for name, output in after.items():
        if name not in before:
            continue
        cause = (
            scope.direct(f"Outputs.{name}", f"Outputs.{name}")
            if output.get("Value") != before[name].get("Value")
            else _cause(scope, changed, frozenset(value_names(output.get("Value"))))
        )
        if cause is None:
            continue
        _add(changed, scope.key, f"Outputs.{name}", cause)
        if path:
            attribute = f"{path[-1]}.Outputs.{name}"
            _add(changed, (region, stack, path[:-1]), attribute, cause)
        if export := export_name(output):
            shown = replace(cause, name=f"{stack}.{name}")
            _add(changed, scope.exports, f"{EXPORTS}{export}", shown)


def export_name(output: Mapping[str, Any]) -> str:
    """Return the name of the export of *output*; empty without an export of a known name."""
    match output:
        case {"Export": {"Name": str(name)}}:
            return name
        case _:
            return ""


def _cause(scope: _Scope, changed: Changed, names: frozenset[str]) -> Cause | None:
    """Return the cause of a changed value among *names*, a certain one if there is any."""
    causes = []
    for name in sorted(names):
        key = scope.exports if name.startswith(EXPORTS) else scope.key
        if cause := changed.get((key, name)):
            causes.append(cause)
    return max(causes, key=lambda cause: cause.is_certain, default=None)


def _uses(resource: Mapping[str, Any], path: KeyPath = ()) -> Iterator[_Use]:
    """Yield each part of a resource that refers to other values, with their names."""
    for key, value in resource.items():
        if key == "Condition" and isinstance(value, str) and not path:
            yield _Use(("Condition",), frozenset([f"Conditions.{value}"]), value)
        elif key != "DependsOn" or path:
            yield from _uses_of(value, (*path, str(key)))


def _uses_of(value: Any, path: KeyPath) -> Iterator[_Use]:
    match value:
        case dict() if is_intrinsic(value):
            if names := frozenset(value_names(value)):
                yield _Use(path, names, value)
        case dict():
            yield from _uses(value, path)
        case list():
            for index, item in enumerate(value):
                yield from _uses_of(item, (*path, f"[{index}]"))
