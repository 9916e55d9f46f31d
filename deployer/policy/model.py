"""What a rule sees: the parsed templates of one environment, and where a value comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from deployer.model import intrinsics
from deployer.policy.values import get, mapping, strings

if TYPE_CHECKING:
    from deployer.model import Line, OutputOf


class Surroundings(Protocol):
    """What a rule has to know of the environment, such as `stack.Env`."""

    @property
    def domain(self) -> str: ...
    @property
    def hosted_zone(self) -> str: ...
    @property
    def protect(self) -> bool: ...


class Subject(Protocol):
    """A stack as it shall be, such as `DesiredStack`."""

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
    """One resource of one template."""

    stack: Stack
    title: str
    body: Mapping[str, Any]

    @property
    def type(self) -> str:
        """Such as AWS::S3::Bucket."""
        return str(self.body.get("Type", ""))

    @property
    def properties(self) -> Mapping[str, Any]:
        """What the template says of it; empty if it says nothing."""
        return mapping(self.body.get("Properties"))

    def get(self, *path: str) -> Any:
        """The property at *path*, such as "ViewerCertificate", "SslSupportMethod"; None if none."""
        return get(self.properties, *path)

    @cached_property
    def strings(self) -> Sequence[str]:
        """Every string in it."""
        return tuple(strings(self.body))

    def found(self, message: str, detail: str = "") -> Violation:
        """Something wrong with it, in *detail*: a statement's Sid, a route's key."""
        return Violation(self.stack, ("Resources", self.title), message, detail)


@dataclass(frozen=True, eq=False)
class Stack:
    """One parsed template and where it goes; *imports* are the exports that it may import."""

    subject: Subject
    template: Mapping[str, Any]
    imports: Sequence[str] = ()

    @property
    def name(self) -> str:
        """Its CloudFormation name."""
        return self.subject.name

    @cached_property
    def resources(self) -> Mapping[str, Resource]:
        """Its resources by title."""
        section = mapping(self.template.get("Resources"))
        return {title: Resource(self, title, mapping(body)) for title, body in section.items()}

    @cached_property
    def outputs(self) -> Mapping[str, Mapping[str, Any]]:
        """Its outputs by title."""
        section = mapping(self.template.get("Outputs"))
        return {title: mapping(body) for title, body in section.items()}

    def found(self, path: tuple[str, ...], message: str) -> Violation:
        """Something wrong at *path* of the template, such as Outputs, Vpc."""
        return Violation(self, path, message)


@dataclass(frozen=True)
class Violation:
    """What a rule has found, and where."""

    stack: Stack
    path: tuple[str, ...]
    message: str
    detail: str = ""


@dataclass(frozen=True)
class Templates:
    """Every stack of one environment, lowest first."""

    env: Surroundings
    stacks: tuple[Stack, ...]

    def of(self, *types: str) -> Iterator[Resource]:
        """Every resource of one of these *types*, with or without the AWS:: before it."""
        for one in types:
            yield from self._by_type.get(f"AWS::{one.removeprefix('AWS::')}", ())

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """Every resource of every stack."""
        return tuple(one for stack in self.stacks for one in stack.resources.values())

    @cached_property
    def _by_type(self) -> Mapping[str, Sequence[Resource]]:
        found: dict[str, list[Resource]] = {}
        for one in self.resources:
            found.setdefault(one.type, []).append(one)
        return found

    @cached_property
    def exports(self) -> Mapping[tuple[str, str], tuple[Stack, str]]:
        """The stack and output behind each exported name of a region."""
        return {
            (stack.subject.region, name): (stack, title)
            for stack in self.stacks
            for title, output in stack.outputs.items()
            if isinstance(name := get(output, "Export", "Name"), str)
        }

    def reached(self, stack: Stack, value: Any) -> Iterator[Resource]:
        """The resources that *value* names, of this stack or of the ones it imports from."""
        for name in intrinsics.logical_ids(value):
            if one := stack.resources.get(name):
                yield one
            elif source := stack.subject.parameters.get(name):
                yield from self._behind(source.stack, source.output)
        for name in intrinsics.imports(value):
            if known := self.exports.get((stack.subject.region, name)):
                yield from self.reached(known[0], known[0].outputs[known[1]].get("Value"))

    def _behind(self, name: str, output: str) -> Iterator[Resource]:
        for stack in self.stacks:
            if stack.name == name and output in stack.outputs:
                yield from self.reached(stack, stack.outputs[output].get("Value"))


Check: TypeAlias = Callable[[Templates], Iterable[Violation]]


@dataclass(frozen=True)
class Rule:
    """What has to be so, in a sentence, and why: where that is known from."""

    id: str
    sentence: str
    source: str
    check: Check = field(repr=False)


def each(
    *types: str, ok: Callable[[Resource], bool], message: str, protected: bool = False
) -> Check:
    """The check that every resource of *types* is *ok*; *protected*: where the environment is."""

    def check(templates: Templates) -> Iterator[Violation]:
        if templates.env.protect or not protected:
            for one in templates.of(*types):
                if not ok(one):
                    yield one.found(message)

    return check
