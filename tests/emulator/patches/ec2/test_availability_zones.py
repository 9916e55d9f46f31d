"""Availability zones of a region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.emulator.templates import template, topic

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def test_zones(aws: Aws) -> None:
    """Fn::GetAZs and EC2's API return the zones of the region, which are not always a, b, c.

    AWS: ca-central-1 has a, b, d and us-east-1 has a to f ("Regions and Zones", EC2 user guide;
    the letters differ between accounts; these are of new accounts, not verified).
    """
    outputs = {"Zones": {"Value": {"Fn::Join": [",", {"Fn::GetAZs": ""}]}}}
    aws.deploy("s", template(A=topic()) | {"Outputs": outputs})

    def zone_names(region: str) -> list[str]:
        zones = aws.client("ec2", region).describe_availability_zones()["AvailabilityZones"]
        return [zone["ZoneName"] for zone in zones]

    assert [f"ca-central-1{letter}" for letter in "abd"] == zone_names("ca-central-1")
    assert [f"us-east-1{letter}" for letter in "abcdef"] == zone_names("us-east-1")
    assert {"Zones": ",".join(zone_names("ca-central-1"))} == aws.outputs("s")
