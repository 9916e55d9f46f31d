"""Certificates of stacks and their validation records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.emulator.templates import ref, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def certificate(domain: str, zone_id: str) -> dict[str, Any]:
    """Return a template of a certificate that is validated in a hosted zone."""
    option = {"DomainName": domain, "HostedZoneId": zone_id}
    certificate_ = resource(
        "AWS::CertificateManager::Certificate",
        DomainName=domain,
        ValidationMethod="DNS",
        DomainValidationOptions=[option],
    )
    return template(Certificate=certificate_) | {"Outputs": {"Arn": {"Value": ref("Certificate")}}}


def test_certificate(aws: Aws, domain: str) -> None:
    """The validation record of a certificate is in its zone; with a wrong zone the stack fails.

    AWS: AWS::CertificateManager::Certificate, DomainValidationOption. AWS waits before it fails.
    """
    zone = f"Z{aws.endpoint.account}"

    aws.deploy("s", certificate(f"api.{domain}", zone))
    wrong = [
        aws.deploy("wrong-domain", certificate("api.other.example", zone)),
        aws.deploy("wrong-zone", certificate(f"api.{domain}", "ZMISSING")),
    ]

    arn = aws.outputs("s")["Arn"]
    description = aws.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    record = description["DomainValidationOptions"][0]["ResourceRecord"]
    records = aws.client("route53").list_resource_record_sets(HostedZoneId=zone)
    assert record["Value"] in [
        existing["ResourceRecords"][0]["Value"]
        for existing in records["ResourceRecordSets"]
        if existing["Name"] == record["Name"]
    ]
    assert [stack["StackStatus"] for stack in wrong] == ["ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE"]
