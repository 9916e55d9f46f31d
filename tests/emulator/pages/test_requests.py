"""Requests for a page, and the key of the outbox."""

from __future__ import annotations

import pytest

from emulator.access.request import Request
from emulator.pages import requests

SECRET = "s" * 40


def request(path: str = "/", query: str = "", method: str = "GET", **headers: str) -> Request:
    """Return the request of a browser."""
    sent = {"host": "127.0.0.1:4566", "accept": "text/html"} | headers
    return Request(method, path, path, query, tuple(sent.items()))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (request(), True),
        (request(method="HEAD"), True),
        (request(host="proxy.example"), True),  # Access control has allowed this host.
        (request("/_emulator/outbox", "key=x"), True),
        (request(method="POST"), False),
        (request("/bucket"), False),
        (request(query="list-type=2"), False),
        (request(accept="*/*"), False),
        (request(host="s3.ca-central-1.amazonaws.com"), False),
        (request(authorization="AWS4-HMAC-SHA256 x"), False),
        (request(**{"x-amz-target": "x"}), False),
    ],
)
def test_requests_for_a_page(found: Request, expected: bool) -> None:
    """Only the plain GET of a browser is for a page."""
    assert requests.is_page(found) == expected


def test_the_key() -> None:
    """The key depends on the secret, and does not contain it."""
    path, _, query = requests.outbox_path(SECRET).partition("?")

    assert path == "/_emulator/outbox"
    assert requests.has_key(request(path, query), SECRET)
    assert not requests.has_key(request(path, query), "t" * 40)
    assert not requests.has_key(request(path), SECRET)
    assert SECRET not in query
