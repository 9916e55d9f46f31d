"""A running server while DynamoDB throttles, and afterwards."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.backend.process.conftest import UserPool
from tests.backend.process.servers import Response, Server, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cruddur.messages.table import Table
    from tests.backend.api import Member
    from tests.backend.clusters import Cluster
    from tests.emulator_server import Aws

pytestmark = pytest.mark.thorough


@pytest.fixture
def throttle(tmp_path: Path) -> Path:
    """The file that makes DynamoDB throttle while it has content."""
    return tmp_path / "throttle"


@pytest.fixture
def running(
    postgres: Cluster, aws: Aws, table: Table, throttle: Path, tmp_path: Path
) -> Iterator[Server]:
    """A server with the table of the test."""
    variables = {
        "TEST_POSTGRES": str(postgres.folder),
        "TEST_THROTTLE": str(throttle),
        "AWS_ENDPOINT_URL_DYNAMODB": aws.endpoint.url,
        "AWS_ACCESS_KEY_ID": aws.endpoint.access_key,
        "AWS_SECRET_ACCESS_KEY": aws.endpoint.secret_key,
        "DDB_MESSAGE_TABLE": table.name,
    }
    with UserPool() as pool, started(tmp_path, **variables, TEST_POOL=pool.url) as server:
        yield server


def send(server: Server, sender: Member, text: str, key: str | None = None) -> Response:
    """Send a message to Bayko."""
    body: dict[str, Any] = {"handle": "bayko", "message": text, "idempotency_key": key}
    return server.send("POST", "/api/messages", body, sender.headers)


def texts(server: Server, reader: Member, conversation: str) -> list[str]:
    """Return the texts of a conversation, the newest first."""
    response = server.get(f"/api/messages/{conversation}?limit=100", reader.headers)
    assert response.status == 200, response
    return [item["message"] for item in response.json["items"]]


def test_requests_during_throttling(
    running: Server, throttle: Path, andrew: Member, bayko: Member
) -> None:
    """Messages get 503 with Retry-After, posts and liveness work; a retry sends the message once."""
    first, key = send(running, andrew, "one"), str(uuid.uuid4())
    throttle.write_text("on")
    refused = send(running, andrew, "two", key)
    read = running.get("/api/message_groups", andrew.headers)
    others = [running.get(path).status for path in ("/api/activities/home", "/api/health-check")]
    throttle.write_text("")
    repeated = [send(running, andrew, "two", key).status for _ in range(2)]

    assert [response.status for response in (first, refused, read)] == [200, 503, 503]
    assert {response.headers["retry-after"] for response in (refused, read)} == {"2"}
    assert others == [200, 200]
    assert repeated == [200, 200]
    assert texts(running, bayko, first.json["message_group_uuid"]) == ["two", "one"]


def test_no_acknowledged_message_is_lost(
    running: Server, throttle: Path, andrew: Member, bayko: Member
) -> None:
    """Under load, each acknowledged message is stored once, and no refused one."""
    conversation = send(running, andrew, "first").json["message_group_uuid"]

    def attempt(number: int) -> tuple[str, int]:
        if number % 8 == 0:
            throttle.write_text("on" if number % 16 else "")
        text = f"{number}"
        return text, send(running, andrew, text, str(uuid.uuid4())).status

    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(attempt, range(1, 49)))
    throttle.write_text("")

    acknowledged = sorted(text for text, status in results if status == 200)
    assert {status for _, status in results} == {200, 503}
    assert sorted(texts(running, bayko, conversation)) == sorted([*acknowledged, "first"])
