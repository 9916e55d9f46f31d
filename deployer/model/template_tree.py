"""Walk the template, or the change set, of a stack and of the stacks nested in it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from deployer.aws.cloud import STACK
from deployer.model.desired import DIGEST, holds_data
from deployer.template_yaml import load

if TYPE_CHECKING:
    from deployer.aws.cloud import Cloud, ResourceChange
    from deployer.model import Line
    from deployer.model.desired import DesiredStack, NestedTemplate

LogicalIds: TypeAlias = tuple[str, ...]  # Nested stacks, outermost first.

RETAINING_POLICIES = frozenset({"Retain", "RetainExceptOnCreate"})


@dataclass(frozen=True)
class TemplateTree:
    """The template of a stack, and of the stacks nested in it, by their logical ids.

    *stack_id* is the id of the deployed stack, or "" for a template that is not deployed.
    *known_body* is the template as plain values, if this process created *text* from it.
    """

    text: str
    nested: Mapping[str, TemplateTree] = field(default_factory=dict)
    stack_id: str = ""
    known_body: Mapping[str, Any] | None = None

    @cached_property
    def body(self) -> Mapping[str, Any]:
        """The template as plain values."""
        return load(self.text) if self.known_body is None else self.known_body

    @property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """The resources of this template alone, by logical id."""
        return self.body.get("Resources") or {}

    @property
    def holds_data(self) -> bool:
        """Whether a resource of any of the templates is kept when the stack is deleted."""
        return any(holds_data(tree.text) for _, tree in self.walk())

    def at(self, path: LogicalIds) -> TemplateTree | None:
        """Return the template at *path*; None if there is none."""
        if not path:
            return self
        tree = self.nested.get(path[0])
        return tree.at(path[1:]) if tree else None

    def walk(self, path: LogicalIds = ()) -> Iterator[tuple[LogicalIds, TemplateTree]]:
        """Yield every template with its path, each before those nested in it."""
        yield path, self
        for title, tree in self.nested.items():
            yield from tree.walk((*path, title))

    def deleted_trees(self) -> Iterator[TemplateTree]:
        """Yield every template whose stack is deleted with this one."""
        yield self
        for title, tree in self.nested.items():
            if self.resources.get(title, {}).get("DeletionPolicy") not in RETAINING_POLICIES:
                yield from tree.deleted_trees()


def format_path(path: LogicalIds) -> str:
    """Return *path* as reports show it: CodeBuild/Table."""
    return "/".join(path)


def desired_templates(desired: DesiredStack) -> TemplateTree:
    """Return the desired templates of a stack."""
    return _desired(desired, (), desired)


def _desired(
    desired: DesiredStack, path: LogicalIds, template: DesiredStack | NestedTemplate
) -> TemplateTree:
    inner = {
        part.path[-1]: _desired(desired, part.path, part)
        for part in desired.nested
        if part.path[:-1] == path
    }
    return TemplateTree(template.text, inner, known_body=template.body)


def deployed_templates(cloud: Cloud, region: str, stack_id: str) -> TemplateTree:
    """Return the deployed templates of a stack; *stack_id* may be its name.

    A nested stack that was deleted separately is skipped. Raise CloudError if the template of any
    other nested stack cannot be read, since its resources would be unknown.
    """
    tree = TemplateTree(cloud.template(region, stack_id), stack_id=stack_id)
    titles = {title for title, res in tree.resources.items() if res.get("Type") == STACK}
    if not titles:
        return tree
    nested = {
        resource.logical_id: existing_templates(cloud, region, resource.physical_id)
        for resource in cloud.resources(region, stack_id)
        if resource.logical_id in titles and resource.type == STACK and resource.physical_id
    }
    return replace(tree, nested={title: tree for title, tree in nested.items() if tree})


def existing_templates(cloud: Cloud, region: str, stack_id: str) -> TemplateTree | None:
    """Return the deployed templates of a stack; None if it was deleted."""
    stack = cloud.stack(region, stack_id)
    if stack is None or stack.status == "DELETE_COMPLETE":
        return None
    return deployed_templates(cloud, region, stack_id)


def resource_lines(desired: DesiredStack) -> dict[LogicalIds, Line]:
    """Return the line of each resource, by its path and logical id."""
    above = {(title,): line for title, line in desired.lines.items()}
    return above | {
        (*part.path, title): line for part in desired.nested for title, line in part.lines.items()
    }


def changed_templates(old: TemplateTree, new: TemplateTree) -> dict[LogicalIds, tuple[str, ...]]:
    """Return the templates of *new* that differ from *old*, each with the resources that differ.

    If a nested template changes, its URL and the digest output in the parent template change too.
    These two changes of the parent template are ignored.
    """
    pairs = ((path, old.at(path), tree) for path, tree in new.walk())
    return {
        path: _differing(before.resources, after.resources, after.nested)
        for path, before, after in pairs
        if before and _without_nested_changes(before) != _without_nested_changes(after)
    }


def _differing(
    old: Mapping[str, Any], new: Mapping[str, Any], nested: Collection[str]
) -> tuple[str, ...]:
    return tuple(
        name
        for name in sorted(old.keys() | new.keys())
        if _without_url(name, old, nested) != _without_url(name, new, nested)
    )


def _without_nested_changes(tree: TemplateTree) -> dict[str, Any]:
    outputs = {k: v for k, v in (tree.body.get("Outputs") or {}).items() if k != DIGEST}
    resources = {name: _without_url(name, tree.resources, tree.nested) for name in tree.resources}
    return {**tree.body, "Outputs": outputs, "Resources": resources}


def _without_url(name: str, resources: Mapping[str, Any], nested: Collection[str]) -> Any:
    resource = resources.get(name)
    if name not in nested or resource is None:
        return resource
    properties = {k: v for k, v in resource.get("Properties", {}).items() if k != "TemplateURL"}
    return {**resource, "Properties": properties}


def flatten(
    changes: Iterable[ResourceChange], path: LogicalIds = ()
) -> Iterator[tuple[LogicalIds, ResourceChange]]:
    """Yield every change of a change set with its path, each before those nested in it."""
    for change in changes:
        yield path, change
        yield from flatten(change.nested, (*path, change.logical_id))
