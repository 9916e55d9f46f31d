"""Return the availability zones of a region: not every region has the zones a, b and c."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.ministack import cloudformation, context, services
from emulator.ministack.context import Params, Response
from emulator.ministack.hooks import Function
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "The availability zones depend on the region: ca-central-1 has a, b, d; us-east-1 has a to f.",
        source="EC2 user guide, Regions and Zones; the letters differ between accounts, and were not verified",
        ministack="a, b, c in every region.",
        test="test_zones",
    ),
)
UPSTREAM = True

LETTERS = {"ca-central-1": "abd", "us-east-1": "abcdef"}

_describe_zones: Function[[Params], Response] = Function(
    "DescribeAvailabilityZones", services.ec2_actions
)


def install() -> None:
    """Install the patch, for templates (Fn::GetAZs) and for EC2's API."""
    cloudformation.resolve.around(_resolve)
    _describe_zones.after(_replace_zones)


def names(region: str) -> list[str]:
    """Return the availability zones of *region*, as EC2 lists them."""
    return [region + letter for letter in LETTERS.get(region, "abc")]


def _resolve(resolve: Callable[..., Any], value: Any, *args: Any) -> Any:
    if isinstance(value, dict) and "Fn::GetAZs" in value:
        region = resolve(value["Fn::GetAZs"], *args) or context.region()
        return names(region) if region == context.region() else []
    return resolve(value, *args)


def _replace_zones(response: Response, _params: Params) -> Response:
    status, headers, body = response
    start, end = b"<availabilityZoneInfo>", b"</availabilityZoneInfo>"
    before, _, rest = body.partition(start)
    items, _, after = rest.partition(end)
    sample = items.partition(b"</item>")[0].decode() + "</item>"
    region = context.region()
    zones = "".join(
        _item(sample, region, number, zone) for number, zone in enumerate(names(region), start=1)
    )
    return status, headers, before + start + zones.encode() + end + after


def _item(sample: str, region: str, number: int, zone: str) -> str:
    """Return the XML item of *zone*; *sample* is the item of the zone with the letter a and the id az1."""
    item = sample.replace(f"<zoneName>{region}a<", f"<zoneName>{zone}<")
    return item.replace("-az1<", f"-az{number}<")
