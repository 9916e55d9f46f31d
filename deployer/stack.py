"""A stack, and the typed values that pass from one stack to the next.

A stack's outputs are a dataclass, its dependencies are arguments:

    def layers(config: Config) -> Layers:
        crd = Layers(config.env)
        net = crd.add("network", network.define, config.network)
        cluster_ = crd.add("cluster", cluster.define, config.cluster, net)

`add` runs `define`, publishes each field of what it returns as an output with an export, and
returns the same type with each value imported. So nobody types an export name, line order is
layer order, and the dependency graph is what was passed to `add`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar, cast

import msgspec
import troposphere
from troposphere import (
    AWSHelperFn,
    BaseAWSObject,
    Export,
    GetAtt,
    ImportValue,
    Output,
    Parameter,
    Ref,
    Sub,
    cloudformation,
)
from troposphere.serverless import Globals

from deployer import mistakes
from deployer.artifacts import RELEASES, Artifact
from deployer.errors import SynthError
from deployer.fields import AccountId, Domain, HostedZoneId, Name, Region, Settings
from deployer.ownership import Owner
from deployer.yamltext import UnwritableError, dump

Value: TypeAlias = AWSHelperFn | str
Values: TypeAlias = tuple[Value, ...]

ABSENT = "none"

_SECTIONS = (
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Resources",
    "Outputs",
)

_SUBSTITUTED = re.compile(r"\$\{\s*(\w+)\s*\}")

P = ParamSpec("P")
S = TypeVar("S")
G = TypeVar("G")
T = TypeVar("T")
R = TypeVar("R", bound=BaseAWSObject)


class Env(Settings, frozen=True):
    """What every stack may need of its environment: the `[env]` table of config/ENV.toml."""

    project: Name
    prefix: Name
    name: Name
    account: AccountId
    region: Region
    domain: Domain
    hosted_zone: HostedZoneId
    protect: bool
    former_regions: tuple[Region, ...] = ()

    def stack_name(self, layer: str) -> str:
        """The CloudFormation name of a layer's stack, such as crd-dev-network."""
        return f"{self.prefix}-{self.name}-{layer}"

    @property
    def owner(self) -> Owner:
        """The environment as the tags of its stacks identify it."""
        return Owner(self.project, self.name, self.stack_name(""))


@dataclass(frozen=True)
class Line:
    """A line of a stack file: where a resource was made."""

    file: str
    number: int

    def __str__(self) -> str:
        """As editors open it: stacks/network.py:42."""
        return f"{self.file}:{self.number}"


