"""docs/layers.md, the page about all stacks, describes their templates, and every resource type has a price or is free."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deployer import prices
from deployer.model.desired import DesiredStack, NestedTemplate
from deployer.registry import resource_type
from deployer.template_yaml import load
from operations import project
from tools.layers_page import ENVIRONMENT, Stack, markdown

ROOT = Path(__file__).parents[2]
TYPES = {price.type for price in prices.PRICES} | prices.USAGE.keys() | prices.FREE

LOWER = """\
Description: The lower stack.
Resources:
  Things:
    Type: AWS::S3::Bucket
    DeletionPolicy: RetainExceptOnCreate
Outputs:
  Things:
    Value: !Ref Things
    Export:
      Name: crd-x-lower-Things
  Rest:
    Value: !GetAtt Things.Arn
    Export:
      Name: crd-x-lower-Rest
"""
UPPER = """\
Description: The upper stack.
Resources:
  Gateway:
    Type: AWS::EC2::NatGateway
    Properties:
      SubnetId: !ImportValue crd-x-lower-Things
"""
NESTED = "Resources: {Gateway: {Type: 'AWS::EC2::NatGateway'}}"


def desired(short_name: str, text: str, **more: Any) -> DesiredStack:
    """Return a stack with this template."""
    body = load(text)
    return DesiredStack(short_name, f"crd-x-{short_name}", "ca-central-1", text, "", body, **more)


@pytest.fixture(scope="module")
def page() -> str:
    """The page of two stacks, of which one has a nested stack."""
    nested_template = NestedTemplate(
        "crd-x-upper-Nested",
        "upper.Nested.yaml",
        "ca-central-1",
        NESTED,
        "",
        ("Nested",),
        body=load(NESTED),
    )
    return markdown(
        [
            desired("lower", LOWER),
            desired("upper", UPPER, dependencies=("crd-x-lower",), nested=(nested_template,)),
        ]
    )


@pytest.mark.parametrize(
    "line",
    [
        "The lower stack.",
        "Depends on: nothing. Dependents: [upper](#upper).",
        "| S3::Bucket | 1 | Things |",
        "| Things | [upper](#upper) |",
        "| Rest | no stack. |",
        "Outlives the stack: `Things` (retained).",
        "Depends on: [lower](#lower). Dependents: none.",
        "| EC2::NatGateway | 2 | Gateway, Nested.Gateway |",
        "- 2 × NAT gateway, at 33: 66",
        "| [upper](#upper) | 66 |",
        "| all | 66 |",
    ],
)
def test_the_page_describes_the_stacks(page: str, line: str) -> None:
    """Each stack has its description, dependencies, resources, outputs, retained data and costs."""
    assert line in page.splitlines()


def test_the_page_is_fresh() -> None:
    """docs/layers.md is up to date: python -m tools.layers_page > docs/layers.md."""
    environment = project.environment(ENVIRONMENT)

    assert markdown(environment.desired) == (ROOT / "docs/layers.md").read_text()


def test_every_type_has_a_price_or_is_free() -> None:
    """A new resource type must be added to deployer/prices.py."""
    used = {
        resource["Type"]
        for environment in project.environments()
        for stack in environment.desired
        for resource in Stack(stack).resources.values()
    }

    assert set() == used - TYPES


def test_nothing_is_free_and_paid_for() -> None:
    """A free type has no price."""
    paid = {price.type for price in prices.PRICES} | prices.USAGE.keys()

    assert paid & prices.FREE == set()


def test_types_with_prices_are_types() -> None:
    """Each type exists in CloudFormation's registry."""
    assert [name for name in sorted(TYPES) if resource_type(name) is None] == []


TASK = {
    "Type": "AWS::ECS::TaskDefinition",
    "Properties": {
        "Cpu": "512",
        "Memory": "2048",
        "RuntimePlatform": {"CpuArchitecture": "ARM64"},
    },
}
TASKS = {
    "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
    "Properties": {"MinCapacity": 3},
}
DATABASE = {"DBInstanceClass": "db.t4g.small", "MultiAZ": True, "AllocatedStorage": "20"}


@pytest.mark.parametrize(
    ("type_", "properties", "counts"),
    [
        (
            "AWS::RDS::DBInstance",
            DATABASE,
            {"db.t4g.small": 2, "GiB of gp3 storage": 40, "secret of the master user": 1},
        ),
        ("AWS::RDS::DBInstance", DATABASE | {"MultiAZ": False}, {"db.t4g.small": 1}),
        (
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            {"Subnets": ["a", "b"]},
            {"public IPv4 address": 2},
        ),
        (
            "AWS::ECS::TaskDefinition",
            TASK["Properties"],
            {"Fargate vCPU (Arm)": 1.5, "GiB of Fargate memory (Arm)": 6},
        ),
    ],
)
def test_units_are_counted(type_: str, properties: Any, counts: dict[str, float]) -> None:
    """Instances and storage are doubled with Multi-AZ; tasks are counted by the MinCapacity of their scaling."""
    others = {"Task": TASK, "Tasks": TASKS}
    found = {
        price.unit: price.count(properties, others)
        for price in prices.PRICES
        if price.type == type_
    }

    assert counts.items() <= found.items()


@pytest.mark.parametrize("price", prices.PRICES, ids=lambda price: price.unit)
def test_a_price_has_a_source(price: prices.Price) -> None:
    """The page of AWS, the article that quotes it, and its date."""
    assert price.source.page.startswith("https://aws.amazon.com/")
    assert price.source.quoted_by.startswith("https://")
    assert price.source.as_of
