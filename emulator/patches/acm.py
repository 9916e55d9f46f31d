"""A certificate is validated by records that CloudFormation writes into the hosted zone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator import ministack
from emulator.ministack import Props

Made = tuple[str, dict[str, Any]]


def close() -> None:
    """Write the records, and fail at once where AWS would wait for them in vain."""
    ministack.wrap_type("AWS::CertificateManager::Certificate", "create", _validated)


def _validated(create: Callable[..., Made]) -> Callable[..., Made]:
    def creating(title: str, props: Props, stack: str) -> Made:
        zones = {one["DomainName"]: one["HostedZoneId"] for one in _options(props)}
        for domain, zone in zones.items():
            _refuse_outside(domain, zone)
        made, attributes = create(title, props, stack)
        for option in ministack.store(ministack.acm, "_certificates")[made][
            "DomainValidationOptions"
        ]:
            if option["DomainName"] in zones:
                _write(option["ResourceRecord"], zones[option["DomainName"]])
        return made, attributes

    return creating


def _options(props: Props) -> list[dict[str, str]]:
    given = props.get("DomainValidationOptions") or []
    return [one for one in given if one.get("HostedZoneId")]


def _refuse_outside(domain: str, zone_id: str) -> None:
    zone = ministack.store(ministack.route53, "_zones").get(zone_id)
    if zone is None:
        raise ValueError(f"No hosted zone found with ID: {zone_id}")
    name = zone["name"].rstrip(".")
    if domain != name and not domain.endswith("." + name):
        raise ValueError(f"{domain} is not in the hosted zone {name}, so it is never validated")


def _write(record: dict[str, str], zone_id: str) -> None:
    """Write the record as Route 53 keeps it. Like AWS's, it outlives the certificate."""
    records = ministack.store(ministack.route53, "_records")[zone_id]
    if not any(kept["Name"] == record["Name"] for kept in records):
        values = [record["Value"]]
        kept = {"Name": record["Name"], "Type": "CNAME", "TTL": "300", "ResourceRecords": values}
        records.append(kept)
