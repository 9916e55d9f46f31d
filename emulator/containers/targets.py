"""The tasks that are registered in target groups: addresses, health and running requests."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from emulator.containers.health_check import FIRST_INTERVAL_SECONDS, SPEED
from emulator.ministack import load_balancers

INITIAL, HEALTHY, UNHEALTHY, DRAINING = "initial", "healthy", "unhealthy", "draining"
_POLL_SECONDS = 0.05
_REASONS = {
    INITIAL: ("Elb.InitialHealthChecking", "Initial health checks in progress"),
    DRAINING: ("Target.DeregistrationInProgress", "Target deregistration is in progress"),
}


@dataclass(frozen=True)
class TargetHealthCheck:
    """The health check of a target group, with a shortened interval: see SPEED."""

    path: str = "/"
    interval_seconds: float = 30
    timeout_seconds: float = 5
    healthy_count: int = 5
    unhealthy_count: int = 2
    codes: str = "200"

    @classmethod
    def of(cls, group: dict[str, Any]) -> TargetHealthCheck:
        """Return the health check of a target group's record."""
        return cls(
            path=group.get("HealthCheckPath") or cls.path,
            interval_seconds=int(group.get("HealthCheckIntervalSeconds", 30)) / SPEED,
            timeout_seconds=int(group.get("HealthCheckTimeoutSeconds", 5)),
            healthy_count=int(group.get("HealthyThresholdCount", 5)),
            unhealthy_count=int(group.get("UnhealthyThresholdCount", 2)),
            codes=str((group.get("Matcher") or {}).get("HttpCode") or cls.codes),
        )

    def matches(self, status: int) -> bool:
        """Return whether a response with this status is healthy: `200`, `200,301` or `200-299`."""
        for part in self.codes.split(","):
            first, _, last = part.partition("-")
            if int(first) <= status <= int(last or first):
                return True
        return False


@dataclass
class Target:
    """A registered target: *ip* and *port* as AWS shows them, *host_port* on this machine."""

    group: str
    ip: str
    port: int
    host_port: int
    check: TargetHealthCheck
    changed: Callable[[], None]
    state: str = INITIAL
    problem: tuple[str, str] = ("", "")
    requests: int = 0
    _successes: int = 0
    _failures: int = 0
    _ends: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Start checking the health of the target."""
        threading.Thread(target=self._check_regularly, daemon=True, name="target-health").start()

    def close(self) -> None:
        """Stop checking the health of the target."""
        self._ends.set()

    @property
    def reason(self) -> tuple[str, str]:
        """The reason code and the description of the state."""
        return _REASONS.get(self.state, self.problem)

    def drain(self) -> None:
        """Send no more new requests to the target."""
        self.state = DRAINING
        self.close()

    def wait_until_idle(self, seconds: float) -> None:
        """Wait until no request runs, but no longer than *seconds*."""
        deadline = time.monotonic() + seconds
        while self.requests and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)

    def _check_regularly(self) -> None:
        while not self._ends.is_set():
            before, problem = self.state, self._problem()
            if self._ends.is_set():
                return
            self._record(problem)
            if self.state != before:
                self.changed()
            first = min(FIRST_INTERVAL_SECONDS, self.check.interval_seconds)
            self._ends.wait(first if self.state == INITIAL else self.check.interval_seconds)

    def _record(self, problem: tuple[str, str] | None) -> None:
        """Count consecutive results; the first success makes a new target healthy."""
        if problem is None:
            self._successes, self._failures = self._successes + 1, 0
            if self.state == INITIAL or self._successes >= self.check.healthy_count:
                self.state, self.problem = HEALTHY, ("", "")
        else:
            self._successes, self._failures = 0, self._failures + 1
            if self._failures >= self.check.unhealthy_count and self._counts_failures():
                self.state, self.problem = UNHEALTHY, problem

    def _counts_failures(self) -> bool:
        """Return whether the failures of a new target took as long as on AWS.

        A new target is checked more often than on AWS, so it would fail sooner.
        """
        needed = self.check.unhealthy_count * self.check.interval_seconds
        return self.state != INITIAL or self._failures * FIRST_INTERVAL_SECONDS >= needed

    def _problem(self) -> tuple[str, str] | None:
        """Send one request; return the reason code and description of a failure."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.host_port, timeout=self.check.timeout_seconds
        )
        headers = {
            "Host": f"{self.ip}:{self.port}",
            "User-Agent": "ELB-HealthChecker/2.0",
            "Connection": "close",
        }
        try:
            connection.request("GET", self.check.path, headers=headers)
            status = connection.getresponse().status
        except TimeoutError:
            return "Target.Timeout", "Request timed out"
        except (OSError, http.client.HTTPException):
            return "Target.FailedHealthChecks", "Health checks failed"
        finally:
            connection.close()
        if self.check.matches(status):
            return None
        return "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]"


_targets: dict[tuple[str, str, int], Target] = {}  # By group, IP address and port.


def register(
    group: str, ip: str, port: int, host_port: int, *, changed: Callable[[], None]
) -> Target | None:
    """Register a task in the target group with the ARN *group*, in the account and region in scope.

    Return None if there is no such group. *changed* is called when the health changes.
    """
    record = load_balancers.target_groups.get(group)
    if record is None:
        return None
    check = TargetHealthCheck.of(record)
    target = Target(group, ip, port, host_port, check, changed)
    _targets[group, ip, port] = target
    load_balancers.targets.setdefault(group, []).append({"Id": ip, "Port": port})
    target.start()
    return target


def deregister(target: Target) -> None:
    """Remove a target from its group."""
    target.close()
    _targets.pop((target.group, target.ip, target.port), None)
    remove_record(target.group, target.ip)


def remove_record(group: str, ip: str) -> None:
    """Remove the record of the target with this address from the target group *group*."""
    if group in load_balancers.targets:
        load_balancers.targets[group] = [
            entry for entry in load_balancers.targets[group] if entry["Id"] != ip
        ]


def find(group: str, entry: dict[str, Any]) -> Target | None:
    """Return the target of a record in a target group; None if it is not a task."""
    return _targets.get((group, entry["Id"], int(entry.get("Port") or 0)))


def addresses() -> Iterator[str]:
    """Yield the IP addresses of all targets."""
    for _, ip, _ in list(_targets):
        yield ip
