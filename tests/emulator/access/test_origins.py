"""Requests of web pages that do not belong to the local site."""

from __future__ import annotations

import json
from itertools import product
from urllib.parse import urlencode

import pytest

import emulator
from tests.emulator.access.attacker import (
    EVIL,
    REGION,
    send,
    sign,
)
from tests.emulator.templates import parameter, template
from tests.emulator_server import Aws

ORIGINS = (EVIL, "null", "", "http://localhost:3000")


def test_simple_form(aws: Aws) -> None:
    """Requests that any page can send without a preflight are refused."""
    aws.deploy("before", template(One=parameter("1")))
    slow = json.dumps({"account": aws.endpoint.account, "seconds": 600}).encode()
    attempts = (
        ("/_ministack/reset", b""),
        ("/_emulator/resource-delay", slow),
        ("/_ministack/config", b'{"lambda_svc.LAMBDA_EXECUTOR": "docker"}'),
        ("/", b"Action=DeleteStack&StackName=before&Version=2010-05-15"),
    )

    for kind, origin in product(("text/plain", "application/x-www-form-urlencoded", ""), ORIGINS):
        headers = ({"Content_Type": kind} if kind else {}) | ({"Origin": origin} if origin else {})
        for path, body in attempts:
            response = send(aws.endpoint, "POST", path, body, **headers)
            assert response.status == 403
            assert "access-control-allow-origin" not in response.headers

    assert aws.stack("before")["StackStatus"] == "CREATE_COMPLETE"
    after = aws.deploy("after", template(Two=parameter("2")))  # It would time out with a delay.
    assert after["StackStatus"] == "CREATE_COMPLETE"


def test_preflight(endpoint: emulator.Endpoint) -> None:
    """A preflight of a foreign page gets no CORS headers, on any path."""
    preflight = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "x"}
    for path in (
        "/",
        "/bucket/key",
        "/_emulator/resource-delay",
        "/_ministack/reset",
        "/_aws/execute-api/x/y",
    ):
        response = send(endpoint, "OPTIONS", path, Origin=EVIL, **preflight)
        assert response.status == 403
        assert [name for name in response.headers if name.startswith("access-control")] == []


@pytest.mark.parametrize("path", ["/_ministack/rds/iam-auth", "/_ministack/reset", "/_alb/x/"])
def test_preflight_of_an_allowed_origin(endpoint: emulator.Endpoint, path: str) -> None:
    """A preflight of an allowed origin does not reach MiniStack's own endpoints."""
    origin = "http://localhost:4567"
    emulator.allow(endpoint, origins=[origin])
    headers = {"Origin": origin, "Access_Control_Request_Method": "POST"}

    response = send(endpoint, "OPTIONS", path, b"{}", **headers)

    assert (response.status, b"needs a signature" in response.body) == (403, True)


def test_signed_request_of_a_foreign_page(aws: Aws) -> None:
    """A foreign page is refused even if its request is signed."""
    headers = sign(aws.endpoint, "GET", "/", service="sts")

    response = send(aws.endpoint, "GET", "/", Origin=EVIL, **headers)

    assert response.status == 403
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 404),
        ({"Sec_Fetch_Site": "none"}, 404),
        ({"Sec_Fetch_Site": "same-origin"}, 404),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
    ],
)
def test_requests_without_origin(aws: Aws, headers: dict[str, str], status: int) -> None:
    """An image or script of a foreign page is refused, also where no credentials are needed."""
    link = urlencode({
        "Action": "ConfirmSubscription",
        "TopicArn": f"arn:aws:sns:{REGION}:{aws.endpoint.account}:none",
        "Token": "x",
    })  # fmt: skip

    assert status == send(aws.endpoint, "GET", f"/?{link}", **headers).status


def test_websocket(server: emulator.Endpoint) -> None:
    """A WebSocket handshake is refused: browsers allow any page to send one, without CORS."""
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
    key = {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}

    for path in ("/", "/_aws/execute-api/00000000/x"):
        assert send(server, "GET", path, Origin=EVIL, **upgrade, **key).status == 403
