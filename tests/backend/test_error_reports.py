"""Tests of cruddur.error_reports, with a loop-back API of Rollbar."""

from __future__ import annotations

import json
import logging

import pytest
import rollbar

from cruddur import error_reports
from cruddur.app import create_app
from tests.loopback import Loopback, Response

SECRETS = ("jane@example.com", "a-secret-token", "hidden", "10.1.2.3")
VARIABLES = {"ROLLBAR_ACCESS_TOKEN": "token", "FRONTEND_URL": "https://cruddur.example"}


@pytest.fixture
def reports(monkeypatch):
    """The requests that Rollbar received."""
    monkeypatch.setattr(logging.getLogger("cruddur"), "handlers", [])
    monkeypatch.setattr(rollbar, "_initialized", False)
    with Loopback() as server:
        server.on("POST", Response('{"err": 0, "result": {}}'))
        error_reports.start(VARIABLES, endpoint=f"{server.url}/")
        yield server.requests
        rollbar.events.reset()


def test_a_bug_is_reported_without_personal_data(reports, services, database):
    """A report has types and frames; it has no message, header, body, address or variable."""
    app = create_app(services=services)

    @app.post("/broken/<name>")
    def broken(name):
        try:
            return {}[SECRETS[0]]
        except KeyError as error:
            raise ValueError(f"{name} {SECRETS[0]}") from error

    headers = {"Authorization": f"Bearer {SECRETS[1]}", "X-Forwarded-For": SECRETS[3]}
    app.test_client().post(
        f"/broken/{SECRETS[2]}?q={SECRETS[2]}", json={"message": SECRETS[0]}, headers=headers
    )
    rollbar.wait()

    [request] = reports
    report = request.body.decode()
    chain = json.loads(report)["data"]["body"]["trace_chain"]
    assert [link["exception"]["class"] for link in chain] == ["ValueError", "KeyError"]
    assert chain[0]["frames"][-1]["method"] == "broken"
    assert [secret for secret in SECRETS if secret in report] == []


def test_a_refused_request_is_not_reported(reports, services, database):
    """Errors of clients are not errors of the application."""
    create_app(services=services).test_client().post("/api/activities", json={})
    rollbar.wait()

    assert reports == []


def test_nothing_is_reported_without_a_token(monkeypatch):
    """The library is optional, and is not even configured."""
    logger = logging.getLogger("cruddur")
    monkeypatch.setattr(logger, "handlers", [])

    error_reports.start({})

    assert logger.handlers == []
