"""Availability zones are those the region has: not every region counts a, b, c."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator import ministack

LETTERS = {"ca-central-1": "abd", "us-east-1": "abcdef"}


def close() -> None:
    """Answer alike in templates (Fn::GetAZs) and in EC2's API."""
    ministack.wrap("_resolve_refs", _resolving)
    ministack.swap_ec2("DescribeAvailabilityZones", _describing)


def names(region: str) -> list[str]:
    """Return the zones of *region*, as EC2 lists them."""
    return [region + letter for letter in LETTERS.get(region, "abc")]


def _resolving(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def resolving(value: Any, *args: Any) -> Any:
        if isinstance(value, dict) and "Fn::GetAZs" in value:
            asked = resolve(value["Fn::GetAZs"], *args) or ministack.region()
            return names(asked) if asked == ministack.region() else []
        return resolve(value, *args)

    return resolving


def _describing(describe: Callable[..., ministack.Answer]) -> Callable[..., ministack.Answer]:
    def describing(params: ministack.Params) -> ministack.Answer:
        status, headers, body = describe(params)
        start, end = b"<availabilityZoneInfo>", b"</availabilityZoneInfo>"
        before, _, rest = body.partition(start)
        items, _, after = rest.partition(end)
        sample = items.partition(b"</item>")[0].decode() + "</item>"
        region = ministack.region()
        listed = "".join(_item(sample, region, i, z) for i, z in enumerate(names(region), start=1))
        return status, headers, before + start + listed.encode() + end + after

    return describing


def _item(sample: str, region: str, number: int, zone: str) -> str:
    """Return the item of *zone*, made from that of the region's zone a with id az1."""
    named = sample.replace(f"<zoneName>{region}a<", f"<zoneName>{zone}<")
    return named.replace("-az1<", f"-az{number}<")
