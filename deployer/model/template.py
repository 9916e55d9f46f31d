"""The template of a stack, and of the stacks nested in it."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import troposphere
from troposphere import BaseAWSObject, GetAtt, Output, Parameter, Ref, Sub, cloudformation
from troposphere.serverless import Globals

from deployer import stack_file_errors
from deployer.artifacts import Artifact
from deployer.errors import SynthError
from deployer.model.env import Env
from deployer.model.source import Line, file_of, first_sentence, line_in, short_path
from deployer.model.values import Value, map_values
from deployer.template_yaml import UnwritableError, dump

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

S = TypeVar("S")
G = TypeVar("G")
T = TypeVar("T")
R = TypeVar("R", bound=BaseAWSObject)


class Template(troposphere.Template):
    """A troposphere template that records which line of its stack file defines each resource.

    *artifacts* and *nested* are uploaded to the artifact bucket before the stack is deployed; their
    keys begin with *key_prefix*. *awaited_parameters* maps an output to the Parameter Store name on
    which it depends: the output is ABSENT until that parameter has a value.
    """

    def __init__(self, description: str, file: Path, *, key_prefix: str = "") -> None:
        super().__init__(Description=description)
        self.file = short_path(file)
        self.key_prefix = key_prefix
        self.lines: dict[str, Line] = {}
        self.artifacts: list[Artifact] = []
        self.nested: list[NestedStack] = []
        self.awaited_parameters: dict[str, str] = {}
        self._path = str(file)

    def add_resource(self, resource: R) -> R:  # type: ignore[override]  # no lists, by choice
        """Add and return *resource*; raise SynthError if its title is taken."""
        line = Line(self.file, line_in(self._path, inspect.currentframe()) or 0)
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
        """Raise SynthError: CloudFormation would not deploy the template that was reviewed."""
        raise self._refused(f"set_transform({transform!r})")

    def set_globals(self, globals: Globals) -> None:  # noqa: A002, ARG002  # The name in troposphere.
        """Raise SynthError: global properties belong to a macro, AWS::Serverless."""
        raise self._refused("set_globals")

    def _refused(self, call: str) -> SynthError:
        number = line_in(self._path, inspect.currentframe())
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
        """Add a nested stack as the resource *title*; return its outputs as this template sees them.

        *define* is like the `define` of any stack. *given* is a dataclass of values of this
        template, which are passed as parameters. *store* is the artifact bucket, which will have the
        nested template.
        """
        inner = Template(first_sentence(define), file_of(define), key_prefix=self.key_prefix)

        def parameter(name: str, value: Value) -> Value:
            inner.add_parameter(Parameter(name, Type="String", Description=f"{name} of the stack"))
            passed[name] = value
            return Ref(name)

        passed: dict[str, Value] = {}
        outputs = define(inner, env, settings, map_values(given, parameter, stack=title))

        def output(name: str, value: Value) -> Value:
            inner.add_output(Output(name, Value=value))
            return GetAtt(title, f"Outputs.{name}")

        seen = map_values(outputs, output, stack=title)
        body = inner.body()
        nested = NestedStack(title, inner, body, inner.text(body), self.key_prefix)
        self.nested.append(nested)
        url = f"https://${{Store}}.s3.${{AWS::Region}}.${{AWS::URLSuffix}}/{nested.key}"
        self.add_resource(
            cloudformation.Stack(
                title,
                TemplateURL=Sub(url, Store=store),
                Parameters=passed,
                DeletionPolicy="Delete",  # Its own resources have their own policies.
                UpdateReplacePolicy="Delete",
            )
        )
        return seen

    def body(self) -> dict[str, Any]:
        """Return the template as plain values, types before properties.

        Raise SynthError for an unsupported section, and for resources that lack a property or have
        an invalid value.
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
        """Return *body*, the body of this template, as YAML; raise SynthError for invalid values."""
        try:
            return dump(body)
        except UnwritableError as error:
            for title, resource in body["Resources"].items():
                try:
                    dump(resource)
                except UnwritableError as problem:
                    place = self.lines.get(title, self.file)
                    raise SynthError(
                        f"{place} {title}: {problem}", hint="use text, numbers, lists and dicts"
                    ) from error
            raise SynthError(f"{self.file}: {error}") from error

    def _refuse_resources(self, error: Exception) -> None:
        """Raise SynthError for the resources that cannot be written, which caused *error*."""
        facts = []
        for title, resource in self.resources.items():
            try:
                resource.to_dict()
            except Exception as problem:  # noqa: BLE001  # Validators raise anything.
                place = self.lines.get(title, self.file)
                facts.append(f"{place} {title}: {stack_file_errors.property_fact(problem)}")
        if facts:
            hint = "fix the stack file; --debug shows the traceback"
            raise SynthError("\n".join(facts), hint=hint) from error


@dataclass(frozen=True)
class NestedStack:
    """A nested stack. The parent template refers to the nested template by its *key* in the bucket."""

    title: str
    template: Template
    body: Mapping[str, Any]
    text: str
    key_prefix: str = ""

    @property
    def digest(self) -> str:
        """The digest of the text, so that a change of the text also changes the parent template."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:32]

    @property
    def key(self) -> str:
        """The key in the artifact bucket."""
        return f"{self.key_prefix}templates/{self.title}/{self.digest}.yaml"
