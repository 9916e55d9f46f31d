"""Create hosted zones with given ids: AWS needs them before the first deployment."""

from __future__ import annotations

from typing import Any

from emulator.ministack import context, services


def create(request: dict[str, Any]) -> None:
    """Create those hosted zones in *request* that the account in *request* does not have yet."""
    with context.scope(request["account"], "us-east-1"):
        for zone_id, domain in request["hosted_zones"]:
            services.create_hosted_zone(zone_id, domain)
