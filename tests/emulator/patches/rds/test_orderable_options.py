"""RDS offers current instance classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def test_a_current_class(aws: Aws) -> None:
    """A class of a current generation is offered in two zones; an unknown one is not.

    AWS: DescribeOrderableDBInstanceOptions.
    """
    options = {
        class_: aws.client("rds").describe_orderable_db_instance_options(
            Engine="postgres", EngineVersion="18.6", DBInstanceClass=class_
        )["OrderableDBInstanceOptions"]
        for class_ in ("db.t4g.small", "db.t3.micro", "db.x9.huge")
    }

    zones = {
        class_: [zone["Name"] for option in found for zone in option["AvailabilityZones"]]
        for class_, found in options.items()
    }
    two = ["ca-central-1a", "ca-central-1b"]
    assert zones == {"db.t4g.small": two, "db.t3.micro": two, "db.x9.huge": []}
    assert options["db.t4g.small"][0]["DBInstanceClass"] == "db.t4g.small"
