"""Write the validation records of certificates into their hosted zones."""

from __future__ import annotations

from emulator.ministack import services
from emulator.ministack.cloudformation import Created, Props, ResourceType
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "CloudFormation writes the validation records of a certificate into its hosted zone.",
        source="AWS::CertificateManager::Certificate, DomainValidationOption; the error for a "
        "wrong zone is not verified (AWS waits, then fails)",
        ministack="No records; any zone is accepted.",
        test="test_certificate",
    ),
    Difference(
        "A certificate is issued some minutes after its validation records are in the zone.",
        source="ACM user guide, DNS validation",
        ministack="Issued immediately.",
        consequence="A deployment that waits minutes for a certificate is not tested here.",
    ),
)
UPSTREAM = True

_CERTIFICATE = ResourceType("AWS::CertificateManager::Certificate")


def install() -> None:
    """Install the patch."""
    _CERTIFICATE.create.before(_check_zones)
    _CERTIFICATE.create.after(_write_records)


def _zones(props: Props) -> dict[str, str]:
    """Return the ids of the hosted zones for validation, by domain."""
    options = props.get("DomainValidationOptions") or []
    return {
        option["DomainName"]: option["HostedZoneId"]
        for option in options
        if option.get("HostedZoneId")
    }


def _check_zones(_title: str, props: Props, _stack: str) -> Created | None:
    """Raise ValueError immediately for a wrong zone; AWS waits until the validation times out."""
    for domain, zone_id in _zones(props).items():
        zone = services.zones.get(zone_id)
        if zone is None:
            raise ValueError(f"No hosted zone found with ID: {zone_id}")
        name = zone["name"].rstrip(".")
        if domain != name and not domain.endswith("." + name):
            raise ValueError(f"{domain} is not in the hosted zone {name}, so it is never validated")
    return None


def _write_records(created: Created, _title: str, props: Props, _stack: str) -> Created:
    zones = _zones(props)
    for option in services.certificates[created[0]]["DomainValidationOptions"]:
        if option["DomainName"] in zones:
            _write(option["ResourceRecord"], zones[option["DomainName"]])
    return created


def _write(record: dict[str, str], zone_id: str) -> None:
    """Add the record to the zone. As on AWS, it remains when the certificate is deleted."""
    records = services.records[zone_id]
    if not any(existing["Name"] == record["Name"] for existing in records):
        values = [record["Value"]]
        records.append(
            {"Name": record["Name"], "Type": "CNAME", "TTL": "300", "ResourceRecords": values}
        )
