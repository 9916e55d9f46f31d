"""The past operations of stacks and the releases of services, as text and JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from deployer.history import PastOperation
from deployer.report import PastRelease, history_json, history_text

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
END = datetime(2026, 1, 2, 3, 8, 5, tzinfo=UTC)
OPERATIONS = [
    PastOperation("crd-x-a", "r", "update", START, None, "UPDATE_IN_PROGRESS"),
    PastOperation("crd-x-a", "r", "update", START, END, "UPDATE_ROLLBACK_COMPLETE", "Vpc: no room"),
    PastOperation("crd-x-network", "r", "create", START, END, "CREATE_COMPLETE"),
]
RELEASES = [
    PastRelease("crd-x-service", "sha256:b", END, "./inv service.release --image=sha256:b"),
    PastRelease("crd-x-service", "sha256:a", START, "./inv service.release --image=sha256:a"),
]


def test_the_text() -> None:
    """The operations are a table; the command releases the image before the current one."""
    assert history_text(OPERATIONS, RELEASES) == (
        "start (UTC)          stack          operation  duration    outcome\n"
        "2026-01-02 03:04:05  crd-x-a        update     -           running\n"
        "2026-01-02 03:04:05  crd-x-a        update     4 min 00 s  rolled back  Vpc: no room\n"
        "2026-01-02 03:04:05  crd-x-network  create     4 min 00 s  succeeded\n"
        "images of crd-x-service:\n"
        "  2026-01-02 03:08:05  sha256:b  (current)\n"
        "  2026-01-02 03:04:05  sha256:a\n"
        "  to roll back: ./inv service.release --image=sha256:a\n"
    )


def test_without_operations() -> None:
    """An environment without stacks has no history."""
    assert history_text([], []) == "no operation is recorded\n"


def test_the_json() -> None:
    """A running operation has neither an end nor a duration."""
    document = json.loads(history_json(OPERATIONS, RELEASES))

    assert document["operations"][0]["duration_seconds"] is None
    assert document["operations"][1] == {
        "stack": "crd-x-a",
        "region": "r",
        "operation": "update",
        "started_at": "2026-01-02T03:04:05+00:00",
        "ended_at": "2026-01-02T03:08:05+00:00",
        "duration_seconds": 240.0,
        "status": "UPDATE_ROLLBACK_COMPLETE",
        "outcome": "rolled back",
        "cause": "Vpc: no room",
    }
    assert document["releases"][1] == {
        "stack": "crd-x-service",
        "image": "sha256:a",
        "released_at": "2026-01-02T03:04:05+00:00",
        "command": "./inv service.release --image=sha256:a",
    }
