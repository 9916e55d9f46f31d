"""A stack, and the typed values that pass from one stack to the next.

A stack's outputs are a dataclass, its dependencies are arguments:

    def layers(config: Config) -> Layers:
        layers = Layers(config.env)
        net = layers.add("network", network.define, config.network)
        cluster_ = layers.add("cluster", cluster.define, config.cluster, net)

`add` runs `define`, publishes each field of what it returns as an output with an export, and
returns the same type with each value imported. So nobody types an export name, line order is
layer order, and the dependency graph is what was passed to `add`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import msgspec
from troposphere import Export, ImportValue, Output, Parameter, Ref

from deployer import stack_file_errors
from deployer.artifacts import RELEASES
from deployer.errors import SynthError
from deployer.model.env import Env
from deployer.model.intrinsics import imports, parameters
from deployer.model.source import file_of, first_sentence, short_path
from deployer.model.stack import OutputOf, Stack
from deployer.model.template import Template
from deployer.model.values import Value, map_values, pascal_case

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Layers:
    """Every stack of an environment, lowest first."""

    env: Env
    stacks: list[Stack] = field(default_factory=list)
    artifact_bucket: OutputOf | None = None
    given: list[tuple[object, Stack]] = field(default_factory=list, repr=False)
    manual: frozenset[str] | None = None

    def __iter__(self) -> Iterator[Stack]:
        """Every stack, lowest first."""
        return iter(self.stacks)

    @property
    def outputs(self) -> list[object]:
        """The outputs of every stack in the environment's region, as other stacks import them."""
        return [outputs for outputs, stack in self.given if stack.region == self.env.region]

    def use_artifact_bucket(self, bucket: Value, *, manual: Iterable[str] | None = None) -> None:
        """Name the bucket, an output of a stack, for what is too long or too big for a call.

        Artifacts of the stacks that follow are in the folder RELEASES, except those of *manual*,
        the layers that only an administrator deploys. Without *manual* no stack uses the folder.
        """
        if isinstance(bucket, stack_file_errors.Undefined):
            return
        self.manual = None if manual is None else frozenset(manual)
        found = (
            OutputOf(stack.name, stack.region, output)
            for stack in self.stacks
            for output in stack.template.outputs
            if bucket == ImportValue(export_name(stack.name, output))
        )
        self.artifact_bucket = next(found, None)
        if self.artifact_bucket is None:
            raise SynthError(
                f"use_artifact_bucket: {bucket!r} is not an output of a stack added before",
                hint="give it an output, such as that of the foundation",
            )

    def folder(self, layer: str) -> str:
        """Return the folder of the artifact bucket that *layer* uses."""
        return "" if self.manual is None or layer in self.manual else RELEASES

    def in_region(self, region: str) -> At:
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
        return self.in_region(self.env.region).add(layer, define, *args, **kwargs)


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
        if any(isinstance(arg, stack_file_errors.Undefined) for arg in (*args, *kwargs.values())):
            return cast("T", stack_file_errors.Undefined())
        try:
            return self._add(layer, define, *args, **kwargs)
        except Exception as error:
            if not stack_file_errors.collect(error):
                raise
            return cast("T", stack_file_errors.Undefined())

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
        template = Template(first_sentence(define), file_of(define), folder=folder)
        inbound = _Inbound(self.layers.given, self.region, template)
        seen = [inbound.seen(arg) for arg in args]
        named = {key: inbound.seen(arg) for key, arg in kwargs.items()}
        try:
            with stack_file_errors.quiet_validators():
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
            short_name=layer,
            name=name,
            region=self.region,
            template=template,
            body=body,
            dependencies=tuple(inbound.dependencies),
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
        self.dependencies: dict[str, None] = {}
        self.parameters: dict[str, OutputOf] = {}

    def seen(self, argument: Any) -> Any:
        """*argument*, as this stack sees it."""
        producer = next((stack for value, stack in self._given if value is argument), None)
        if producer is None:
            return argument
        self.dependencies[producer.name] = None
        if producer.region == self._region:
            return argument
        return map_values(argument, lambda title, _: self._parameter(producer, title))

    def used(self, body: dict[str, Any]) -> dict[str, OutputOf]:
        """Return the parameters that *body* refers to, and remove the others from it."""
        names = set(parameters({name: part for name, part in body.items() if name != "Parameters"}))
        for name in self.parameters.keys() - names:
            del body["Parameters"][name]
        if not body.get("Parameters"):
            body.pop("Parameters", None)
        return {name: source for name, source in self.parameters.items() if name in names}

    def _parameter(self, producer: Stack, title: str) -> Value:
        name = f"{pascal_case(producer.short_name)}{title}"
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

    return map_values(outputs, publish, of=stack)


def _check_new(name: str, layers: Layers) -> None:
    if any(stack.name == name for stack in layers):
        raise SynthError(f"{name}: there are two stacks of this name", hint="rename a layer")


def _check_imports(stack: Stack, layers: Layers) -> None:
    """A value of a stack that was not passed to `add` would be a hidden dependency."""
    allowed = {
        export_name(below.name, output)
        for below in layers
        if below.name in stack.dependencies
        for output in below.template.outputs
    }
    for name in sorted(set(imports(stack.body)) - allowed):
        raise SynthError(
            f"{stack.name}: imports {name} from a stack it was not given",
            hint="pass the other stack's outputs to add(), not a value taken from them",
        )


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
        place = f"{short_path(Path(frame.f_code.co_filename))}:{frame.f_lineno} " if frame else ""
        takes = ", ".join(inspect.signature(define).parameters)
        raise SynthError(
            f"{place}{layer}: {error}",
            hint=f"define of {short_path(file_of(define))} takes {takes}",
        ) from error
