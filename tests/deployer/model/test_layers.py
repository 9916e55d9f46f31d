"""How values pass from one stack to the next."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import troposphere
from troposphere import GetAtt, If, ImportValue, Parameter, Ref, Sub, ec2, serverless

from deployer.errors import SynthError
from deployer.model import Env, Layers, Line, OutputOf, Template, Value, Values

ENV = Env(
    project="cruddur",
    prefix="crd",
    name="x",
    account="000000000000",
    region="ca-central-1",
    domain="cruddur.example",
    hosted_zone="Z1",
    protect=False,
)


@dataclass(frozen=True)
class Network:
    """The outputs of the network stack."""

    vpc: Value
    zones: Values
    nat: Value | None = None


@dataclass(frozen=True)
class Cluster:
    """The outputs of the cluster stack."""

    firewall: Value


def network(t: Template, _: Env) -> Network:
    """Define a network with only a VPC."""
    vpc = t.add_resource(ec2.VPC("Vpc", CidrBlock="10.0.0.0/16"))
    return Network(vpc.ref(), zones=(vpc.get_att("CidrBlock"), "b"))


def cluster(t: Template, _: Env, net: Network) -> Cluster:
    """Define a cluster with only a security group."""
    firewall = t.add_resource(ec2.SecurityGroup("Firewall", GroupDescription="All.", VpcId=net.vpc))
    return Cluster(firewall.ref())


def nothing(_: Template, __: Env, *_given: object) -> None:
    """Define a stack without outputs."""


def test_outputs_are_published_and_imported() -> None:
    """Each field becomes an output with an export; other stacks get the same type, imported."""
    layers = Layers(ENV)

    net = layers.add("network", network)

    outputs = layers.stacks[0].body["Outputs"]
    assert {name: each["Export"]["Name"] for name, each in outputs.items()} == {
        "Vpc": "crd-x-network-Vpc",
        "Zones1": "crd-x-network-Zones1",
        "Zones2": "crd-x-network-Zones2",
    }
    assert outputs["Zones1"]["Value"] == {"Fn::GetAtt": ["Vpc", "CidrBlock"]}
    assert net == Network(
        ImportValue("crd-x-network-Vpc"),
        zones=(ImportValue("crd-x-network-Zones1"), ImportValue("crd-x-network-Zones2")),
    )


def test_dependencies_are_derived_from_the_arguments() -> None:
    """The dependencies are derived from positional and keyword arguments."""
    layers = Layers(ENV)
    net = layers.add("network", network)

    layers.add("cluster", cluster, net=net)
    layers.add("idle", nothing)

    assert [stack.dependencies for stack in layers] == [(), ("crd-x-network",), ()]


def test_another_region_gets_parameters() -> None:
    """A stack in another region gets a parameter instead of an import, if it uses the value."""
    layers = Layers(ENV)
    net = layers.add("network", network)

    layers.in_region("us-east-1").add("cluster", cluster, net)

    stack = layers.stacks[1]
    assert stack.parameters == {"NetworkVpc": OutputOf("crd-x-network", "ca-central-1", "Vpc")}
    assert list(stack.body["Parameters"]) == ["NetworkVpc"]
    assert stack.template.resources["Firewall"].VpcId == Ref("NetworkVpc")


def test_a_parameter_may_be_passed_on() -> None:
    """A value from another region that a stack only returns as an output counts as used."""
    layers = Layers(ENV)
    net = layers.add("network", network)

    layers.in_region("us-east-1").add("edge", lambda _t, _env, below: Cluster(below.vpc), net)

    stack = layers.stacks[1]
    assert list(stack.parameters) == list(stack.body["Parameters"]) == ["NetworkVpc"]


def test_none_is_not_a_dependency() -> None:
    """A stack without outputs is not a dependency of a stack that gets None."""
    layers = Layers(ENV)
    layers.add("idle", nothing)

    layers.add("other", nothing, None)

    assert layers.stacks[1].dependencies == ()


def test_env_has_the_region_of_the_stack() -> None:
    """In another region only the region of `env` differs."""
    seen: list[str] = []

    def define(_: Template, env: Env) -> None:
        seen.append(env.region)

    Layers(ENV).in_region("us-east-1").add("edge", define)

    assert seen == ["us-east-1"]


def test_the_line_of_each_resource_is_recorded() -> None:
    """The line of a resource is recorded, also if a helper adds the resource."""
    layers = Layers(ENV)

    layers.add("network", network)

    lines = layers.stacks[0].template.lines
    assert lines == {"Vpc": Line("model/test_layers.py", network.__code__.co_firstlineno + 2)}


@pytest.mark.parametrize(
    ("outputs", "says"),
    [
        (3, "define returned int"),
        (Network(vpc=3, zones=()), "output 'vpc' is int"),  # type: ignore[arg-type]
        (Network(vpc="v", zones=("a", None)), "output 'zones' is tuple"),  # type: ignore[arg-type]
        (Network, "define returned type"),
    ],
)
def test_an_invalid_output_is_refused(outputs: Any, says: str) -> None:
    """An output must be a value, a tuple of values, or None."""
    with pytest.raises(SynthError, match=says):
        Layers(ENV).add("network", lambda _t, _env: outputs)


def test_two_stacks_of_one_name_are_refused() -> None:
    """A second stack of the same name is refused."""
    layers = Layers(ENV)
    layers.add("network", network)

    with pytest.raises(SynthError, match="two stacks with this name"):
        layers.add("network", network)


def test_a_hidden_dependency_is_refused() -> None:
    """A single value taken from another stack's outputs would be a hidden dependency."""
    layers = Layers(ENV)
    net = layers.add("network", network)

    def define(t: Template, _: Env, vpc: Value) -> None:
        t.add_resource(ec2.SecurityGroup("Firewall", GroupDescription="All.", VpcId=vpc))

    with pytest.raises(
        SynthError, match="imports crd-x-network-Vpc from a stack that it did not get"
    ):
        layers.add("cluster", define, net.vpc)


