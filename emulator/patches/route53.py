"""Add record set groups, and refuse a record outside the domain of its hosted zone."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.ministack import cloudformation, services
from emulator.ministack.cloudformation import Created, Props, ResourceType
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "The records of a RecordSetGroup are created in the hosted zone.",
        source="AWS::Route53::RecordSetGroup",
        ministack="Unknown type.",
        test="test_records",
    ),
    Difference(
        "The name of a record must be in the domain of its hosted zone.",
        source="Route 53 error InvalidChangeBatch",
        ministack="Accepted.",
        test="test_record_outside_its_zone",
    ),
)
UPSTREAM = True

_RECORD_SET = ResourceType("AWS::Route53::RecordSet")
_ZONE = ("HostedZoneId", "HostedZoneName")


def install() -> None:
    """Install the patch."""
    _RECORD_SET.create.before(_check_domain)
    cloudformation.add_type(
        "AWS::Route53::RecordSetGroup", create=_create, update=_update, delete=_delete
    )


def _check_domain(_title: str, props: Props, _stack: str) -> Created | None:
    name = props["Name"].rstrip(".").lower() + "."
    zone_id = str(props.get("HostedZoneId", "")).rpartition("/")[2]
    zone = services.zones.get(zone_id)
    if zone and name != zone["name"] and not name.endswith("." + zone["name"]):
        message = f"RRSet with DNS name {name} is not permitted in zone {zone['name']}"
        raise ValueError(message)
    return None


def _create(title: str, props: Props, stack: str) -> Created:
    """Create all records or none: a group is one change batch."""
    created: list[Props] = []
    try:
        for record in _records(props):
            _RECORD_SET.create(title, record, stack)
            created.append(record)
    except ValueError:
        for record in created:
            _RECORD_SET.delete(record["Name"], record)
        raise
    return f"{stack}-{title}", {"Id": f"{stack}-{title}"}


def _update(name: str, old: Props, new: Props, stack: str) -> Created:
    _delete(name, old)
    try:
        _create(name, new, stack)
    except ValueError:
        _create(name, old, stack)
        raise
    return name, {"Id": name}


def _delete(_name: str, props: Props) -> None:
    for record in _records(props):
        _RECORD_SET.delete(record["Name"], record)


def _records(props: Props) -> Iterator[Props]:
    zone: Props = {key: props[key] for key in _ZONE if key in props}
    for record in props.get("RecordSets", []):
        yield {**zone, **record}
