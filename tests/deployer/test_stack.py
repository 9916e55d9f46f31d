"""How values pass from one stack to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from troposphere import GetAtt, ImportValue, Ref, ec2

from deployer.errors import SynthError
from deployer.stack import Env, Layers, Line, OutputOf, Template, Value, Values

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
    """What the network of these tests gives."""

    vpc: Value
    zones: Values
    nat: Value | None = None


@dataclass(frozen=True)
class Cluster:
    """What the cluster of these tests gives."""

    firewall: Value


def network(t: Template, _: Env) -> Network:
    """A network of nothing but a VPC."""
    vpc = t.add_resource(ec2.VPC("Vpc", CidrBlock="10.0.0.0/16"))
    return Network(vpc.ref(), zones=(vpc.get_att("CidrBlock"), "b"))


def cluster(t: Template, _: Env, net: Network) -> Cluster:
    """A cluster of nothing but a firewall."""
    firewall = t.add_resource(ec2.SecurityGroup("Firewall", GroupDescription="All.", VpcId=net.vpc))
    return Cluster(firewall.ref())


def nothing(_: Template, __: Env, *_given: object) -> None:
    """A stack that gives nothing."""


def test_outputs_are_published_and_imported() -> None:
    """Each field is an output with an export; other stacks see the same type, imported."""
    crd = Layers(ENV)

    net = crd.add("network", network)

    outputs = crd.stacks[0].body["Outputs"]
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


def test_dependencies_are_what_was_passed() -> None:
    """The graph is derived from the arguments, in whichever way they were given."""
    crd = Layers(ENV)
    net = crd.add("network", network)

    crd.add("cluster", cluster, net=net)
    crd.add("idle", nothing)

    assert [stack.needs for stack in crd] == [(), ("crd-x-network",), ()]


def test_another_region_gets_parameters() -> None:
    """An export ends at the border of a region: the deployer fills a parameter, if it is used."""
    crd = Layers(ENV)
    net = crd.add("network", network)

    crd.at("us-east-1").add("cluster", cluster, net)

    stack = crd.stacks[1]
    assert stack.parameters == {"NetworkVpc": OutputOf("crd-x-network", "ca-central-1", "Vpc")}
    assert list(stack.body["Parameters"]) == ["NetworkVpc"]
    assert stack.template.resources["Firewall"].VpcId == Ref("NetworkVpc")


def test_a_parameter_may_be_handed_on() -> None:
    """A value of another region that a stack only gives to others is used as well."""
    crd = Layers(ENV)
    net = crd.add("network", network)

    crd.at("us-east-1").add("edge", lambda _t, _env, below: Cluster(below.vpc), net)

    stack = crd.stacks[1]
    assert list(stack.parameters) == list(stack.body["Parameters"]) == ["NetworkVpc"]


def test_nothing_is_no_dependency() -> None:
    """A stack that gives None does not become what another one's None stands for."""
    crd = Layers(ENV)
    crd.add("idle", nothing)

    crd.add("other", nothing, None)

    assert crd.stacks[1].needs == ()


def test_a_stack_of_another_region_knows_its_own() -> None:
    """`env` is the same everywhere but for the region."""
    seen: list[str] = []

    def define(_: Template, env: Env) -> None:
        seen.append(env.region)

    Layers(ENV).at("us-east-1").add("edge", define)

    assert seen == ["us-east-1"]


def test_the_line_of_each_resource_is_known() -> None:
    """An error can say where the thing was made, also when a helper made it."""
    crd = Layers(ENV)

    crd.add("network", network)

    lines = crd.stacks[0].template.lines
    assert lines == {"Vpc": Line("deployer/test_stack.py", network.__code__.co_firstlineno + 2)}


@pytest.mark.parametrize(
    ("outputs", "says"),
    [
        (3, "define returned int"),
        (Network(vpc=3, zones=()), "output 'vpc' is int"),  # type: ignore[arg-type]
        (Network(vpc="v", zones=("a", None)), "output 'zones' is tuple"),  # type: ignore[arg-type]
        (Network, "define returned type"),
    ],
)
def test_what_is_no_value_is_refused(outputs: Any, says: str) -> None:
    """An output is a value, a tuple of values, or nothing."""
    with pytest.raises(SynthError, match=says):
        Layers(ENV).add("network", lambda _t, _env: outputs)


def test_two_stacks_of_one_name_are_refused() -> None:
    """The second would replace the first."""
    crd = Layers(ENV)
    crd.add("network", network)

    with pytest.raises(SynthError, match="two stacks of this name"):
        crd.add("network", network)


def test_a_value_that_was_smuggled_in_is_refused() -> None:
    """A value taken out of another stack's outputs would be a dependency nobody sees."""
    crd = Layers(ENV)
    net = crd.add("network", network)

    def define(t: Template, _: Env, vpc: Value) -> None:
        t.add_resource(ec2.SecurityGroup("Firewall", GroupDescription="All.", VpcId=vpc))

    with pytest.raises(SynthError, match="imports crd-x-network-Vpc from a stack it was not given"):
        crd.add("cluster", define, net.vpc)


def test_nothing_is_published_for_none() -> None:
    """An optional output that is not there is no output."""
    crd = Layers(ENV)

    crd.add("network", lambda _t, _env: Network(GetAtt("A", "B"), zones=()))

    assert list(crd.stacks[0].template.outputs) == ["Vpc"]
