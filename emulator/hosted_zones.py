"""Makes what an AWS account has by hand before the first deploy: hosted zones of a known id."""

from __future__ import annotations

from typing import Any

from emulator import ministack


def make(order: dict[str, Any]) -> None:
    """Make the hosted zones of *order* that the account does not have yet."""
    with ministack.scope(order["account"], "us-east-1"):
        for zone_id, domain in order["hosted_zones"]:
            ministack.make_hosted_zone(zone_id, domain)
