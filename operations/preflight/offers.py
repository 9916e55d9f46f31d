"""Check what the region offers: availability zones, and the instance class of the database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from operations.preflight.checks import Finding, Planned

SUBNET, DATABASE = "AWS::EC2::Subnet", "AWS::RDS::DBInstance"


def zones(planned: Planned) -> Iterator[Finding]:
    """Find a region with fewer availability zones than `network.zones`."""
    needed = len({zone for zone in map(_zone_index, planned.of(SUBNET)) if zone is not None})
    available = _available_zones(planned) if needed else []
    if len(available) < needed:
        yield Finding(
            "manual",
            f"{planned.target.env.region} has {len(available)} availability zones, and the network"
            f" uses {needed}",
            "lower zones in [network], or choose another region",
        )


def database(planned: Planned) -> Iterator[Finding]:
    """Find an instance class and version that RDS does not offer in two zones of the region.

    A DB subnet group needs two zones, also without Multi-AZ (RDS user guide, DB subnet groups).
    """
    for instance in planned.of(DATABASE):
        properties = instance.properties
        class_, version = properties["DBInstanceClass"], str(properties["EngineVersion"])
        pages = (
            planned.target.client("rds")
            .get_paginator("describe_orderable_db_instance_options")
            .paginate(
                Engine=properties["Engine"],
                EngineVersion=version,
                DBInstanceClass=class_,
                Vpc=True,
            )
        )
        offered = {
            zone["Name"]
            for page in pages
            for option in page["OrderableDBInstanceOptions"]
            for zone in option["AvailabilityZones"]
        }
        if len(offered) < 2:  # two zones, as the docstring says
            yield Finding(
                "manual",
                f"RDS offers {class_} with PostgreSQL {version} in {len(offered)} zones of"
                f" {planned.target.env.region}",
                "choose another instance_class or engine_version in [database]",
            )


def _available_zones(planned: Planned) -> list[str]:
    response = planned.target.client("ec2").describe_availability_zones(
        Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}]
    )
    return [
        zone["ZoneName"] for zone in response["AvailabilityZones"] if zone["State"] == "available"
    ]


def _zone_index(subnet: Any) -> int | None:
    """Return the index that the template selects from the list of zones."""
    match subnet.properties.get("AvailabilityZone"):
        case {"Fn::Select": [index, _]}:
            return int(index)
        case _:
            return None