def test_nothing_is_published_for_none() -> None:
    """An optional output that is None is not published."""
    layers = Layers(ENV)

    layers.add("network", lambda _t, _env: Network(GetAtt("A", "B"), zones=()))

    assert list(layers.stacks[0].template.outputs) == ["Vpc"]


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

    assert refused.value.message.startswith(f"model/test_layers.py:{line}: set_")
    assert refused.value.hint == "write the resources themselves"


def test_unknown_sections_are_refused() -> None:
    """A section that the body does not have is refused, however it was added."""

    def define(template: Template) -> None:
        template.transform = "AWS::Include"

    with pytest.raises(SynthError, match=r"test_layers\.py: the template has a section Transform"):
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


@pytest.mark.parametrize(
    "use",
    [
        lambda t, vpc: t.add_condition("Here", troposphere.Equals(vpc, "a")),
        lambda t, vpc: t.add_condition("Here", If("A", Sub("${Vpc}-${Other}", Vpc=vpc), "b")),
        lambda t, vpc: t.add_condition("Here", Sub("${NetworkVpc}-${Name}", Name="b")),
        lambda t, _: t.add_rule("Here", {"Assertions": [{"Assert": Ref("NetworkVpc")}]}),
        lambda t, _: t.add_rule("Here", {"A": {"Fn::ValueOf": ["NetworkVpc", "Tags"]}}),
    ],
)
def test_a_parameter_is_kept_wherever_it_is_used(use: Callable[[Template, Any], object]) -> None:
    """A parameter that only a condition or rule uses is kept."""
    layers = Layers(ENV)
    net = layers.add("network", network)

    def define(template: Template, _: Env, net: Network) -> None:
        use(template, net.vpc)

    layers.in_region("us-east-1").add("edge", define, net)

    stack = layers.stacks[1]
    assert list(stack.parameters) == list(stack.body["Parameters"]) == ["NetworkVpc"]


def test_a_variable_of_sub_is_not_a_parameter() -> None:
    """A variable of Fn::Sub does not keep a parameter of the same name."""
    layers = Layers(ENV)
    net = layers.add("network", network)

    def define(template: Template, _: Env, net: Network) -> None:
        template.add_condition("Here", Sub("${NetworkVpc}", NetworkVpc=str(type(net.vpc))))

    layers.in_region("us-east-1").add("edge", define, net)

    assert layers.stacks[1].parameters == {}
