"""Decide which tasks of a service to start and to stop, without doing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["starting", "healthy", "stopping"]


@dataclass(frozen=True)
class ServiceTask:
    """A task that has not stopped: its deployment and its state."""

    arn: str
    deployment: str
    state: State


@dataclass(frozen=True)
class Limits:
    """The desired number of tasks, and how many a deployment may run and must keep healthy."""

    desired: int
    minimum_percent: int = 100
    maximum_percent: int = 200

    @property
    def upper(self) -> int:
        """The maximum number of tasks during a deployment."""
        return max(self.desired, self.desired * self.maximum_percent // 100)

    @property
    def lower(self) -> int:
        """The minimum number of healthy tasks during a deployment."""
        return -(-self.desired * self.minimum_percent // 100)


@dataclass(frozen=True)
class Decision:
    """The number of tasks to start, and the ARNs of the tasks to stop."""

    start: int = 0
    stop: tuple[str, ...] = ()


def decide(
    tasks: Sequence[ServiceTask], primary: str, limits: Limits, *, may_start: bool
) -> Decision:
    """Return the tasks to start and to stop within *limits*, so that only tasks of *primary* remain.

    *primary* is the id of the current deployment. *tasks* are ordered by age, the newest last. Tasks
    of older deployments are stopped only as far as healthy new ones replace them. No task is started
    if *may_start* is false.
    """
    active = [task for task in tasks if task.state != "stopping"]
    current = [task for task in active if task.deployment == primary]
    old = [task for task in active if task.deployment != primary]
    surplus = _surplus(current, limits.desired)
    healthy = sum(task.state == "healthy" for task in active if task not in surplus)
    stop = [*surplus, *_replaced(old, healthy, limits)]
    room = limits.upper - len(active)
    start = max(0, min(limits.desired - len(current), room)) if may_start else 0
    return Decision(start, tuple(task.arn for task in stop))


def _surplus(current: Sequence[ServiceTask], desired: int) -> list[ServiceTask]:
    """Return the tasks beyond *desired*: first those that are not healthy, then the newest."""
    ranked = sorted(current, key=lambda task: task.state != "healthy")  # Stable: oldest first.
    return ranked[desired:]


def _replaced(old: Sequence[ServiceTask], healthy: int, limits: Limits) -> list[ServiceTask]:
    """Return the old tasks that the service does not need: those that are not healthy first."""
    unhealthy = [task for task in old if task.state != "healthy"]
    spare = max(0, healthy - limits.lower)
    return [*unhealthy, *[task for task in old if task.state == "healthy"][:spare]]