class Template(troposphere.Template):
    """A troposphere template that remembers which line of its stack file made each resource.

    *code* and *nested* must be in the artifact bucket before the stack is deployed. *awaits* has,
    for outputs that say ABSENT as long as something is not there, the name in Parameter Store
    that tells when it is. *folder* is where in the artifact bucket they are.
    """

    def __init__(self, description: str, file: Path, *, folder: str = "") -> None:
        super().__init__(Description=description)
        self.file = _short(file)
        self.folder = folder
        self.lines: dict[str, Line] = {}
        self.code: list[Artifact] = []
        self.nested: list[Nested] = []
        self.awaits: dict[str, str] = {}
        self._path = str(file)

    def add_resource(self, resource: R) -> R:  # type: ignore[override]  # no lists, by choice
        """Add *resource* and return it, typed; raises SynthError for a title that is taken."""
        line = Line(self.file, _line_in(self._path, inspect.currentframe()) or 0)
        if not isinstance(resource, BaseAWSObject):
            raise SynthError(
                f"{line}: {type(resource).__name__} is not a resource",
                hint="add resources one by one",
            )
        if resource.title in self.resources:
            where = f", in {self.lines[resource.title]}" if resource.title in self.lines else ""
            raise SynthError(
                f"{line} {resource.title}: another resource has this title{where}",
                hint="choose another title",
            )
        super().add_resource(resource)
        if resource.title and line.number:
            self.lines[resource.title] = line
        return resource

    def set_transform(self, transform: list[object] | str) -> None:
        """Raise SynthError: CloudFormation would deploy another template than the reviewed one."""
        raise self._refused(f"set_transform({transform!r})")

    def set_globals(self, globals: Globals) -> None:  # noqa: A002, ARG002  # Its name.
        """Raise SynthError: global properties belong to a macro, AWS::Serverless."""
        raise self._refused("set_globals")

    def _refused(self, call: str) -> SynthError:
        number = _line_in(self._path, inspect.currentframe())
        place = str(Line(self.file, number)) if number else self.file
        return SynthError(
            f"{place}: {call}: a macro changes the template after its review",
            hint="write the resources themselves",
        )

    def nest(
        self,
        title: str,
        define: Callable[[Template, Env, S, G], T],
        env: Env,
        settings: S,
        given: G,
        *,
        store: Value,
    ) -> T:
        """Add a stack of its own as the resource *title*; what it gives, as seen from here.

        *define* is like that of any stack. *given* is a dataclass of values of this template:
        they reach it as parameters. *store* is the artifact bucket, where its text will be.
        """
        inner = Template(_first_sentence(define), _file_of(define), folder=self.folder)

        def parameter(name: str, value: Value) -> Value:
            inner.add_parameter(Parameter(name, Type="String", Description=f"{name} of the stack"))
            passed[name] = value
            return Ref(name)

        passed: dict[str, Value] = {}
        outputs = define(inner, env, settings, _map_values(given, parameter, of=title))

        def output(name: str, value: Value) -> Value:
            inner.add_output(Output(name, Value=value))
            return GetAtt(title, f"Outputs.{name}")

        seen = _map_values(outputs, output, of=title)
        body = inner.body()
        nested = Nested(title, inner, body, inner.text(body), self.folder)
        self.nested.append(nested)
        url = f"https://${{Store}}.s3.${{AWS::Region}}.${{AWS::URLSuffix}}/{nested.key}"
        self.add_resource(
            cloudformation.Stack(
                title,
                TemplateURL=Sub(url, Store=store),
                Parameters=passed,
                DeletionPolicy="Delete",  # What is in it says for itself what is kept.
                UpdateReplacePolicy="Delete",
            )
        )
        return seen

    def body(self) -> dict[str, Any]:
        """The template as plain values, in the order people read: types before properties.

        Raises SynthError for a section that is not emitted, however it was added, and for resources
        that lack a property or have an invalid value.
        """
        try:
            body = {"AWSTemplateFormatVersion": "2010-09-09"} | self.to_dict()
        except Exception as error:
            self._refuse_resources(error)
            raise
        if unknown := sorted(body.keys() - set(_SECTIONS)):
            raise SynthError(
                f"{self.file}: the template has a section {', '.join(unknown)}",
                hint=f"use these sections: {', '.join(_SECTIONS)}",
            )
        body["Resources"] = {
            title: {"Type": resource["Type"]} | resource
            for title, resource in body["Resources"].items()
        }
        return {section: body[section] for section in _SECTIONS if body.get(section)}

    def text(self, body: Mapping[str, Any]) -> str:
        """Return *body*, which is of this template, as YAML; raises SynthError if it cannot be."""
        try:
            return dump(body)
        except UnwritableError as error:
            for title, resource in body["Resources"].items():
                try:
                    dump(resource)
                except UnwritableError as fault:
                    place = self.lines.get(title, self.file)
                    raise SynthError(
                        f"{place} {title}: {fault}", hint="use text, numbers, lists and dicts"
                    ) from error
            raise SynthError(f"{self.file}: {error}") from error

    def _refuse_resources(self, error: Exception) -> None:
        """Raise SynthError for all resources that cannot be written, which made *error* happen."""
        facts = []
        for title, resource in self.resources.items():
            try:
                resource.to_dict()
            except Exception as fault:  # noqa: BLE001  # Each has validators of its own.
                place = self.lines.get(title, self.file)
                facts.append(f"{place} {title}: {mistakes.property_fact(fault)}")
        if facts:
            hint = "fix the stack file; --debug shows the traceback"
            raise SynthError("\n".join(facts), hint=hint) from error


