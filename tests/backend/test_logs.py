"""Tests of cruddur.logs."""

from __future__ import annotations

import io
import json
import logging
import uuid
from http import HTTPStatus
from logging.config import dictConfig

import pytest
from flask import request

from cruddur import logs
from cruddur.app import create_app
from cruddur.problems import ProblemError
from tests.backend.api import Api, token

SUB = str(uuid.uuid5(uuid.NAMESPACE_OID, "logs"))
SECRETS = ("Jane.Doe@example.com", "janes_secret", "4111-1111-1111-1111", "s3cr3t-cookie")


@pytest.fixture
def lines(monkeypatch):
    """A function that returns the lines that were logged so far."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonFormatter())
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [handler])
    level = root.level
    root.setLevel(logging.INFO)  # Unlike an assignment, it clears the cached levels of all loggers.
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.setLevel(level)


@pytest.fixture
def client(services, database):
    """A client of an application with an endpoint that fails with the data of its request."""
    app = create_app(services=services)

    @app.post("/broken/<name>")
    def broken(name):
        raise ValueError(f"{name} {request.get_data(as_text=True)}")

    return Api(app.test_client(), database)


def test_a_request_is_one_line(client, lines):
    """The line has the template of the route, and not the path."""
    client.get("/api/activities/@andrew?limit=1")

    [line] = lines()
    assert line.keys() == {
        *("time", "level", "logger", "message", "method", "route", "status", "duration_ms"),
        "request_id",
    }
    assert (line["level"], line["method"], line["route"], line["status"]) == (
        "INFO",
        "GET",
        "/api/activities/@<handle:handle>",
        404,
    )


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"Root=1-{'a' * 8}-{'b' * 24}", f"1-{'a' * 8}-{'b' * 24}"),
        (f"Root=1-{'a' * 8}-{'b' * 24};Self=1-{'c' * 8}-{'d' * 24}", f"1-{'c' * 8}-{'d' * 24}"),
    ],
)
def test_the_request_id_is_that_of_the_load_balancer(client, lines, header, expected):
    """The id is the field Self of the load balancer's header, or else the field Root."""
    response = client.get("/api/ready", headers={"X-Amzn-Trace-Id": header})

    assert [line["request_id"] for line in lines()] == [expected]
    assert response.headers["X-Request-Id"] == expected


@pytest.mark.parametrize("header", ["", "Root=1-x", f"Root={SECRETS[0]}", "Root=1-" + "a" * 9999])
def test_other_request_ids_are_replaced(client, lines, header):
    """An id of another form is replaced, so clients cannot write their own text into the log."""
    client.get("/api/ready", headers={"X-Amzn-Trace-Id": header})

    [line] = lines()
    assert str(uuid.UUID(line["request_id"])) == line["request_id"]


def test_successful_health_checks_are_not_logged(client, lines):
    """Successful health checks are not logged: there are thousands of them every day."""
    client.get("/api/health-check")

    assert lines() == []


def test_a_bug_is_logged_with_its_traceback(client, lines):
    """A bug has a line with the traceback, and both lines of the request have its id."""
    client.post("/broken/x", {})

    bug, request = lines()
    assert bug["errors"][0]["type"] == "ValueError"
    assert bug["errors"][0]["frames"][-1].endswith(" broken")
    assert (request["status"], request["level"]) == (500, "ERROR")
    assert bug["request_id"] == request["request_id"]


@pytest.mark.parametrize(
    "path",
    [
        f"/broken/{SECRETS[1]}",
        f"/api/activities/@{SECRETS[1]}",
        f"/api/activities/search?term={SECRETS[2]}",
        f"/{SECRETS[1]}",
        "/api/activities",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_personal_data_is_logged(client, lines, method, path):
    """Handles, terms, bodies, tokens, cookies and addresses are in no line."""
    bearer = token(SUB)
    client.send(
        method,
        path,
        json={"message": SECRETS[0], "ttl": SECRETS[2]},
        headers={
            "Authorization": f"Bearer {bearer}",
            "Cookie": SECRETS[3],
            "X-Forwarded-For": "::7",
        },
    )

    text = json.dumps(lines())
    assert lines()
    assert [secret for secret in (*SECRETS, bearer, SUB, "::7") if secret in text] == []


def test_parameters_of_sql_are_not_logged(services, database, lines):
    """Rows that an error of PostgreSQL quotes are not logged."""
    app = create_app(services=services)

    @app.get("/broken")
    def broken():
        with services.database.transaction() as transaction:
            transaction._connection.execute("SELECT %s::int", [SECRETS[0]])

    Api(app.test_client(), database).get("/broken")

    [bug, _] = lines()
    assert bug["errors"][0]["sqlstate"] == "22P02"
    assert SECRETS[0] not in json.dumps(lines())


def test_arguments_of_gunicorns_errors_are_not_logged(lines):
    """Arguments of gunicorn's errors, such as paths and client addresses, are not logged."""
    logging.getLogger("gunicorn.error").warning("Invalid request from ip=%s", SECRETS[0])

    assert [line["message"] for line in lines()] == ["Invalid request from ip=%s"]


def test_a_problem_is_not_an_error_of_the_server(services, database, lines):
    """A refused request is logged at INFO."""
    app = create_app(services=services)

    @app.get("/refused")
    def refused():
        raise ProblemError(HTTPStatus.CONFLICT, "No.")

    Api(app.test_client(), database).get("/refused")

    assert [(line["level"], line["status"]) for line in lines()] == [("INFO", 409)]


def test_libraries_log_nothing_below_info():
    """At DEBUG, libraries would log credentials and parameters; gunicorn's settings apply here."""
    settings = logs.config()
    before = logging.getLogger("gunicorn.error").handlers
    try:
        dictConfig(settings)
        assert not logging.getLogger("botocore.auth").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("psycopg").isEnabledFor(logging.DEBUG)
    finally:
        logging.getLogger().handlers.clear()
        logging.getLogger("gunicorn.error").handlers[:] = before


def test_fields_of_the_application_are_logged(lines):
    """A module of the application passes facts as `extra`; those of libraries are left out."""
    for name in ("cruddur.webhooks", "library"):
        logging.getLogger(name).warning("refused", extra={"reason": "Signature"})

    assert [line.get("reason") for line in lines()] == ["Signature", None]
