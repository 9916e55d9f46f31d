"""Requests to the targets of a load balancer: health, errors, connections and streams."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse
from typing import TYPE_CHECKING, Any

from tests.emulator.container_services import (
    Settings,
    Shop,
    deploy,
    image,
    push,
    stopped_service,
)
from tests.emulator.load_balancers import deploy_load_balancer

__all__ = ["stopped_service"]

if TYPE_CHECKING:
    from tests.emulator_server import Aws

PAGE = "<center><h1>{}</h1></center>"


def connect(aws: Aws) -> HTTPConnection:
    """Return a connection to the emulator."""
    return HTTPConnection(aws.endpoint.url.removeprefix("http://"), timeout=60)


def send_request(
    connection: HTTPConnection, host: str, path: str = "/", method: str = "GET", **options: Any
) -> HTTPResponse:
    """Send a request to the load balancer *host* and return the response with its body read."""
    headers = {"Host": host, **options.pop("headers", {})}
    connection.request(method, path, headers=headers, **options)
    return connection.getresponse()


@contextmanager
def fake_target(*responses: bytes) -> Iterator[int]:
    """Yield the port of a server that sends one of *responses* on each connection, in their order.

    An empty response closes the connection immediately; b"wait" delays it until the end of the block.
    """
    listener, ended = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve() -> None:
        for response in responses:
            connection, _ = listener.accept()
            connection.recv(65_536)
            if response == b"wait":
                ended.wait(60)
            with suppress(OSError):  # The load balancer does not wait any longer.
                connection.sendall(response)
            connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    ended.set()
    listener.close()


def test_errors(aws: Aws) -> None:
    """Without a target, or without a valid response in time, the load balancer responds with an error.

    AWS: Troubleshoot your Application Load Balancers.
    """
    free = socket.create_server(("127.0.0.1", 0))
    closed = free.getsockname()[1]
    free.close()
    found = []

    for number, responses in enumerate((None, (), (b"",), (b"nonsense\r\n\r\n",), (b"wait",))):
        account = aws
        with fake_target(*(responses or ())) as port:
            target = {0: None, 1: closed}.get(number, port)
            host = deploy_load_balancer(account, target, idle_seconds=1)
            connection = connect(account)
            response = send_request(connection, host)
            body = response.read().decode()
            found.append((response.status, response.getheader("Server"), body))
            connection.close()
        account.delete("s")

    assert [status for status, _, _ in found] == [503, 502, 502, 502, 504]
    assert {server for _, server, _ in found} == {"awselb/2.0"}
    titles = [
        "503 Service Temporarily Unavailable",
        *["502 Bad Gateway"] * 3,
        "504 Gateway Time-out",
    ]
    assert [
        PAGE.format(title) in body for title, (_, _, body) in zip(titles, found, strict=True)
    ] == [True] * 5


def test_health(aws: Aws) -> None:
    """Requests are sent to healthy targets only; DescribeTargetHealth returns the reason of others.

    AWS: load balancer user guide, Health checks for your target groups.
    """
    uri = push(aws, image())
    deploy(aws, Settings(uri, has_load_balancer=True, count=1))
    shop, elb = Shop(aws), aws.client("elbv2")
    [group] = elb.describe_target_groups()["TargetGroups"]

    def health() -> dict[str, str]:
        described = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
        return {
            found["TargetHealth"]["State"]: found["TargetHealth"].get("Description", "")
            for found in described["TargetHealthDescriptions"]
        }

    before = health()
    shop.update(
        taskDefinition=shop.register(uri, mode="unhealthy"), healthCheckGracePeriodSeconds=600
    )
    shop.wait_for(lambda _: "unhealthy" in health())
    during = health()
    host = aws.outputs("shop")["Dns"]
    connection = connect(aws)
    statuses = []
    for _ in range(4):
        response = send_request(connection, host, "/health")
        response.read()
        statuses.append(response.status)
    connection.close()
    shop.update(desiredCount=0)

    assert before == {"healthy": ""}
    assert during == {
        "healthy": "",
        "unhealthy": "Health checks failed with these codes: [500]",
    }
    assert statuses == [200] * 4


def test_kept_connections(aws: Aws) -> None:
    """Connections to a target are reused, requests arrive unchanged, and streams are not buffered.

    AWS: load balancer user guide, HTTP connections, HTTP headers and Application Load Balancers.
    """
    deploy(aws, Settings(push(aws, image()), has_load_balancer=True))
    host, connection = aws.outputs("shop")["Dns"], connect(aws)
    forwarded = {"X-Forwarded-For": "10.0.0.9", "Connection": "keep-alive"}

    echoed = [
        json.loads(send_request(connection, host, headers=forwarded).read()) for _ in range(2)
    ]
    posted = json.loads(send_request(connection, host, "/p?q=1", "POST", body="é".encode()).read())
    head = send_request(connection, host, "/", "HEAD")
    head.read()
    stream = send_request(connection, host, "/stream")
    first = stream.read1()
    other = connect(aws)
    send_request(other, host, "/continue").read()  # The target sends the rest after this request.
    rest = stream.read()
    connection.close()
    other.close()

    assert echoed[0]["client"] == echoed[1]["client"]
    headers = echoed[0]["headers"]
    assert ("10.0.0.9, 127.0.0.1", "http", "80", host) == (
        headers["x-forwarded-for"],
        headers["x-forwarded-proto"],
        headers["x-forwarded-port"],
        headers["host"],
    )
    assert headers["x-amzn-trace-id"].startswith("Root=1-")
    assert posted == {"body": "é", "path": "/p?q=1"}
    assert (head.status, head.getheader("Content-Length")) == (200, "5")
    assert stream.status == 200
    assert (first, rest) == (b"first", b"second")
