"""Start, stop, reset and describe the emulator."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from operations import project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator import Status


@dataclass(frozen=True)
class Data:
    """The size of the emulator's data in *folder*, and whether it runs."""

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


def start() -> None:
    """Start the emulator if it is not running, with the resources that an account has by hand."""
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
    """Return the size of the data that a reset would delete."""
    import emulator

    folder = _folder()
    status, databases_bytes = emulator.status(folder), emulator.databases_bytes(folder)
    return Data(folder, status.state_bytes, status.objects_bytes, databases_bytes, bool(status.url))


def status() -> Status:
    """Return the address, process and data sizes of the emulator."""
    import emulator

    return emulator.status(_folder())


def ca() -> Path:
    """Return the CA certificate of the emulator's databases."""
    return status().ca


def variables() -> Mapping[str, str]:
    """Start the emulator if needed, and return the variables that point AWS tools at it."""
    import emulator
    from deployer.environment import start_emulator

    local = project.environment("local")
    endpoint = start_emulator(local, _folder(), os.environ)
    return emulator.environment_variables(endpoint, region=local.env.region)


def _folder() -> Path:
    return project.project().emulator
