"""Records of stacks: record set groups, and records outside their hosted zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.emulator.load_balancers import load_balancer
from tests.emulator.templates import resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def test_records(aws: Aws, domain: str) -> None:
    """A group of alias records is created in the zone, and is deleted with the stack.

    AWS: AWS::Route53::RecordSetGroup; alias to a load balancer.
    """
    aws.deploy("s", load_balancer(f"Z{aws.endpoint.account}", domain))

    def listed() -> list[tuple[str, str]]:
        zone_id = f"Z{aws.endpoint.account}"
        records = aws.client("route53").list_resource_record_sets(HostedZoneId=zone_id)
        return [
            (record["Name"], record["Type"])
            for record in records["ResourceRecordSets"]
            if "AliasTarget" in record
        ]

    before = listed()
    aws.delete("s")

    assert before == [(f"api.{domain}.", "A"), (f"api.{domain}.", "AAAA")]
    assert listed() == []


def test_record_outside_its_zone(aws: Aws, domain: str) -> None:
    """A record outside the domain of its hosted zone fails its stack.

    AWS: "RRSet with DNS name … is not permitted in zone …" (InvalidChangeBatch).
    """
    record = resource(
        "AWS::Route53::RecordSet",
        HostedZoneId=f"Z{aws.endpoint.account}",
        Name="api.other.example",
        Type="A",
        TTL="60",
        ResourceRecords=["192.0.2.1"],
    )

    stack = aws.deploy("s", template(Record=record))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(f"is not permitted in zone {domain}." in reason for *_, reason in aws.events("s"))