@dataclass(frozen=True)
class Nested:
    """A template that is a resource of another one, which finds it by its *key* in the bucket."""

    title: str
    template: Template
    body: Mapping[str, Any]
    text: str
    folder: str = ""

    @property
    def digest(self) -> str:
        """Of the text: a change of it is a change of the template above."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:32]

    @property
    def key(self) -> str:
        """Where it is in the artifact bucket."""
        return f"{self.folder}templates/{self.title}/{self.digest}.yaml"


@dataclass(frozen=True)
class OutputOf:
    """The output of another region's stack: what the deployer fills a parameter with."""

    stack: str
    region: str
    output: str


@dataclass(frozen=True)
class Stack:
    """One CloudFormation stack: where it goes, what it holds, what it stands on.

    *body* is the template as plain values, made of it once: that is a third of a synth.
    """

    layer: str
    name: str
    region: str
    template: Template
    body: Mapping[str, Any]
    needs: tuple[str, ...]
    parameters: Mapping[str, OutputOf]
    tags: Mapping[str, str]
    protect: bool


@dataclass
class Layers:
    """Every stack of an environment, lowest first."""

    env: Env
    stacks: list[Stack] = field(default_factory=list)
    artifacts: OutputOf | None = None
    given: list[tuple[object, Stack]] = field(default_factory=list, repr=False)
    manual: frozenset[str] | None = None

    def __iter__(self) -> Iterator[Stack]:
        """Every stack, lowest first."""
        return iter(self.stacks)

    def keep_artifacts_in(self, bucket: Value, *, manual: Iterable[str] | None = None) -> None:
        """Name the bucket, an output of a stack, for what is too long or too big for a call.

        Artifacts of the stacks that follow are in the folder RELEASES, except those of *manual*,
        the layers that only an administrator deploys. Without *manual* no stack uses the folder.
        """
        if isinstance(bucket, mistakes.Undefined):
            return
        self.manual = None if manual is None else frozenset(manual)
        found = (
            OutputOf(stack.name, stack.region, output)
            for stack in self.stacks
            for output in stack.template.outputs
            if bucket == ImportValue(export_name(stack.name, output))
        )
        self.artifacts = next(found, None)
        if self.artifacts is None:
            raise SynthError(
                f"keep_artifacts_in: {bucket!r} is not an output of a stack added before",
                hint="give it an output, such as that of the foundation",
            )

    def folder(self, layer: str) -> str:
        """Return the folder of the artifact bucket that *layer* uses."""
        return "" if self.manual is None or layer in self.manual else RELEASES

    def at(self, region: str) -> At:
        """The same layers, for a stack of another *region*."""
        return At(self, region)

    def add(
        self,
        layer: str,
        define: Callable[Concatenate[Template, Env, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Define the stack of *layer* above what it is given; see the module's first lines.

        Returns what *define* returned, with every value as other stacks see it.
        Raises SynthError if the name is taken or an output is not a value.
        """
        return self.at(self.env.region).add(layer, define, *args, **kwargs)


@dataclass(frozen=True)
class At:
    """Adds stacks of one region to the layers of an environment."""

    layers: Layers
    region: str

    def add(
        self,
        layer: str,
        define: Callable[Concatenate[Template, Env, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """As `Layers.add`; values of another region's stacks become template parameters.

        While mistakes are collected, a stack that has one is passed over, with its dependents.
        """
        if any(isinstance(arg, mistakes.Undefined) for arg in (*args, *kwargs.values())):
            return cast("T", mistakes.Undefined())
        try:
            return self._add(layer, define, *args, **kwargs)
        except Exception as error:
            if not mistakes.collect(error):
                raise
            return cast("T", mistakes.Undefined())

    def _add(
        self,
        layer: str,
        define: Callable[Concatenate[Template, Env, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        env = self.layers.env
        name = env.stack_name(layer)
        _check_new(name, self.layers)
        folder = self.layers.folder(layer)
        template = Template(_first_sentence(define), _file_of(define), folder=folder)
        inbound = _Inbound(self.layers.given, self.region, template)
        seen = [inbound.seen(arg) for arg in args]
        named = {key: inbound.seen(arg) for key, arg in kwargs.items()}
        try:
            with mistakes.quiet_validators():
                outputs = define(
                    template, msgspec.structs.replace(env, region=self.region), *seen, **named
                )
        except TypeError as error:
            _refuse_arguments(error, layer, define)
            raise
        if outputs is None and _gives_outputs(define):
            raise SynthError(
                f"{template.file}: {layer}: define returned nothing",
                hint="return the dataclass that it is annotated with",
            )
        imported = _publish(name, template, outputs)
        body = template.body()
        parameters = inbound.used(body)
        stack = Stack(
            layer=layer,
            name=name,
            region=self.region,
            template=template,
            body=body,
            needs=tuple(inbound.needs),
            parameters=parameters,
            tags=_tags(env, layer),
            protect=env.protect,
        )
        _check_imports(stack, self.layers)
        self.layers.stacks.append(stack)
        if imported is not None:
            self.layers.given.append((imported, stack))
        return imported


class _Inbound:
    """What a stack is given of the stacks below: imports, or parameters across regions."""

    def __init__(self, given: list[tuple[object, Stack]], region: str, template: Template) -> None:
        self._given = given
        self._region = region
        self._template = template
        self.needs: dict[str, None] = {}
        self.parameters: dict[str, OutputOf] = {}

    def seen(self, argument: Any) -> Any:
        """*argument*, as this stack sees it."""
        producer = next((stack for value, stack in self._given if value is argument), None)
        if producer is None:
            return argument
        self.needs[producer.name] = None
        if producer.region == self._region:
            return argument
        return _map_values(argument, lambda title, _: self._parameter(producer, title))

    def used(self, body: dict[str, Any]) -> dict[str, OutputOf]:
        """Return the parameters that *body* refers to, and remove the others from it."""
        names = set(_refs({name: part for name, part in body.items() if name != "Parameters"}))
        for name in self.parameters.keys() - names:
            del body["Parameters"][name]
        if not body.get("Parameters"):
            body.pop("Parameters", None)
        return {name: source for name, source in self.parameters.items() if name in names}

    def _parameter(self, producer: Stack, title: str) -> Value:
        name = f"{_pascal(producer.layer)}{title}"
        if name not in self.parameters:
            self.parameters[name] = OutputOf(producer.name, producer.region, title)
            self._template.add_parameter(
                Parameter(
                    name,
                    Type="String",
                    Description=f"{title} of {producer.name} in {producer.region}",
                )
            )
        return Ref(name)


def export_name(stack: str, output: str) -> str:
    """What the export of an output is called in its region."""
    return f"{stack}-{output}"


def _tags(env: Env, layer: str) -> dict[str, str]:
    """What every resource of the stack is tagged with: nothing that changes from run to run."""
    return env.owner.tags(env.stack_name(layer)) | {"group": f"{env.project}-{layer}"}


def _publish(stack: str, template: Template, outputs: T) -> T:
    """Publish each value of *outputs*, and return them as other stacks import them."""

    def publish(title: str, value: Value) -> Value:
        name = export_name(stack, title)
        template.add_output(Output(title, Value=value, Export=Export(name)))
        return ImportValue(name)

    return _map_values(outputs, publish, of=stack)


def _map_values(outputs: T, change: Callable[[str, Value], Value], *, of: str = "") -> T:
    """*outputs* with *change* applied to each value; its title is that of the output."""
    if outputs is None:
        return outputs
    if not dataclasses.is_dataclass(outputs) or isinstance(outputs, type):
        raise SynthError(
            f"{of}: define returned {type(outputs).__name__}",
            hint="return a frozen dataclass of values, or None",
        )
    changed: dict[str, Any] = {}
    for each in dataclasses.fields(outputs):
        value, title = getattr(outputs, each.name), _pascal(each.name)
        match value:
            case None:
                continue
            case AWSHelperFn() | str():
                changed[each.name] = change(title, value)
            case tuple() if all(isinstance(one, AWSHelperFn | str) for one in value):
                changed[each.name] = tuple(
                    change(f"{title}{number}", one) for number, one in enumerate(value, 1)
                )
            case _:
                raise SynthError(
                    f"{of}: output {each.name!r} is {type(value).__name__}",
                    hint="an output is a value (Ref, GetAtt, Sub, str), a tuple of them, or None",
                )
    return dataclasses.replace(outputs, **changed)


def _check_new(name: str, layers: Layers) -> None:
    if any(stack.name == name for stack in layers):
        raise SynthError(f"{name}: there are two stacks of this name", hint="rename a layer")


def _check_imports(stack: Stack, layers: Layers) -> None:
    """A value of a stack that was not passed to `add` would be a hidden dependency."""
    allowed = {
        export_name(below.name, output)
        for below in layers
        if below.name in stack.needs
        for output in below.template.outputs
    }
    for name in sorted(set(imports(stack.body)) - allowed):
        raise SynthError(
            f"{stack.name}: imports {name} from a stack it was not given",
            hint="pass the other stack's outputs to add(), not a value taken from them",
        )


def imports(node: object) -> Iterator[str]:
    """Yield the name of every export that *node*, a template or a part of it, imports."""
    match node:
        case {"Fn::ImportValue": str(name)}:
            yield name
        case dict():
            for value in node.values():
                yield from imports(value)
        case list():
            for value in node:
                yield from imports(value)


def _refs(node: object) -> Iterator[str]:
    match node:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from _SUBSTITUTED.findall(text)
        case {"Fn::Sub": [str(text), dict(values)]}:
            yield from set(_SUBSTITUTED.findall(text)) - values.keys()
            yield from _refs(values)
        case {"Fn::ValueOf": [str(name), *_]}:
            yield name
        case dict():
            for value in node.values():
                yield from _refs(value)
        case list():
            for value in node:
                yield from _refs(value)


def _pascal(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[_-]", name))


def _first_sentence(define: Callable[..., object]) -> str:
    """The sentence that opens the stack file: it becomes the template's description."""
    return (inspect.getdoc(inspect.getmodule(define)) or "").partition("\n")[0]


def _file_of(define: Callable[..., object]) -> Path:
    return Path(inspect.getfile(define))


def _short(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"


def _gives_outputs(define: Callable[..., object]) -> bool:
    """Return whether *define* says that it always returns something."""
    returned = inspect.signature(define).return_annotation
    return returned is not inspect.Signature.empty and "None" not in str(returned)


def _refuse_arguments(error: TypeError, layer: str, define: Callable[..., object]) -> None:
    """Raise SynthError if *define* was not entered, for it takes other arguments."""
    if error.__traceback__ and error.__traceback__.tb_next is None:
        frame = inspect.currentframe()
        while frame is not None and frame.f_code.co_filename == __file__:
            frame = frame.f_back
        place = f"{_short(Path(frame.f_code.co_filename))}:{frame.f_lineno} " if frame else ""
        takes = ", ".join(inspect.signature(define).parameters)
        raise SynthError(
            f"{place}{layer}: {error}",
            hint=f"define of {_short(_file_of(define))} takes {takes}",
        ) from error


def _line_in(file: str, frame: FrameType | None) -> int | None:
    """The line of *file* that is being run, seen from *frame* outwards."""
    while frame is not None and frame.f_code.co_filename != file:
        frame = frame.f_back
    return frame.f_lineno if frame else None
