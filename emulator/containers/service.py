"""One ECS service: start and stop its tasks, register them, and advance its deployment."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from emulator.containers import deployments, network, targets
from emulator.containers.decisions import Limits, ServiceTask, State, decide
from emulator.containers.deployments import IN_PROGRESS
from emulator.containers.health_check import START_SPEED
from emulator.containers.targets import Target
from emulator.containers.task import SCHEDULER, USER, Task
from emulator.ministack import ecs, load_balancers

STARTUP_SECONDS = 1.0  # A program that ends sooner was never healthy.
MAX_BACKOFF_SECONDS = 60.0
RunTask = Callable[[dict[str, Any]], list[Task]]  # Starts the tasks of a request.
_REPORTED_FAILURES = 3  # The number of consecutive failures that causes this event:
_INCONSISTENT = (
    "is unable to consistently start tasks successfully. For more information, see the "
    "Troubleshooting section."
)
_PENDING = {"PROVISIONING", "PENDING", "ACTIVATING"}


@dataclass
class Service:
    """The tasks of an ECS service with its *record*, in one account and region.

    Call `update` after each change, within `context.scope(account, region)`.
    """

    record: dict[str, Any]
    tasks: list[Task] = field(default_factory=list)
    registered: dict[str, list[Target]] = field(default_factory=dict)  # By the ARN of the task.
    is_steady: bool = False
    _deployment: str = ""  # The id of the primary deployment at the last update.
    _failures: int = 0  # Consecutive failures of tasks since that deployment began.
    _next_start: float = 0.0  # The earliest time of the next start.
    _healthy: set[str] = field(default_factory=set)  # ARNs of the healthy tasks at the last update.

    @property
    def has_ended(self) -> bool:
        """Whether the service was deleted, and all its tasks have stopped."""
        return self.record["status"] != "ACTIVE" and not self.tasks

    @property
    def cluster(self) -> str:
        """The name of the cluster."""
        return ecs.cluster_name(self.record["clusterArn"])

    def update(self, run_task: RunTask) -> None:
        """Start and stop tasks with *run_task*, and advance the deployment."""
        self._forget_stopped_tasks()
        self._register_running_tasks()
        self._stop_unhealthy_targets()
        if self.record["status"] == "ACTIVE":
            self._start_and_stop(run_task)
            self._advance_deployment()
        self._update_counts()

    def _update_counts(self) -> None:
        """Update the numbers of running and pending tasks in the records."""
        for record in (self.record, *self.record["deployments"]):
            tasks = [
                task
                for task in self.tasks
                if record is self.record or task.deployment == record["id"]
            ]
            statuses = [task.record["lastStatus"] for task in tasks]
            record["runningCount"] = statuses.count("RUNNING")
            record["pendingCount"] = sum(status in _PENDING for status in statuses)
        ecs.recount_cluster(self.cluster)

    def drain(self, task: Task) -> None:
        """Deregister a task after its requests, or after the deregistration delay."""
        found = self.registered.pop(task.arn, [])
        for target in found:
            target.drain()
        if found:
            deployments.add_event(self.record, "has begun draining connections on 1 tasks.")
        for target in found:
            target.wait_until_idle(load_balancers.deregistration_delay_seconds(target.group))
            targets.deregister(target)
            event = f"deregistered 1 targets in (target-group {target.group})"
            deployments.add_event(self.record, event)

    def _forget_stopped_tasks(self) -> None:
        for task in [task for task in self.tasks if task.has_ended.is_set()]:
            self.tasks.remove(task)
            if task.record["stopCode"] not in {SCHEDULER, USER} or _failed(task):
                self._record_failure(task)

    def _reset_failures(self) -> None:
        """Forget the failures, so that the next start is not delayed."""
        self._failures, self._next_start = 0, 0.0

    def _record_failure(self, task: Task) -> None:
        """Delay the next start, from the second consecutive failure on: 1 second, then twice as long."""
        self._failures += 1
        delay = (
            0.0 if self._failures == 1 else min(2.0 ** (self._failures - 2), MAX_BACKOFF_SECONDS)
        )
        self._next_start = time.monotonic() + delay
        if self.record["status"] != "ACTIVE":
            return
        if task.record["stoppedReason"].startswith("Task failed container"):
            text = f"(task {task.id}) failed container health checks."
            deployments.add_event(self.record, text)
        if self._failures == _REPORTED_FAILURES:
            deployments.add_event(self.record, _INCONSISTENT)
        if task.deployment == deployments.primary(self.record)["id"]:
            deployments.record_failure(self.record)

    def _register_running_tasks(self) -> None:
        for task in self.tasks:
            is_running = task.record["lastStatus"] == "RUNNING" and not task.is_stopping
            if not is_running or task.arn in self.registered:
                continue
            self.registered[task.arn] = []
            for balancer in self.record.get("loadBalancers", ()):
                port = int(balancer["containerPort"])
                if port not in task.ports:  # ECS refuses such a service.
                    continue
                target = targets.register(
                    balancer["targetGroupArn"],
                    network.address(task.record),
                    port,
                    task.ports[port],
                    changed=task.changed,
                )
                if target:
                    self.registered[task.arn].append(target)
                    event = f"registered 1 targets in (target-group {target.group})"
                    deployments.add_event(self.record, event)

    def _stop_unhealthy_targets(self) -> None:
        """Stop tasks that the load balancer reports as unhealthy after the grace period."""
        # Programs start faster here than in an account: see `health_check`.
        grace = (self.record.get("healthCheckGracePeriodSeconds") or 0) / START_SPEED
        for task in self.tasks:
            for target in self.registered.get(task.arn, ()):
                is_late = time.monotonic() - task.running_since > grace
                if target.state == targets.UNHEALTHY and is_late and not task.is_stopping:
                    group = f"(target-group {target.group})"
                    where = f"(port {target.port}) is unhealthy in {group}"
                    reason = f"due to (reason {target.problem[1]})"
                    deployments.add_event(self.record, f"{where} {reason}")
                    task.stop(f"Task failed ELB health checks in {group}", SCHEDULER)

    def _start_and_stop(self, run_task: RunTask) -> None:
        deployment = deployments.primary(self.record)
        if deployment["id"] != self._deployment or not self.record["desiredCount"]:
            self._deployment = deployment["id"]
            self._reset_failures()
        settings = self.record["deploymentConfiguration"]
        limits = Limits(
            self.record["desiredCount"],
            int(settings.get("minimumHealthyPercent", 100)),
            int(settings.get("maximumPercent", 200)),
        )
        has_failed = deployment["rolloutState"] == deployments.FAILED
        decision = decide(
            [self._service_task(task) for task in self.tasks],
            deployment["id"],
            limits,
            may_start=not has_failed and time.monotonic() >= self._next_start,
        )
        stopped = [task for task in self.tasks if task.arn in decision.stop]
        for task in stopped:
            activity = f"Scaling activity initiated by (deployment {deployment['id']})"
            task.stop(activity, SCHEDULER)
        if stopped:
            deployments.record_stopped_tasks(self.record, [task.id for task in stopped])
        if decision.start:
            new = run_task(self._request(deployment, decision.start))
            self.tasks += new
            deployments.record_started_tasks(self.record, [task.id for task in new])

    def _request(self, deployment: dict[str, Any], count: int) -> dict[str, Any]:
        """Return the request of RunTask for *count* tasks of a deployment."""
        copied = ("launchType", "capacityProviderStrategy", "platformVersion")
        return {
            **{name: self.record[name] for name in copied if self.record.get(name)},
            "cluster": self.cluster,
            "taskDefinition": deployment["taskDefinition"],
            "count": count,
            "group": f"service:{self.record['serviceName']}",
            "startedBy": deployment["id"],
            "networkConfiguration": self.record.get("networkConfiguration") or {},
            "enableExecuteCommand": self.record.get("enableExecuteCommand", False),
            "_deploymentId": deployment["id"],
        }

    def _service_task(self, task: Task) -> ServiceTask:
        """Return *task* as a value for the decision."""
        state: State = "healthy" if self.is_healthy(task) else "starting"
        return ServiceTask(
            task.arn,
            task.deployment,
            "stopping" if task.is_stopping else state,
        )

    def is_healthy(self, task: Task) -> bool:
        """Return whether a task runs, and its container and its targets are healthy."""
        return (
            task.record["lastStatus"] == "RUNNING"
            and not task.is_stopping
            and time.monotonic() - task.running_since > STARTUP_SECONDS
            and (not task.has_health_check or task.record["healthStatus"] == "HEALTHY")
            and all(target.state == targets.HEALTHY for target in self.registered.get(task.arn, ()))
            and task.arn in self.registered
        )

    def _advance_deployment(self) -> None:
        deployment = deployments.primary(self.record)
        current = {
            task.arn
            for task in self.tasks
            if task.deployment == deployment["id"] and self.is_healthy(task)
        }
        if current - self._healthy:  # A task that is healthy for the first time.
            self._reset_failures()
            deployment["failedTasks"] = 0
        self._healthy = current
        is_complete = len(current) == len(self.tasks) == self.record["desiredCount"]
        if is_complete and deployment["rolloutState"] == IN_PROGRESS:
            deployments.complete(self.record)
        if is_complete and not self.is_steady:
            deployments.add_event(self.record, "has reached a steady state.")
        self.is_steady = is_complete


def _failed(task: Task) -> bool:
    """Return whether the scheduler stopped a task because of failed health checks."""
    return str(task.record["stoppedReason"]).startswith("Task failed")
