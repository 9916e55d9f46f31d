"""Tests of cruddur.health.routes."""

from __future__ import annotations

from dataclasses import replace

from cruddur.app import create_app
from cruddur.database import Database
from tests.backend.api import problem


def test_liveness_is_the_response_of_the_original(api):
    """The path of the load balancer's check has the original's response."""
    response = api.get("/api/health-check")

    assert (response.status_code, response.json) == (200, {"success": True, "ver": 1})


def test_liveness_needs_no_database(services):
    """A process without a database is alive."""
    app = create_app(services=replace(services, database=unreachable()))

    assert app.test_client().get("/api/health-check").status_code == 200


def test_readiness_needs_the_database(api, services):
    """Readiness is 200 with the database, and 503 with Retry-After without it."""
    assert api.get("/api/ready").json == {"ready": True}
    app = create_app(services=replace(services, database=unreachable()))

    response = app.test_client().get("/api/ready")

    assert (problem(response), response.headers["Retry-After"]) == ((503, []), "2")


def unreachable() -> Database:
    return Database(lambda: {"host": "/nowhere", "connect_timeout": 1}, timeout_seconds=0.2)
