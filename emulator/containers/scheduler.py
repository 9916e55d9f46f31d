"""Keep the desired tasks of all services running, in one thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from emulator.containers import network, targets
from emulator.containers.service import Service
from emulator.containers.task import USER, Machine, Task
from emulator.ministack import context, ecs

_log = logging.getLogger("emulator.containers")
POLL_SECONDS = 0.2  # While a service is not steady: no event reports that a delay has passed.
STEADY_POLL_SECONDS = 2.0
CLOSE_SECONDS = 10.0
STOPPED_SECONDS = 60 * 60  # ECS describes a stopped task for at least an hour.

Key = tuple[str, str, str]  # Account, region, and CLUSTER/NAME of a service.


@dataclass
class Scheduler:
    """The services and tasks of all accounts.

    *create_records* creates the records of tasks for a request of RunTask. *save* schedules that the
    state is saved.
    """

    machine: Machine
    create_records: Callable[[dict[str, Any]], list[dict[str, Any]]]
    save: Callable[[], None]
    services: dict[Key, Service] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)  # By ARN.
    lock: threading.RLock = field(default_factory=threading.RLock)
    _changed: threading.Event = field(default_factory=threading.Event)
    _is_closing: bool = False
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the services of the loaded state, and the thread of the scheduler."""
        self._clean_up_restored_tasks()
        self._thread = threading.Thread(
            target=self._update_repeatedly, daemon=True, name="ecs-scheduler"
        )
        self._thread.start()

    @property
    def is_steady(self) -> bool:
        """Whether no service starts or stops tasks."""
        services = list(self.services.values())
        return all(service.is_steady or service.has_ended for service in services)

    def wake(self) -> None:
        """Update all services soon: something has changed."""
        self._changed.set()

    def close(self) -> None:
        """Stop all tasks; kill those that take too long."""
        self._is_closing = True
        self.wake()
        if self._thread:
            self._thread.join()
        tasks = list(self.tasks.values())
        for task in tasks:
            task.stop("The emulator was stopped", USER)
        deadline = time.monotonic() + CLOSE_SECONDS
        for task in tasks:
            if not task.has_ended.wait(max(0.0, deadline - time.monotonic())):
                task.kill()
                task.has_ended.wait(1)

    def run(self, request: dict[str, Any]) -> list[Task]:
        """Start and return the tasks of a request of RunTask in the account and region in scope."""
        started = []
        with self.lock:
            for record in self.create_records(request):
                network.attach(record)
                record["lastStatus"], record["startedAt"] = "PROVISIONING", None
                record["pullStartedAt"] = record["pullStoppedAt"] = None
                for container in record["containers"]:
                    container |= {"lastStatus": "PENDING", "runtimeId": None}
                task = Task(
                    context.account(),
                    context.region(),
                    record,
                    self.machine,
                    changed=self.wake,
                    drain=self._drain,
                )
                self.tasks[task.arn] = task
                started.append(task)
        for task in started:
            task.start()
        return started

    def _update_repeatedly(self) -> None:
        while not self._is_closing:
            if self._changed.wait(STEADY_POLL_SECONDS if self.is_steady else POLL_SECONDS):
                self.save()
            self._changed.clear()
            with self.lock:
                self._update()

    def _update(self) -> None:
        ended = [arn for arn, task in self.tasks.items() if task.has_ended.is_set()]
        for arn in ended:
            self._forget(arn)
        if ended:
            self._delete_old_records()
        for key, record in context.items_of_all_accounts(ecs.service_records):
            account, region, name = key
            service = self.services.get((account, region, name))
            if service is None or service.record is not record:  # A service was created again.
                service = Service(record, *((service.tasks, service.registered) if service else ()))
                self.services[account, region, name] = service
            if not service.has_ended:
                try:
                    with context.scope(account, region):
                        service.update(self.run)
                except Exception:  # noqa: BLE001  Other services and tasks must go on.
                    _log.exception("service %s", name)

    def _forget(self, arn: str) -> None:
        task = self.tasks.pop(arn)
        if not str(task.record.get("group", "")).startswith("service:"):
            with context.scope(task.account, task.region):
                ecs.recount_cluster(ecs.cluster_name(task.record["clusterArn"]))

    def _delete_old_records(self) -> None:
        """Delete the records of tasks that stopped long ago: a failing service has one per minute."""
        oldest = time.time() - STOPPED_SECONDS
        for (account, region, arn), record in context.items_of_all_accounts(ecs.task_records):
            if record.get("_stopped", time.time()) < oldest:
                with context.scope(account, region):
                    del ecs.task_records[arn]

    def _drain(self, task: Task) -> None:
        """Deregister *task*, on its own thread, with its account and region in scope."""
        services = list(self.services.values())
        service = next((entry for entry in services if task in entry.tasks), None)
        if service:
            service.drain(task)

    def _clean_up_restored_tasks(self) -> None:
        """Describe the tasks of the last run as stopped, and deregister them."""
        for (account, region, _), record in context.items_of_all_accounts(ecs.task_records):
            if record.get("stoppedAt"):
                continue
            record |= {"desiredStatus": "STOPPED", "stoppedAt": ecs.now(), "stopCode": USER}
            record["stoppedReason"] = "The emulator was stopped"
            for container in record.get("containers", ()):
                container["lastStatus"] = "STOPPED"
            if not record.get("attachments"):
                continue
            with context.scope(account, region):
                for service in ecs.service_records.values():
                    for balancer in service.get("loadBalancers", ()):
                        targets.remove_record(balancer["targetGroupArn"], network.address(record))
        for _, service in context.items_of_all_accounts(ecs.service_records):
            service["runningCount"] = service["pendingCount"] = 0
            for deployment in service["deployments"]:
                deployment["runningCount"] = deployment["pendingCount"] = 0
