"""The health of a container."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.containers.health_check import Health, HealthCheck, RunningCheck

CHECK = HealthCheck(("check",), interval_seconds=10, timeout_seconds=5, retries=3)


@dataclass
class FakeCheck:
    """A check that ends with a code, or runs until it is killed."""

    code: int | None
    is_killed: bool = False

    def poll(self) -> int | None:
        """Return the code."""
        return self.code

    def kill(self) -> None:
        """Record the kill."""
        self.is_killed = True


def statuses(check: HealthCheck, *codes: int | None) -> list[str]:
    """Return the status after each check; None is a check that does not end."""
    checks = [FakeCheck(code) for code in codes]
    remaining = iter(checks)

    def start(_command: tuple[str, ...]) -> RunningCheck:
        return next(remaining)

    health, now, found = Health(check, start, started_at=0.0), 0.0, []
    while len(found) < len(checks):
        before = health.running
        health.update(now)
        if before is not None and health.running is None:
            found.append(health.status)
        now += 0.5
    assert [code is None for code in codes] == [check.is_killed for check in checks]
    return found


def test_retries() -> None:
    """A container is unhealthy after three failures in succession, and healthy after one success."""
    assert statuses(CHECK, 1, 1, 1) == ["UNKNOWN", "UNKNOWN", "UNHEALTHY"]
    assert statuses(CHECK, 0, 1, 1, 0) == ["HEALTHY", "HEALTHY", "HEALTHY", "HEALTHY"]


def test_start_period() -> None:
    """Failures in the start period do not count until the first success."""
    check = HealthCheck(("check",), 10, 5, retries=1, start_period_seconds=60)

    assert statuses(check, *[1] * 5) == ["UNKNOWN"] * 5
    assert statuses(check, 0, 1) == ["HEALTHY", "UNHEALTHY"]


def test_timeout() -> None:
    """A check that takes too long is killed and has failed."""
    found = statuses(HealthCheck(("check",), 10, 5, retries=1), None)

    assert found[-1] == "UNHEALTHY"


def test_definition() -> None:
    """The interval is a sixth of the defined one, the start period a third; CMD-SHELL runs a shell."""
    settings = {"command": ["CMD-SHELL", "a && b"], "interval": 30, "startPeriod": 60}

    assert HealthCheck(("/bin/sh", "-c", "a && b"), 5, 5, 3, 20) == HealthCheck.of(
        {"healthCheck": settings}
    )
    assert HealthCheck.of({}) is None
