"""Liveness, which depends on no other service, and readiness, which depends on the database.

The load balancer checks liveness only. If it checked readiness, all tasks would be replaced whenever
the database is unavailable.
"""

from __future__ import annotations

import msgspec
from flask import Blueprint

from cruddur import services
from cruddur.endpoints import Access, endpoint
from cruddur.server import HEALTH_CHECK_PATH, READY_PATH
from cruddur.statements import Statement

blueprint = Blueprint("health", __name__)

_PING = Statement("health/sql/ping.sql")


class Health(msgspec.Struct, frozen=True):
    """The response to a health check, with the fields of the original application."""

    success: bool
    ver: int


class Ready(msgspec.Struct, frozen=True):
    """The response while the database is available; otherwise the status is 503."""

    ready: bool


@blueprint.get(HEALTH_CHECK_PATH)
@endpoint(Access.PUBLIC, tag="health")
def check() -> Health:
    """Report that the process handles requests."""
    return Health(success=True, ver=1)


@blueprint.get(READY_PATH)
@endpoint(Access.PUBLIC, tag="health")
def ready() -> Ready:
    """Report whether the database is available."""
    return Ready(services.current().database.one(_PING, {}, bool) is True)
