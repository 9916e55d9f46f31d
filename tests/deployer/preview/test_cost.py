"""Differences in monthly cost."""

from __future__ import annotations

from typing import Any

from deployer.preview.cost import cost_difference
from tests.deployer.preview.reviewed_stacks import resources, tree

GATEWAY = ("AWS::EC2::NatGateway", {})


def database(class_: Any) -> dict[str, Any]:
    """Return a template with a database of this class."""
    properties = {"DBInstanceClass": class_, "MultiAZ": False, "AllocatedStorage": "20"}
    return resources(Database=("AWS::RDS::DBInstance", properties))


def test_a_gateway_costs_about_33_dollars() -> None:
    """The difference is the price of added or removed resources, also in nested templates."""
    assert cost_difference(None, tree(resources(A=GATEWAY))) == 32.85
    assert cost_difference(tree(resources(A=GATEWAY)), None) == -32.85
    assert cost_difference(tree({}), tree({}, Inner=resources(A=GATEWAY))) == 32.85


def test_a_larger_class_costs_more() -> None:
    """The cost of a database depends on its class."""
    small, medium = tree(database("db.t4g.small")), tree(database("db.t4g.medium"))

    assert cost_difference(small, medium) == 24.09


def test_an_unknown_number_of_units_does_not_count() -> None:
    """A resource with a reference in place of its class has no price; other resources still count."""
    body = {
        "Resources": {
            **database({"Ref": "Class"})["Resources"],
            "Balancer": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer"},
        }
    }

    assert cost_difference(None, tree(body)) == 2.7
