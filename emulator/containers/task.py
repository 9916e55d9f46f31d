"""The life of one ECS task: start its containers, watch them, and stop them."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator.containers import credentials, environment, execution_role, image, ports
from emulator.containers.execution_role import ExecutionRole, StartError
from emulator.containers.health_check import Health, HealthCheck
from emulator.containers.output import Forwarder, LogStream
from emulator.containers.process import ContainerProcess, ContainerSandbox
from emulator.containers.telemetry import PORT as TELEMETRY_PORT
from emulator.ministack import context, ecs

_log = logging.getLogger("emulator.containers")
TICK_SECONDS = 0.05  # The interval at which the containers of a task are checked.
STOP_SECONDS = 30  # The default stopTimeout.
_KILLED = 137  # 128 + SIGKILL.

# The stop codes of ECS.
SCHEDULER, USER, EXITED, NOT_STARTED = (
    "ServiceSchedulerInitiated",
    "UserInitiated",
    "EssentialContainerExited",
    "TaskFailedToStart",
)


@dataclass(frozen=True)
class Machine:
    """The folders and ports of this machine that a task uses.

    *images* and *packages* are folders; *port* is that of the emulator, *telemetry_port* that of
    the OTLP endpoint.
    """

    images: Path
    packages: Path
    port: int
    telemetry_port: int


@dataclass(frozen=True)
class Stop:
    """A request to stop a task, with the stopped reason and the stop code of ECS."""

    reason: str
    code: str


@dataclass
class _Container:
    """A running container with its record in the task."""

    name: str
    record: dict[str, Any]
    process: ContainerProcess
    is_essential: bool
    stop_seconds: float
    health: Health | None


@dataclass
class Task:
    """A task with its *record* in ECS; a thread of its own starts, watches and stops its containers.

    *ports* maps the ports of the containers to ports of this machine. *changed* is called after
    each change of the task's state. *drain* waits until the load balancer sends no more requests.
    """

    account: str
    region: str
    record: dict[str, Any]
    machine: Machine
    changed: Callable[[], None]
    drain: Callable[[Task], None]
    ports: dict[int, int] = field(default_factory=dict)
    running_since: float = 0.0
    sandboxes: dict[str, ContainerSandbox] = field(default_factory=dict)
    has_ended: threading.Event = field(default_factory=threading.Event)
    _stop: Stop | None = None
    _stop_requested: threading.Event = field(default_factory=threading.Event)
    _containers: list[_Container] = field(default_factory=list)
    _role: credentials.TaskRole | None = None

    @property
    def arn(self) -> str:
        """The ARN of the task."""
        return str(self.record["taskArn"])

    @property
    def id(self) -> str:
        """The last part of the ARN."""
        return self.arn.rpartition("/")[2]

    @property
    def deployment(self) -> str:
        """The id of the deployment that started the task; empty if no service did."""
        return str(self.record.get("_deployment_id") or "")

    @property
    def is_stopping(self) -> bool:
        """Whether the task was requested to stop, or has stopped."""
        return self._stop_requested.is_set() or self.record["lastStatus"] == "STOPPED"

    @property
    def has_health_check(self) -> bool:
        """Whether an essential container has a health check."""
        return any(container.is_essential and container.health for container in self._containers)

    def start(self) -> None:
        """Start the thread of the task."""
        threading.Thread(target=self._run, daemon=True, name=f"task-{self.id[:8]}").start()

    def stop(self, reason: str, code: str) -> None:
        """Request that the task stops; only the reason of the first request is recorded."""
        if self._stop is None and not self.is_stopping:
            self._stop = Stop(reason, code)
            self.record["desiredStatus"] = "STOPPED"
            self.record["stoppingAt"] = ecs.now()
            self._stop_requested.set()

    def kill(self) -> None:
        """Kill all containers at once."""
        for container in self._containers:
            container.process.kill()

    def _run(self) -> None:
        with context.scope(self.account, self.region):
            try:
                self._start_containers()
            except StartError as error:
                self._stop = self._stop or Stop(str(error), NOT_STARTED)
            except Exception as error:  # noqa: BLE001  Other services and tasks must go on.
                _log.exception("task %s", self.id)
                reason = f"CannotStartContainerError: {error}"
                self._stop = self._stop or Stop(reason, NOT_STARTED)
            else:
                self._watch()
            self._stop_requested.set()
            self._shut_down()

    def _start_containers(self) -> None:
        definition = ecs.task_definition(self.record["taskDefinitionArn"])
        self._set_status("PENDING")
        role = ExecutionRole(definition.get("executionRoleArn") or "")
        self.record["pullStartedAt"] = ecs.now()
        containers = [self._overridden(entry) for entry in definition["containerDefinitions"]]
        images = {entry["name"]: self._pull(entry, role) for entry in containers}
        self.record["pullStoppedAt"] = ecs.now()
        self._set_status("ACTIVATING")
        variables = self._runtime_variables(definition, containers)
        for entry in containers:
            if self._stop_requested.is_set():
                return
            if (pulled := images[entry["name"]]) is not None:
                self._start_container(entry, pulled, role, variables)
        self.record["startedAt"] = ecs.now()
        self.running_since = time.monotonic()
        self._set_status("RUNNING")

    def _overridden(self, container: dict[str, Any]) -> dict[str, Any]:
        """Return a container definition with the overrides of RunTask."""
        for override in self.record.get("overrides", {}).get("containerOverrides", ()):
            if override["name"] == container["name"]:
                variables = [*container.get("environment", ()), *override.get("environment", ())]
                command = override.get("command") or container.get("command")
                return {**container, "environment": variables, "command": command}
        return container

    def _pull(self, container: dict[str, Any], role: ExecutionRole) -> image.Image | None:
        """Return the image of a container; None if the container is skipped.

        A non-essential container is skipped if its image is in another registry.
        """
        uri = container["image"]
        if not image.is_in_registry(uri) and not container.get("essential", True):
            return None
        try:
            if image.is_in_registry(uri):
                role.check_pull(image.repository(uri))
            return image.pull(uri, folder=self.machine.images, packages=self.machine.packages)
        except image.PullError as error:
            reason = (
                f"CannotPullContainerError: pull image manifest has been retried 1 time(s): {error}"
            )
            raise StartError(reason) from None

    def _runtime_variables(
        self, definition: Mapping[str, Any], containers: list[dict[str, Any]]
    ) -> dict[str, str]:
        """Return the variables of ECS and the emulator, the same for all containers of the task."""
        mappings = [mapping for entry in containers for mapping in entry.get("portMappings", ())]
        self.ports = ports.free_ports({int(mapping["containerPort"]) for mapping in mappings})
        variables = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.machine.port}",
            **ports.variables({**self.ports, TELEMETRY_PORT: self.machine.telemetry_port}),
        }
        if role := definition.get("taskRoleArn"):
            execution_role.check_task_role(role)
            self._role = credentials.TaskRole(role, self.account, self.id)
            variables |= credentials.register(self._role, port=self.machine.port)
        return variables

    def _start_container(
        self,
        container: dict[str, Any],
        pulled: image.Image,
        role: ExecutionRole,
        runtime_variables: Mapping[str, str],
    ) -> None:
        ports.install(pulled.packages)
        box = environment.sandbox(
            pulled,
            container,
            secrets=role.secrets(container),
            runtime_variables=runtime_variables,
        )
        stream = self._log_stream(container, role)
        process = box.start(environment.command(pulled, container), output=subprocess.PIPE)
        Forwarder(process.output, stream)
        name, check = container["name"], HealthCheck.of(container)
        record = next(entry for entry in self.record["containers"] if entry["name"] == name)
        record |= {"lastStatus": "RUNNING", "imageDigest": pulled.digest, "runtimeId": self.id}
        self.sandboxes[name] = box
        self._containers.append(
            _Container(
                name,
                record,
                process,
                is_essential=container.get("essential", True),
                stop_seconds=container.get("stopTimeout") or STOP_SECONDS,
                health=Health(check, _starter(box), time.monotonic()) if check else None,
            )
        )

    def _log_stream(self, container: dict[str, Any], role: ExecutionRole) -> LogStream | None:
        configuration = container.get("logConfiguration") or {}
        options = configuration.get("options") or {}
        group = options.get("awslogs-group")
        if configuration.get("logDriver") != "awslogs" or not group:
            return None
        role.check_log_group(group)
        prefix = options.get("awslogs-stream-prefix")
        name = f"{prefix}/{container['name']}/{self.id}" if prefix else self.id
        stream = LogStream(self.account, self.region, group, name)
        stream.create()
        return stream

    def _watch(self) -> None:
        """Return when the task must stop: on request, after an exit or a failed health check."""
        while not self._stop_requested.wait(TICK_SECONDS):
            for container in self._containers:
                code = container.process.poll()
                if code is not None and container.record["lastStatus"] != "STOPPED":
                    container.record |= {"lastStatus": "STOPPED", "exitCode": code}
                    if container.is_essential:
                        self.stop("Essential container in task exited", EXITED)
                elif code is None and container.health:
                    self._check(container, container.health)

    def _check(self, container: _Container, health: Health) -> None:
        before, now = health.status, time.monotonic()
        container.record["healthStatus"] = health.update(now)
        if health.status != before:
            self.record["healthStatus"] = self._health_status()
            self.changed()
        if health.status == "UNHEALTHY" and container.is_essential:
            self.stop("Task failed container health checks", SCHEDULER)

    def _health_status(self) -> str:
        """Return the worst status of the essential containers with a health check."""
        statuses = {
            container.health.status
            for container in self._containers
            if container.is_essential and container.health
        }
        order = ("UNHEALTHY", "UNKNOWN", "HEALTHY")
        return next((status for status in order if status in statuses), "UNKNOWN")

    def _shut_down(self) -> None:
        self.record["desiredStatus"] = "STOPPED"
        self._set_status("DEACTIVATING")
        self.drain(self)
        self._set_status("STOPPING")
        for container in self._containers:
            if container.health:
                container.health.close()
            container.process.terminate()
        started = time.monotonic()
        for container in self._containers:
            code = _wait(container.process, started + container.stop_seconds)
            container.record["lastStatus"] = "STOPPED"
            if container.record.get("exitCode") is None:
                container.record["exitCode"] = code
        self._set_status("DEPROVISIONING")
        if self._role:
            credentials.unregister(self._role)
        self.record["executionStoppedAt"] = ecs.now()
        self.record["stoppedAt"] = ecs.now()
        self.record["_stopped"] = time.time()
        stop = self._stop or Stop("Task stopped", USER)
        self.record["stoppedReason"], self.record["stopCode"] = stop.reason, stop.code
        for record in self.record["containers"]:
            record["lastStatus"] = "STOPPED"
        self._set_status("STOPPED")
        self.has_ended.set()
        self.changed()

    def _set_status(self, status: str) -> None:
        self.record["lastStatus"] = status
        self.record["version"] = int(self.record.get("version") or 0) + 1
        self.changed()


def _starter(box: ContainerSandbox) -> Callable[[tuple[str, ...]], ContainerProcess]:
    """Return a function that starts the command of a health check, whose output is dropped."""
    return lambda command: box.start(command, output=subprocess.DEVNULL)


def _wait(process: ContainerProcess, deadline: float) -> int:
    """Wait for the process until *deadline*, then kill it; return its exit code."""
    while (code := process.poll()) is None:
        if time.monotonic() > deadline:
            process.kill()
            return _KILLED
        time.sleep(TICK_SECONDS)
    return code
