"""The scheduler of this process's emulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from deployer.errors import EmulatorError
from emulator.containers.scheduler import Scheduler
from emulator.containers.task import Machine
from emulator.containers.telemetry import Collector
from emulator.ministack import context, ecs

if TYPE_CHECKING:
    from emulator.ministack.context import Response
    from emulator.paths import EmulatorPaths

_running: list[tuple[Scheduler, Collector]] = []  # Empty, or one pair.
_original_run_task: list[Callable[[dict[str, Any]], Response]] = []


def install() -> None:
    """Keep MiniStack's RunTask, which creates the records of tasks, before a patch replaces it."""
    _original_run_task[:] = [ecs.run_task.current]


def start(paths: EmulatorPaths, *, port: int, save: Callable[[], None]) -> None:
    """Start the tasks of the services in the loaded state, for the emulator on *port*."""
    collector = Collector()
    machine = Machine(paths.images, paths.packages, port, collector.port)
    created = Scheduler(machine, _create_records, save)
    _running[:] = [(created, collector)]
    created.start()


def scheduler() -> Scheduler:
    """Return the scheduler; raise EmulatorError if this process is not the emulator's server."""
    if not _running:
        raise EmulatorError("this process is not the emulator's server")
    return _running[0][0]


def close() -> None:
    """Stop all tasks."""
    for running, collector in _running:
        running.close()
        collector.close()
    _running.clear()


def describe_sandbox(request: dict[str, Any]) -> dict[str, Any]:
    """Return the files and the environment of a container.

    *request* has the ARN of the `task` and the name of the `container`. Raise EmulatorError if the
    task does not run, or ECS Exec is not enabled for it.
    """
    task = scheduler().tasks.get(request["task"])
    box = task.sandboxes.get(request["container"]) if task else None
    if task is None or box is None or task.is_stopping:
        raise EmulatorError(f"{request['task']}: the container does not run")
    if not task.record.get("enableExecuteCommand"):
        raise EmulatorError(f"{request['task']}: ECS Exec is not enabled for the task")
    return {
        "files": {name: str(path) for name, path in box.files.items()},
        "folder": box.folder,
        "variables": dict(box.variables),
        "programs": list(box.programs),
    }


class RunTaskError(Exception):
    """MiniStack refused a request of RunTask with *response*."""

    def __init__(self, response: Response) -> None:
        super().__init__(response[2])
        self.response = response


def _create_records(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Create the records of tasks with MiniStack; raise RunTaskError if it refuses the request."""
    response = _original_run_task[0](request)
    if response[0] != 200:
        raise RunTaskError(response)
    return [ecs.task_records[task["taskArn"]] for task in context.parse_json(response)["tasks"]]
