"""docs/layers.md says what the templates say, and every resource has a price or is free."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deployer.model.desired import DesiredStack, NestedTemplate
from deployer.registry import resource_type
from deployer.template_yaml import load
from operations import project
from tools import prices
from tools.layers_page import ENVIRONMENT, Layer, markdown

ROOT = Path(__file__).parents[2]
TYPES = {price.type for price in prices.PRICES} | prices.BY_USE.keys() | prices.FREE

FLOOR = """\
Description: What all stand on.
Resources:
  Things:
    Type: AWS::S3::Bucket
    DeletionPolicy: RetainExceptOnCreate
Outputs:
  Things:
    Value: !Ref Things
    Export:
      Name: crd-x-floor-Things
  Rest:
    Value: !GetAtt Things.Arn
    Export:
      Name: crd-x-floor-Rest
"""
HOUSE = """\
Description: What stands on it.
Resources:
  Way:
    Type: AWS::EC2::NatGateway
    Properties:
      SubnetId: !ImportValue crd-x-floor-Things
"""
ATTIC = "Resources: {Light: {Type: 'AWS::EC2::NatGateway'}}"


def desired(layer: str, text: str, **more: Any) -> DesiredStack:
    """A stack of that text."""
    body = load(text)
    return DesiredStack(layer, f"crd-x-{layer}", "ca-central-1", text, "", body, **more)


@pytest.fixture(scope="module")
def page() -> str:
    """Of two layers, of which the upper one has a nested stack."""
    attic = NestedTemplate(
        "crd-x-house-Attic",
        "house.Attic.yaml",
        "ca-central-1",
        ATTIC,
        "",
        ("Attic",),
        body=load(ATTIC),
    )
    return markdown(
        [
            desired("floor", FLOOR),
            desired("house", HOUSE, dependencies=("crd-x-floor",), nested=(attic,)),
        ]
    )


@pytest.mark.parametrize(
    "line",
    [
        "What all stand on.",
        "Stands on: nothing. Carries: [house](#house).",
        "| S3::Bucket | 1 | Things |",
        "| Things | [house](#house) |",
        "| Rest | no stack. |",
        "Outlives the stack: `Things` (kept).",
        "Stands on: [floor](#floor). Carries: nothing.",
        "| EC2::NatGateway | 2 | Way, Attic.Light |",
        "- 2 × NAT gateway, at 33: 66",
        "| [house](#house) | 66 |",
        "| all | 66 |",
    ],
)
def test_what_it_says(page: str, line: str) -> None:
    """Of each layer: what it is, has, gives, keeps and costs."""
    assert line in page.splitlines()


def test_the_page_is_fresh() -> None:
    """docs/layers.md is made from the templates: python -m tools.layers_page > docs/layers.md."""
    environment = project.environment(ENVIRONMENT)

    assert markdown(environment.desired) == (ROOT / "docs/layers.md").read_text()


def test_every_type_has_a_price_or_is_free() -> None:
    """A new one says in tools/prices.py what it costs, in every environment."""
    used = {
        resource["Type"]
        for environment in project.environments()
        for one in environment.desired
        for resource in Layer(one).resources.values()
    }

    assert used - TYPES == set()


def test_nothing_is_free_and_paid_for() -> None:
    """Each type is in one of the lists, or in those two that add up."""
    paid = {price.type for price in prices.PRICES} | prices.BY_USE.keys()

    assert paid & prices.FREE == set()


def test_types_with_prices_are_types() -> None:
    """CloudFormation's registry knows each."""
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
ALARM = {"Metrics": [{"MetricStat": {}}, {"MetricStat": {}}, {"Expression": "a - b"}]}


@pytest.mark.parametrize(
    ("type_", "properties", "counts"),
    [
        (
            "AWS::RDS::DBInstance",
            DATABASE,
            {"db.t4g.small": 2, "GiB of disk": 40, "secret of the master": 1},
        ),
        ("AWS::RDS::DBInstance", DATABASE | {"MultiAZ": False}, {"db.t4g.small": 1}),
        ("AWS::CloudWatch::Alarm", ALARM, {"metric with an alarm": 2}),
        ("AWS::CloudWatch::Alarm", {}, {"metric with an alarm": 1}),
        (
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            {"Subnets": ["a", "b"]},
            {"load balancer": 1, "public IPv4 address": 2},
        ),
        (
            "AWS::ECS::TaskDefinition",
            TASK["Properties"],
            {"vCPU of Fargate on ARM": 1.5, "GiB of memory of Fargate on ARM": 6},
        ),
    ],
)
def test_what_is_counted(type_: str, properties: Any, counts: dict[str, float]) -> None:
    """Machines by zone, disks by size, tasks by the fewest that run, alarms by their metrics."""
    others = {"Task": TASK, "Tasks": TASKS}
    found = {
        price.what: price.count(properties, others)
        for price in prices.PRICES
        if price.type == type_
    }

    assert counts.items() <= found.items()
