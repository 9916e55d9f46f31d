"""Known and unknown Host headers."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

import emulator
from tests.emulator.access.attacker import (
    send,
    sign,
)

HOSTS = [
    "evil.example",
    "evil.example:{port}",
    "evil.localhost:{port}",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.0.0.1.evil.example:{port}",
    "localhost",
    "localhost.evil.example:{port}",
    "sts.amazonaws.com.evil.example",
    "evil-amazonaws.com",
    "unknown.cloudfront.net",
    "[::1]:{port}",
    "0.0.0.0:{port}",
    "127.1:{port}",
    "2130706433:{port}",
    "127.0.0.1:{port}@evil.example",
]


@pytest.mark.parametrize("host", HOSTS)
def test_dns_rebinding(endpoint: emulator.Endpoint, host: str) -> None:
    """An unknown Host is refused, also if the request is signed."""
    host = host.format(port=urlsplit(endpoint.url).port)
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    headers = sign(endpoint, "POST", "/", body, host=host)
    headers |= {"Content_Type": "application/x-www-form-urlencoded"}

    response = send(endpoint, "POST", "/", body, host, **headers)

    assert response.status == 403
    assert b"Host " in response.body


@pytest.mark.parametrize("host", ["localhost:{port}", "sts.ca-central-1.amazonaws.com"])
def test_known_hosts(endpoint: emulator.Endpoint, host: str) -> None:
    """Localhost and the names of AWS endpoints are accepted."""
    host = host.format(port=urlsplit(endpoint.url).port)
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    headers = sign(endpoint, "POST", "/", body, host=host)
    headers |= {"Content_Type": "application/x-www-form-urlencoded"}

    assert send(endpoint, "POST", "/", body, host, **headers).status == 200


def test_two_hosts(server: emulator.Endpoint) -> None:
    """A request with two Host headers is refused."""
    address = urlsplit(server.url).netloc
    text = f"GET / HTTP/1.1\r\nHost: {address}\r\nHost: evil.example\r\n\r\n"
    with socket.create_connection(tuple(address.split(":")), timeout=60) as connection:
        connection.sendall(text.encode())
        response = connection.recv(1024)

    assert response.startswith(b"HTTP/1.1 4")
