"""The stacks of an environment with fixed settings of monitoring."""

from __future__ import annotations

import json
from functools import cache

from msgspec.structs import replace

from deployer.model import Layers
from stacks import Config, layers, monitoring
from tests.stacks.templates import CODE, Emitted

SETTINGS = monitoring.Settings(
    monthly_budget_usd=300,
    server_errors=5,
    latency_ms=1000,
    api_latency_ms=3000,
    database_connections=160,
    database_free_gib=2,
)


@cache
def all_stacks(config: Config) -> Layers:
    """Return all stacks of *config*, with fixed settings of monitoring."""
    return layers(replace(config, monitoring=SETTINGS), CODE)


def monitoring_of(stacks: Layers) -> Emitted:
    """Return the monitoring stack of *stacks*."""
    (found,) = (stack for stack in stacks if stack.short_name == "monitoring")
    return Emitted(found, json.loads(found.template.to_json()))
