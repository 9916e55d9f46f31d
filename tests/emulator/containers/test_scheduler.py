"""The scheduler of services, without any task."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.containers.scheduler import Scheduler
from emulator.containers.service import Service
from emulator.containers.task import Machine

MACHINE = Machine(Path("images"), Path("packages"), port=1, telemetry_port=2)


@pytest.mark.parametrize(("status", "expected"), [("ACTIVE", False), ("INACTIVE", True)])
def test_steady(status: str, *, expected: bool) -> None:
    """A service that is not steady is polled often, unless it was deleted."""
    service = Service({"status": status})
    scheduler = Scheduler(
        MACHINE,
        create_records=lambda _request: [],
        save=lambda: None,
        services={("123456789012", "ca-central-1", "main/shop"): service},
    )

    assert expected == scheduler.is_steady
