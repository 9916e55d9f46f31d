"""Tests of cruddur.problems."""

from __future__ import annotations

import pytest

from cruddur.app import create_app
from tests.backend.api import problem


@pytest.fixture
def failing(services):
    """A client of an application with an endpoint that has a bug."""
    app = create_app(services=services)

    @app.get("/bug")
    def bug():
        raise ValueError("secret of the implementation")

    return app.test_client()


def test_a_bug_is_logged_and_not_described(failing, caplog):
    """The client receives a problem without the traceback, which is in the log."""
    response = failing.get("/bug")

    assert problem(response) == (500, [])
    assert b"secret" not in response.data
    assert "secret of the implementation" in caplog.text


def test_the_shape_of_a_problem(api):
    """A problem has the members of RFC 9457, and the errors of fields."""
    assert api.get("/unknown").json == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no such path.",
        "errors": [],
    }


def test_a_head_request_has_no_body(api):
    """HEAD has the headers of GET, and no body."""
    response = api.send("HEAD", "/api/activities/home")

    assert (response.status_code, response.data) == (200, b"")
