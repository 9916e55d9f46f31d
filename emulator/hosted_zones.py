"""Create hosted zones with given ids, as an operator has before the first deployment to AWS."""

from __future__ import annotations

from typing import Any

from emulator.ministack import context, services


def create(request: dict[str, Any]) -> None:
    """Create the hosted zones in *request* that its account does not have yet."""
    with context.scope(request["account"], "us-east-1"):
        for zone_id, domain in request["hosted_zones"]:
            services.create_hosted_zone(zone_id, domain)
