"""Tests of cruddur.security."""

from __future__ import annotations

import pytest

SITE = "https://cruddur.example"


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
@pytest.mark.parametrize("path", ["/api/activities/home", "/api/activities", "/unknown"])
def test_pages_of_the_site_may_read_responses(api, method, path):
    """Every response, also an error, may be read by pages of the site."""
    response = api.send(method, path, headers={"Origin": SITE})

    assert response.headers["Access-Control-Allow-Origin"] == SITE
    assert "Origin" in response.headers["Vary"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        f"{SITE}.evil.example",
        f"{SITE}:8443",
        "http://cruddur.example",
        "null",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_pages_of_other_sites_may_not(api, method, origin):
    """No other origin is allowed; the original echoed the origin of any POST."""
    response = api.send(method, "/api/activities/home", headers={"Origin": origin})

    assert not [name for name in response.headers.keys() if name.startswith("Access-Control")]  # noqa: SIM118
    assert "Origin" in response.headers["Vary"]


def test_preflight_requests(api):
    """A browser may send a token and JSON with every method of the API, but no cookies."""
    headers = {"Origin": SITE, "Access-Control-Request-Method": "PUT"}
    response = api.send("OPTIONS", "/api/profile/update", headers=headers)
    allowed = response.headers["Access-Control-Allow-Headers"].lower().split(", ")

    assert response.status_code == 200
    assert {"authorization", "content-type"} <= set(allowed)
    assert "PUT" in response.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize("path", ["/api/activities/home", "/unknown"])
def test_security_headers(api, path):
    """A browser neither guesses types, nor frames, caches or executes a response."""
    headers = api.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "max-age=" in headers["Strict-Transport-Security"]
