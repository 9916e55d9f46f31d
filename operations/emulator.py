"""Start, stop, reset and describe the emulator."""

from __future__ import annotations

import os
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from operations import project, shell_variables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from emulator import Status


@dataclass(frozen=True)
class Data:
    """The sizes of the emulator's data in *folder*, and whether the emulator is running."""

    folder: Path
    state_bytes: int
    objects_bytes: int
    databases_bytes: int
    is_running: bool

    @property
    def is_empty(self) -> bool:
        """Return whether a reset would delete and stop nothing."""
        sizes = self.state_bytes, self.objects_bytes, self.databases_bytes
        return not (self.is_running or any(sizes))


@dataclass(frozen=True)
class Outbox:
    """The messages that AWS would have sent, oldest first, and their address for a browser."""

    COLUMNS: ClassVar = ("sent", "to", "about", "secret")
    messages: list[dict[str, str]]
    url: str


def start() -> None:
    """Start the emulator if it is not running, and create the hosted zone that `local` needs."""
    project.account(project.environment("local"))


def stop() -> bool:
    """Stop the emulator and return whether it was running; its data is kept."""
    import emulator

    return emulator.stop(_folder())


def reset() -> None:
    """Stop the emulator and delete its data."""
    import emulator

    emulator.reset(_folder())


def data() -> Data:
    """Return the sizes of the data that a reset would delete."""
    import emulator

    folder = _folder()
    status, databases_bytes = emulator.status(folder), emulator.databases_bytes(folder)
    return Data(folder, status.state_bytes, status.objects_bytes, databases_bytes, bool(status.url))


def outbox() -> Outbox:
    """Return the messages that AWS would have sent; raise EmulatorError if the emulator is stopped."""
    import emulator
    from deployer.errors import EmulatorError

    endpoint = emulator.running(_folder())
    if endpoint is None:
        raise EmulatorError(
            "the emulator is not running, and it keeps no messages when it stops",
            hint="run ./inv emulator.start, then send the message again",
        )
    messages = [asdict(message) for message in emulator.messages(endpoint)]
    return Outbox(messages, emulator.outbox_url(endpoint))


def status() -> Status:
    """Return the address, process and data sizes of the emulator."""
    import emulator

    return emulator.status(_folder())


def package_labels(folder: str, lock: str) -> dict[str, str]:
    """Return the labels of an image with the packages of *lock* in its *folder*."""
    import emulator

    return emulator.package_labels(folder, lock)


def install_packages(lock: str, *, place: str) -> None:
    """Install the packages of *lock* for the containers of the emulator; *place* names it in errors.

    Raise BuildError if a package cannot be installed.
    """
    import emulator
    from deployer.artifacts import environments
    from deployer.isolation import sandbox

    folder = emulator.packages_folder(_folder(), lock)
    environments.create(folder, lock, python=sandbox.python(), place=place)


def run_in_container(*, task: str, container: str, command: Sequence[str]) -> int:
    """Run *command* in the sandbox of a container of the task with this ARN; return its exit code."""
    import emulator
    from deployer.environment import start_emulator

    endpoint = start_emulator(project.environment("local"), _folder(), os.environ)
    return emulator.run_in_container(
        endpoint, _folder(), task=task, container=container, command=command
    )


def ca() -> Path:
    """Return the CA certificate of the emulator's databases."""
    return status().ca


def shell_commands() -> Iterator[str]:
    """Start the emulator if needed, and yield shell commands that point AWS tools at it.

    They add the folder of the bundled AWS CLI to PATH.
    """
    import emulator
    from deployer.environment import start_emulator

    local = project.environment("local")
    endpoint = start_emulator(local, _folder(), os.environ)
    variables = emulator.environment_variables(
        endpoint, region=local.env.region, environ=os.environ
    )
    path = shell_variables.add_folder(os.environ.get("PATH", ""), str(emulator.AWS_CLI_FOLDER))
    yield from shell_variables.set_commands(variables, os.environ)
    yield f"export PATH={shlex.quote(path)}"


def undo_shell_commands() -> Iterator[str]:
    """Yield shell commands that undo `shell_commands`; nothing if those commands were not run."""
    import emulator

    endpoint = emulator.Endpoint("", "", "", "")  # Only the names are needed.
    names = emulator.environment_variables(endpoint, region="")
    commands = list(shell_variables.unset_commands(names, os.environ))
    yield from commands
    if commands:
        path = os.environ.get("PATH", "")
        path = shell_variables.remove_folder(path, str(emulator.AWS_CLI_FOLDER))
        yield f"export PATH={shlex.quote(path)}"


def _folder() -> Path:
    return project.project().emulator
