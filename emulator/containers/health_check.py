"""The health check of a container: a command that runs at intervals, and the status it determines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Status = Literal["UNKNOWN", "HEALTHY", "UNHEALTHY"]
SPEED = 6  # Intervals of health checks are this many times shorter than on AWS.
START_SPEED = 3  # Start and grace periods are this many times shorter.
FIRST_INTERVAL_SECONDS = 0.5  # Until the first success.


class RunningCheck(Protocol):
    """The running command of a health check."""

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""

    def kill(self) -> None:
        """Kill the command."""


@dataclass(frozen=True)
class HealthCheck:
    """The health check of a container, with shortened intervals and periods: see SPEED."""

    command: tuple[str, ...]
    interval_seconds: float = 30
    timeout_seconds: float = 5
    retries: int = 3
    start_period_seconds: float = 0

    @classmethod
    def of(cls, container: Mapping[str, Any]) -> HealthCheck | None:
        """Return the health check of a container definition, if it has one."""
        settings = container.get("healthCheck")
        if not settings:
            return None
        kind, *words = settings["command"]
        command = ("/bin/sh", "-c", *words) if kind == "CMD-SHELL" else tuple(words)
        return cls(
            command,
            interval_seconds=(settings.get("interval") or cls.interval_seconds) / SPEED,
            timeout_seconds=settings.get("timeout") or cls.timeout_seconds,
            retries=settings.get("retries") or cls.retries,
            start_period_seconds=(settings.get("startPeriod") or 0) / START_SPEED,
        )


@dataclass
class Health:
    """The health of a container that started at *started_at*, in seconds of any clock.

    Call `update` often with the time of that clock. It runs the command with *start_command*, and
    kills one that takes too long.
    """

    check: HealthCheck
    start_command: Callable[[tuple[str, ...]], RunningCheck]
    started_at: float
    status: Status = "UNKNOWN"
    _failures: int = 0
    _next: float = 0.0
    running: RunningCheck | None = None
    _deadline: float = 0.0

    def update(self, now: float) -> Status:
        """Return the status at the time *now*."""
        if self.running is None:
            if now >= self._next:
                self.running = self.start_command(self.check.command)
                self._deadline = now + self.check.timeout_seconds
        elif (code := self.running.poll()) is not None:
            self._record(now, succeeded=code == 0)
        elif now >= self._deadline:
            self.running.kill()
            self._record(now, succeeded=False)
        return self.status

    def close(self) -> None:
        """End a running check."""
        if self.running:
            self.running.kill()

    def _record(self, now: float, *, succeeded: bool) -> None:
        """Count consecutive failures; failures in the start period count only after a success."""
        self.running = None
        if succeeded:
            self.status, self._failures = "HEALTHY", 0
        elif self.status == "HEALTHY" or now - self.started_at >= self.check.start_period_seconds:
            self._failures += 1
            if self._failures >= self.check.retries:
                self.status = "UNHEALTHY"
        is_first = self.status == "UNKNOWN" and not self._failures
        self._next = now + (
            min(FIRST_INTERVAL_SECONDS, self.check.interval_seconds)
            if is_first
            else self.check.interval_seconds
        )
