"""Run a command in the sandbox of a running container, at the terminal of this process."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.isolation import sandbox
from emulator import admin
from emulator.containers.process import ContainerSandbox
from emulator.isolated_processes import SCRATCH
from emulator.paths import EmulatorPaths

if TYPE_CHECKING:
    from emulator.endpoint import Endpoint


def run_in_container(
    endpoint: Endpoint, folder: Path, *, task: str, container: str, command: Sequence[str]
) -> int:
    """Run *command* with the files and the environment of a *container*; return its exit code.

    *task* is the ARN of a running task of the emulator of *folder*. The command does not share /tmp
    and processes with the container. Raise EmulatorError if ECS Exec is not enabled for the task.
    """
    described = json.loads(admin.container_sandbox(endpoint, task=task, container=container))
    paths, level = EmulatorPaths(folder), sandbox.level()
    files = {name: Path(path) for name, path in described["files"].items()}
    box = ContainerSandbox(
        files, described["folder"], described["variables"], described["programs"]
    )
    scratch = SCRATCH if level == "namespaces" else tempfile.mkdtemp()
    words, environment = box.command_and_environment(
        command, level, paths.folder, scratch=scratch, ca=paths.ca
    )
    try:
        reader = sandbox.liveness_pipe().reader
        return subprocess.run(words, env=environment, pass_fds=(reader,), check=False).returncode
    finally:
        if level != "namespaces":
            shutil.rmtree(scratch, ignore_errors=True)
