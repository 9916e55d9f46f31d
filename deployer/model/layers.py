"""Collect the stacks of an environment, and pass typed values from one stack to the next.

The outputs of a stack are a dataclass, its dependencies are arguments:

    def layers(config: Config) -> Layers:
        layers = Layers(config.env)
        network_ = layers.add("network", network.define, config.network)
        cluster_ = layers.add("cluster", cluster.define, config.cluster, network_)

`add` calls `define`, publishes each field of the result as an output with an export, and returns
the same type with each value imported. So no export name is written in a stack file, the stacks are
in the order of the calls, and the dependency graph follows from the arguments of `add`.
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
    """The stacks of an environment, dependencies first.

    *published* has a pair for each stack with outputs: the outputs, as other stacks import them, and
    the stack. *manual* has the short names of the stacks that only an administrator deploys.
    """

    env: Env
    stacks: list[Stack] = field(default_factory=list)
    artifact_bucket: OutputOf | None = None
    published: list[tuple[object, Stack]] = field(default_factory=list, repr=False)
    manual: frozenset[str] | None = None

    def __iter__(self) -> Iterator[Stack]:
        """Iterate over the stacks, dependencies first."""
        return iter(self.stacks)

    @property
    def outputs(self) -> list[object]:
        """The outputs of the stacks in the environment's region, as other stacks import them."""
        return [outputs for outputs, stack in self.published if stack.region == self.env.region]

    def use_artifact_bucket(self, bucket: Value, *, manual: Iterable[str] | None = None) -> None:
        """Store code, nested templates and long templates of the next stacks in *bucket*.

        *bucket* is an output of a stack. The keys of artifacts have the prefix RELEASES, except for
        those of the stacks in *manual*. Without *manual* no key has the prefix.
        """
        if isinstance(bucket, stack_file_errors.Undefined):
            return
        self.manual = None if manual is None else frozenset(manual)
        candidates = (
            OutputOf(stack.name, stack.region, output)
            for stack in self.stacks
            for output in stack.template.outputs
            if bucket == ImportValue(export_name(stack.name, output))
        )
        self.artifact_bucket = next(candidates, None)
        if self.artifact_bucket is None:
            raise SynthError(
                f"use_artifact_bucket: {bucket!r} is not an output of a stack that was added before",
                hint="pass an output, such as that of the foundation",
            )

    def key_prefix(self, short_name: str) -> str:
        """Return the prefix of the keys of the stack *short_name* in the artifact bucket."""
        return "" if self.manual is None or short_name in self.manual else RELEASES

    def in_region(self, region: str) -> RegionalLayers:
        """Return these layers for adding stacks in another *region*."""
        return RegionalLayers(self, region)

    def add(
        self,
        short_name: str,
        define: Callable[Concatenate[Template, Env, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Add the stack *short_name*, which *define* defines; the other arguments are passed to it.

        Return the result of *define* with every value as other stacks import it.
        Raise SynthError if the name is taken or an output is not a value.
        """
        return self.in_region(self.env.region).add(short_name, define, *args, **kwargs)


@dataclass(frozen=True)
class RegionalLayers:
    """The layers of an environment, for adding stacks in one region."""

    layers: Layers
    region: str

    def add(
        self,
        short_name: str,
        define: Callable[Concatenate[Template, Env, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Add a stack, see `Layers.add`; values from other regions become template parameters.

        While errors are collected, a stack that has one is skipped, with its dependents.
        """
        if any(isinstance(arg, stack_file_errors.Undefined) for arg in (*args, *kwargs.values())):
            return cast("T", stack_file_errors.Undefined())
        try:
            return self._add(short_name, define, *args, **kwargs)
        except Exception as error:
            if not stack_file_errors.collect(error):
                raise
            return cast("T", stack_file_errors.Undefined())

    def _add(
        self,
        short_name: str,
        define: Callable[Concatenate[Template, Env, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        env = self.layers.env
        name = env.stack_name(short_name)
        _check_new(name, self.layers)
        key_prefix = self.layers.key_prefix(short_name)
        template = Template(first_sentence(define), file_of(define), key_prefix=key_prefix)
        inputs = _Inputs(self.layers.published, self.region, template)
        positional = [inputs.resolve(arg) for arg in args]
        keywords = {key: inputs.resolve(arg) for key, arg in kwargs.items()}
        try:
            with stack_file_errors.quiet_validators():
                outputs = define(
                    template,
                    # The former regions are those of the environment, and may include this region.
                    msgspec.structs.replace(env, region=self.region, former_regions=()),
                    *positional,
                    **keywords,
                )
        except TypeError as error:
            _refuse_arguments(error, short_name, define)
            raise
        if outputs is None and _has_outputs(define):
            raise SynthError(
                f"{template.file}: {short_name}: define returned nothing",
                hint="return the dataclass that it is annotated with",
            )
        imported = _publish(name, template, outputs)
        body = template.body()
        parameters = inputs.used(body)
        stack = Stack(
            short_name=short_name,
            name=name,
            region=self.region,
            template=template,
            body=body,
            dependencies=tuple(inputs.dependencies),
            parameters=parameters,
            tags=_tags(env, short_name),
            protect=env.protect,
        )
        _check_imports(stack, self.layers)
        self.layers.stacks.append(stack)
        if imported is not None:
            self.layers.published.append((imported, stack))
        return imported


class _Inputs:
    """The values that a stack gets from other stacks: imports, or parameters across regions."""

    def __init__(
        self, published: list[tuple[object, Stack]], region: str, template: Template
    ) -> None:
        self._published = published
        self._region = region
        self._template = template
        self.dependencies: dict[str, None] = {}
        self.parameters: dict[str, OutputOf] = {}

    def resolve(self, argument: Any) -> Any:
        """Return *argument*; the outputs of a stack in another region become template parameters."""
        producer = next((stack for value, stack in self._published if value is argument), None)
        if producer is None:
            return argument
        self.dependencies[producer.name] = None
        if producer.region == self._region:
            return argument
        return map_values(argument, lambda title, _: self._parameter(producer, title))

    def used(self, body: dict[str, Any]) -> dict[str, OutputOf]:
        """Return the parameters that *body* refers to, and remove the other parameters from *body*."""
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
    """Return the export name of an output, which is unique in its region."""
    return f"{stack}-{output}"


def _tags(env: Env, short_name: str) -> dict[str, str]:
    """Return the tags of every resource of the stack; they are the same in each run."""
    return env.owner.tags(env.stack_name(short_name)) | {"group": f"{env.project}-{short_name}"}


def _publish(stack: str, template: Template, outputs: T) -> T:
    """Publish each value of *outputs*; return *outputs* as other stacks import them."""

    def publish(title: str, value: Value) -> Value:
        name = export_name(stack, title)
        template.add_output(Output(title, Value=value, Export=Export(name)))
        return ImportValue(name)

    return map_values(outputs, publish, stack=stack)


def _check_new(name: str, layers: Layers) -> None:
    """Raise SynthError if a stack of this name was added before."""
    if any(stack.name == name for stack in layers):
        raise SynthError(f"{name}: there are two stacks with this name", hint="rename a stack")


def _check_imports(stack: Stack, layers: Layers) -> None:
    """Raise SynthError for an import from a stack that was not passed to `add`.

    The dependency graph would not have that dependency.
    """
    allowed = {
        export_name(dependency.name, output)
        for dependency in layers
        if dependency.name in stack.dependencies
        for output in dependency.template.outputs
    }
    for name in sorted(set(imports(stack.body)) - allowed):
        raise SynthError(
            f"{stack.name}: imports {name} from a stack that was not passed to add()",
            hint="pass the other stack's outputs to add(), not a value taken from them",
        )


def _has_outputs(define: Callable[..., object]) -> bool:
    """Return whether *define* is annotated to return outputs always."""
    returned = inspect.signature(define).return_annotation
    return returned is not inspect.Signature.empty and "None" not in str(returned)


def _refuse_arguments(error: TypeError, short_name: str, define: Callable[..., object]) -> None:
    """Raise SynthError if *error* means that *define* does not accept these arguments."""
    if error.__traceback__ and error.__traceback__.tb_next is None:
        frame = inspect.currentframe()
        while frame is not None and frame.f_code.co_filename == __file__:
            frame = frame.f_back
        place = f"{short_path(Path(frame.f_code.co_filename))}:{frame.f_lineno} " if frame else ""
        takes = ", ".join(inspect.signature(define).parameters)
        raise SynthError(
            f"{place}{short_name}: {error}",
            hint=f"define of {short_path(file_of(define))} takes {takes}",
        ) from error
