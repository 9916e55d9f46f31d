"""The templates of one environment, for rules: stacks, resources and references."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from deployer.model import intrinsics
from deployer.policy.resource_names import explicit_name, is_global, is_name_of
from deployer.policy.values import all_strings, as_mapping, get

if TYPE_CHECKING:
    from deployer.model import Line, OutputOf


class EnvironmentSettings(Protocol):
    """The settings of an environment that rules need, such as `deployer.model.Env`."""

    @property
    def domain(self) -> str: ...
    @property
    def hosted_zone(self) -> str: ...
    @property
    def protect(self) -> bool: ...


class Subject(Protocol):
    """A desired stack or nested template, such as `DesiredStack`."""

    @property
    def name(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def body(self) -> Mapping[str, Any]: ...
    @property
    def dependencies(self) -> Sequence[str]: ...
    @property
    def parameters(self) -> Mapping[str, OutputOf]: ...
    @property
    def artifact_bucket(self) -> OutputOf | None: ...
    @property
    def lines(self) -> Mapping[str, Line]: ...


@dataclass(frozen=True, eq=False)
class Resource:
    """A resource of a template."""

    stack: Stack
    title: str
    body: Mapping[str, Any]

    @property
    def type(self) -> str:
        """The resource type, such as AWS::S3::Bucket."""
        return str(self.body.get("Type", ""))

    @property
    def properties(self) -> Mapping[str, Any]:
        """The properties; empty if the template has none."""
        return as_mapping(self.body.get("Properties"))

    def get(self, *path: str) -> Any:
        """Return the property at *path*, such as ("Budget", "BudgetName"); None if it is missing."""
        return get(self.properties, *path)

    @cached_property
    def all_strings(self) -> Sequence[str]:
        """Every string in the definition of the resource."""
        return tuple(all_strings(self.body))

    def violation(self, message: str, detail: str = "") -> Violation:
        """Return a violation by this resource; *detail* names a part of it, such as a statement."""
        return Violation(self.stack, ("Resources", self.title), message, detail)


@dataclass(frozen=True, eq=False)
class Stack:
    """A stack with its normalized template; *imports* has the names of all exports that it may import."""

    subject: Subject
    template: Mapping[str, Any]
    imports: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The CloudFormation name of the stack."""
        return self.subject.name

    @cached_property
    def resources(self) -> Mapping[str, Resource]:
        """The resources by title."""
        section = as_mapping(self.template.get("Resources"))
        return {title: Resource(self, title, as_mapping(body)) for title, body in section.items()}

    @cached_property
    def outputs(self) -> Mapping[str, Mapping[str, Any]]:
        """The outputs by title."""
        section = as_mapping(self.template.get("Outputs"))
        return {title: as_mapping(body) for title, body in section.items()}

    def violation(self, path: tuple[str, ...], message: str) -> Violation:
        """Return a violation at *path* in the template, such as ("Outputs", "Vpc")."""
        return Violation(self, path, message)


@dataclass(frozen=True)
class Violation:
    """A violation of a rule, with its place in a template."""

    stack: Stack
    path: tuple[str, ...]
    message: str
    detail: str = ""


@dataclass(frozen=True)
class Templates:
    """Every stack of one environment, dependencies first."""

    env: EnvironmentSettings
    stacks: tuple[Stack, ...]

    def of_type(self, *types: str) -> Iterator[Resource]:
        """Yield every resource of these *types*, with or without the prefix AWS::."""
        for type_ in types:
            yield from self._by_type.get(f"AWS::{type_.removeprefix('AWS::')}", ())

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """Every resource of every stack."""
        return tuple(resource for stack in self.stacks for resource in stack.resources.values())

    @cached_property
    def _by_type(self) -> Mapping[str, Sequence[Resource]]:
        by_type: dict[str, list[Resource]] = {}
        for resource in self.resources:
            by_type.setdefault(resource.type, []).append(resource)
        return by_type

    @cached_property
    def exports(self) -> Mapping[tuple[str, str], tuple[Stack, str]]:
        """The stack and output of each export, by region and name."""
        return {
            (stack.subject.region, name): (stack, title)
            for stack in self.stacks
            for title, output in stack.outputs.items()
            if isinstance(name := get(output, "Export", "Name"), str)
        }

    def referenced(self, stack: Stack, value: Any) -> Iterator[Resource]:
        """Yield the resources that *value* references, in this stack, through imports or by name."""
        yield from self._named(stack, value)
        for name in intrinsics.logical_ids(value):
            if resource := stack.resources.get(name):
                yield resource
            elif source := stack.subject.parameters.get(name):
                yield from self._in_output(source.stack, source.output)
        for name in intrinsics.imports(value):
            if export := self.exports.get((stack.subject.region, name)):
                exporter, title = export
                yield from self.referenced(exporter, exporter.outputs[title].get("Value"))

    def functions(self, stack: Stack, value: Any) -> Iterator[Resource]:
        """Yield the functions that *value* references, directly or by their aliases and versions."""
        for resource in self.referenced(stack, value):
            if resource.type in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
                yield from self.referenced(resource.stack, resource.get("FunctionName"))
            else:
                yield resource

    def _named(self, stack: Stack, value: Any) -> Iterator[Resource]:
        """Yield the resources of the same region whose names are in *value*."""
        for string in all_strings(value) if self._names else ():
            for resource, name in self._names:
                is_near = resource.stack.subject.region == stack.subject.region
                if (is_near or is_global(resource.type)) and is_name_of(
                    string, resource.type, name
                ):
                    yield resource

    @cached_property
    def _names(self) -> Sequence[tuple[Resource, str]]:
        """The resources with names in the templates."""
        return [
            (resource, name)
            for resource in self.resources
            if (name := explicit_name(resource.type, resource.properties))
        ]

    def _in_output(self, name: str, output: str) -> Iterator[Resource]:
        for stack in self.stacks:
            if stack.name == name and output in stack.outputs:
                yield from self.referenced(stack, stack.outputs[output].get("Value"))


Check: TypeAlias = Callable[[Templates], Iterable[Violation]]


@dataclass(frozen=True)
class Rule:
    """A requirement as a sentence, its source, and the function that checks it.

    *solution* is the function or class in stacks/ that satisfies the rule. *replaces* has the rules
    of cfn-lint that report the same violations.
    """

    id: str
    sentence: str
    source: str
    check: Check = field(repr=False)
    solution: str = ""
    replaces: tuple[str, ...] = ()


def for_each_resource(
    *types: str, is_valid: Callable[[Resource], bool], message: str, protected: bool = False
) -> Check:
    """Return a check of every resource of these *types*.

    With *protected*, the check applies to protected environments only.
    """

    def check(templates: Templates) -> Iterator[Violation]:
        if templates.env.protect or not protected:
            for resource in templates.of_type(*types):
                if not is_valid(resource):
                    yield resource.violation(message)

    return check
