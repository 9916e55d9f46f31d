"""Availability zones of a region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.emulator.templates import template, topic

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def test_zones(aws: Aws) -> None:
    """Templates and EC2's API list the zones of the region, which are not always a, b, c.

    AWS: ca-central-1 has a, b, d and us-east-1 has a to f ("Regions and Zones", EC2 user guide;
    which letters exist differs by account: these are those of new accounts, not verified).
    """
    outputs = {"Zones": {"Value": {"Fn::Join": [",", {"Fn::GetAZs": ""}]}}}
    aws.deploy("s", template(A=topic()) | {"Outputs": outputs})

    def listed(region: str) -> list[str]:
        zones = aws.client("ec2", region).describe_availability_zones()["AvailabilityZones"]
        return [zone["ZoneName"] for zone in zones]

    assert [f"ca-central-1{letter}" for letter in "abd"] == listed("ca-central-1")
    assert [f"us-east-1{letter}" for letter in "abcdef"] == listed("us-east-1")
    assert {"Zones": ",".join(listed("ca-central-1"))} == aws.outputs("s")
