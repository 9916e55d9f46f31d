"""The template of a stack: lines of resources, sections and refusals."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import troposphere
from troposphere import Parameter, Ref, serverless

from deployer.errors import SynthError
from deployer.model import Env, Layers, Line, Template
from tests.deployer.model.test_layers import ENV, network


def test_the_line_of_each_resource_is_recorded() -> None:
    """The line of a resource is recorded, also if a helper adds the resource."""
    layers = Layers(ENV)

    layers.add("network", network)

    lines = layers.stacks[0].template.lines
    assert lines == {"Vpc": Line("model/test_layers.py", network.__code__.co_firstlineno + 2)}


def _body(define: Callable[[Template], object]) -> dict[str, Any]:
    """Return the template of a stack that *define* fills."""
    layers = Layers(ENV)

    def defined(template: Template, _: Env) -> None:
        define(template)

    layers.add("x", defined)
    return dict(layers.stacks[0].body)


RULE = {"Assertions": [{"Assert": {"Fn::Equals": [{"Ref": "Size"}, "small"]}}]}


@pytest.mark.parametrize(
    ("define", "section", "emitted"),
    [
        (
            lambda t: t.add_mapping("Sizes", {"dev": {"Cpu": "256"}}),
            "Mappings",
            {"Sizes": {"dev": {"Cpu": "256"}}},
        ),
        (lambda t: t.add_rule("Small", RULE), "Rules", {"Small": RULE}),
        (lambda t: t.set_metadata({"Team": "a"}), "Metadata", {"Team": "a"}),
        (
            lambda t: t.set_parameter_label("Size", "How large"),
            "Metadata",
            {
                "AWS::CloudFormation::Interface": {
                    "ParameterLabels": {"Size": {"default": "How large"}}
                }
            },
        ),
        (
            lambda t: t.add_parameter_to_group("Size", "Sizes"),
            "Metadata",
            {
                "AWS::CloudFormation::Interface": {
                    "ParameterGroups": [{"Label": {"default": "Sizes"}, "Parameters": ["Size"]}]
                }
            },
        ),
        (
            lambda t: t.add_condition("Large", Ref("Size")),
            "Conditions",
            {"Large": {"Ref": "Size"}},
        ),
        (
            lambda t: t.get_or_add_parameter(Parameter("Size", Type="String")),
            "Parameters",
            {"Size": {"Type": "String"}},
        ),
        (lambda t: t.set_version("2010-09-09"), "AWSTemplateFormatVersion", "2010-09-09"),
        (lambda t: t.set_description("Sizes."), "Description", "Sizes."),
    ],
)
def test_sections_are_emitted(
    define: Callable[[Template], object], section: str, emitted: object
) -> None:
    """Every section that can be added to a template is in its body."""
    assert _body(define)[section] == emitted


def _transform(template: Template) -> None:
    template.set_transform("AWS::LanguageExtensions")


def _globals(template: Template) -> None:
    template.set_globals(serverless.Globals())


@pytest.mark.parametrize("define", [_transform, _globals])
def test_macros_are_refused(define: Callable[[Template], None]) -> None:
    """A macro changes the template after its review, so it is refused with its line."""
    line = define.__code__.co_firstlineno + 1

    with pytest.raises(SynthError) as refused:
        _body(define)

    assert refused.value.message.startswith(f"model/test_template.py:{line}: set_")
    assert refused.value.hint == "write the resources themselves"


def test_unknown_sections_are_refused() -> None:
    """A section that the body does not have is refused, however it was added."""

    def define(template: Template) -> None:
        template.transform = "AWS::Include"

    with pytest.raises(
        SynthError, match=r"test_template\.py: the template has a section Transform"
    ):
        _body(define)


def test_every_method_of_a_template_was_considered() -> None:
    """A new method of Template in troposphere must be considered here."""
    names = {
        name
        for name, _ in inspect.getmembers(troposphere.Template, inspect.isfunction)
        if name.startswith(("add_", "set_", "get_or_add_"))
    }

    assert names == {
        *("add_condition", "add_mapping", "add_output", "add_parameter", "add_parameter_to_group"),
        *("add_resource", "add_rule", "get_or_add_parameter", "set_description", "set_globals"),
        *("set_metadata", "set_parameter_label", "set_transform", "set_version"),
    }
