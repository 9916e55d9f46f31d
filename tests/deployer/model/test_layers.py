"""Passing values from one stack to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
import troposphere
from troposphere import GetAtt, If, ImportValue, Ref, Sub, ec2

from deployer.errors import SynthError
from deployer.model import Env, Layers, OutputOf, Template, Value, Values

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

    security_group: Value


def network(t: Template, _: Env) -> Network:
    """Define a network with only a VPC."""
    vpc = t.add_resource(ec2.VPC("Vpc", CidrBlock="10.0.0.0/16"))
    return Network(vpc.ref(), zones=(vpc.get_att("CidrBlock"), "b"))


def cluster(t: Template, _: Env, net: Network) -> Cluster:
    """Define a cluster with only a security group."""
    security_group = t.add_resource(
        ec2.SecurityGroup("SecurityGroup", GroupDescription="All.", VpcId=net.vpc)
    )
    return Cluster(security_group.ref())


def nothing(_: Template, __: Env, *_given: object) -> None:
    """Define a stack without outputs."""


def test_outputs_are_published_and_imported() -> None:
    """Each field becomes an output with an export; other stacks get the same type, imported."""
    layers = Layers(ENV)

    net = layers.add("network", network)

    outputs = layers.stacks[0].body["Outputs"]
    assert {name: output["Export"]["Name"] for name, output in outputs.items()} == {
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
    assert stack.template.resources["SecurityGroup"].VpcId == Ref("NetworkVpc")


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


def test_a_former_region_may_have_stacks_again() -> None:
    """A stack in another region of `layers()` is added, even if that region is a former one."""
    env = msgspec.structs.replace(ENV, former_regions=("us-east-1",))
    regions: list[str] = []

    def define(_template: Template, env: Env) -> None:
        """Add nothing."""
        regions.append(env.region)

    Layers(env).in_region("us-east-1").add("edge", define)

    assert regions == ["us-east-1"]


def test_env_has_the_region_of_the_stack() -> None:
    """In another region only the region of `env` differs."""
    seen: list[str] = []

    def define(_: Template, env: Env) -> None:
        seen.append(env.region)

    Layers(ENV).in_region("us-east-1").add("edge", define)

    assert seen == ["us-east-1"]


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
        t.add_resource(ec2.SecurityGroup("SecurityGroup", GroupDescription="All.", VpcId=vpc))

    with pytest.raises(
        SynthError, match="imports crd-x-network-Vpc from a stack that was not passed to add"
    ):
        layers.add("cluster", define, net.vpc)


def test_nothing_is_published_for_none() -> None:
    """An optional output that is None is not published."""
    layers = Layers(ENV)

    layers.add("network", lambda _t, _env: Network(GetAtt("A", "B"), zones=()))

    assert list(layers.stacks[0].template.outputs) == ["Vpc"]


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
