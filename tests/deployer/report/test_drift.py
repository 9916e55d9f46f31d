"""Drift as text and JSON."""

from __future__ import annotations

from dataclasses import replace

from deployer.drift import DriftedResource, StackDrift
from deployer.report.drift import drift_data, drift_lines
from deployer.report.style import Style
from tests.deployer.test_drift import CHANGED, DELETED, ignore
from tests.fakes import REGION

DRIFT = StackDrift(
    "crd-x-cluster",
    "cluster",
    REGION,
    (DriftedResource(CHANGED), DriftedResource(DELETED, ("Inner",))),
    ("no permission for Role",),
    (ignore("/Tags"),),
)
CLEAN = replace(DRIFT, stack="crd-x-network", short_name="network", resources=(), errors=())


def test_drift_has_both_values_and_what_is_ignored() -> None:
    """Each difference has the expected and the actual value, or why it is ignored."""
    sources = {("crd-x-cluster", "Balancer"): "stacks/cluster.py:188"}

    assert [*drift_lines([CLEAN, DRIFT], sources, Style())] == [
        "drift: 2 resources changed outside of CloudFormation in 2 stacks",
        "cluster  crd-x-cluster",
        "  ! not checked: no permission for Role",
        f"  ~ Balancer  {CHANGED.type}  changed outside of CloudFormation  (stacks/cluster.py:188)",
        "      /LoadBalancerAttributes/0/Value: 60 → 120  # expected → actual",
        "      /Tags/1: (none) → {}  # ignored until 2027-01-01: changed by the load test",
        "  - Inner/Table  AWS::DynamoDB::Table  deleted outside of CloudFormation",
    ]


def test_json_has_the_same_content() -> None:
    """Each property has both values and the date until which it is ignored."""
    changed, deleted = drift_data(DRIFT)["resources"]

    assert changed["properties"][1] == {
        "property": "/Tags/1",
        "expected": None,
        "actual": "{}",
        "ignored_until": "2027-01-01",
    }
    assert (deleted["resource"], deleted["is_deleted"]) == ("Inner/Table", True)
