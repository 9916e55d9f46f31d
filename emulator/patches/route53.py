"""Route 53: groups of records, and records only inside their zone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from emulator import ministack
from emulator.ministack import Props

Made = tuple[str, dict[str, str]]

_RECORD = "AWS::Route53::RecordSet"
_ZONE = ("HostedZoneId", "HostedZoneName")


def close() -> None:
    """Make a group of the emulator's own records, and refuse what Route 53 refuses."""
    ministack.wrap_type(_RECORD, "create", _inside_its_zone)
    ministack.TYPES["AWS::Route53::RecordSetGroup"] = {
        "create": _create,
        "update": _update,
        "delete": _delete,
    }


def _inside_its_zone(create: Callable[..., Made]) -> Callable[..., Made]:
    def creating(title: str, props: Props, stack: str) -> Made:
        name = props["Name"].rstrip(".").lower() + "."
        zone_id = str(props.get("HostedZoneId", "")).rpartition("/")[2]
        zone = ministack.store(ministack.route53, "_zones").get(zone_id)
        if zone and name != zone["name"] and not name.endswith("." + zone["name"]):
            message = f"RRSet with DNS name {name} is not permitted in zone {zone['name']}"
            raise ValueError(message)
        return create(title, props, stack)

    return creating


def _create(title: str, props: Props, stack: str) -> Made:
    made: list[Props] = []
    try:
        for record in _records(props):
            ministack.TYPES[_RECORD]["create"](title, record, stack)
            made.append(record)
    except ValueError:
        for record in made:  # All of a group or nothing: it is one change batch.
            ministack.TYPES[_RECORD]["delete"](record["Name"], record)
        raise
    return f"{stack}-{title}", {"Id": f"{stack}-{title}"}


def _update(name: str, old: Props, new: Props, stack: str) -> Made:
    _delete(name, old)
    try:
        _create(name, new, stack)
    except ValueError:
        _create(name, old, stack)
        raise
    return name, {"Id": name}


def _delete(_name: str, props: Props) -> None:
    for record in _records(props):
        ministack.TYPES[_RECORD]["delete"](record["Name"], record)


def _records(props: Props) -> Iterator[Props]:
    zone: Props = {key: props[key] for key in _ZONE if key in props}
    for record in props.get("RecordSets", []):
        yield {**zone, **record}
