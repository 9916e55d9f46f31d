"""Run the program of a container, and its health check, isolated like a Lambda function."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from deployer.isolation import sandbox
from deployer.isolation.sandbox import Sandbox
from emulator import isolated_processes
from emulator.isolated_processes import CA_FILE, CA_VARIABLE, SCRATCH, SYSTEM_PATH


@dataclass(frozen=True)
class ContainerSandbox:
    """The files and the environment of a container.

    *files* are host folders by their path in the container; *folder* is its working folder, and
    *programs* are folders of the container in which programs are found first. Without namespaces
    the paths in commands and variables are replaced by host paths.
    """

    files: Mapping[str, Path]
    folder: str
    variables: Mapping[str, str]
    programs: Sequence[str] = ()

    def start(self, command: Sequence[str], *, output: int | IO[Any]) -> ContainerProcess:
        """Start *command*, which writes its output to *output*."""
        isolation = isolated_processes.IsolatedProcess.isolation
        scratch = SCRATCH
        if isolation.level == "environment":
            scratch = tempfile.mkdtemp(prefix="container-")
        words, environment = self.command_and_environment(
            command,
            isolation.level,
            isolation.private,
            scratch=scratch,
            ca=Path(os.environ.get(CA_VARIABLE, "")),
        )
        with isolated_processes.trusted():  # The command itself sets up the isolation.
            process = subprocess.Popen(
                words,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(sandbox.liveness_pipe().reader,),
            )
        if scratch != SCRATCH:
            weakref.finalize(process, shutil.rmtree, scratch, ignore_errors=True)
        return ContainerProcess(process)

    def command_and_environment(
        self,
        command: Sequence[str],
        level: sandbox.Level,
        private: Path,
        *,
        scratch: str,
        ca: Path,
    ) -> tuple[list[str], dict[str, str]]:
        """Return the command line and the environment of *command* at an isolation *level*.

        *scratch* is the folder for HOME and temporary files, *ca* the CA of the databases. The
        folder *private* is hidden.
        """
        files = {**self.files, **({CA_FILE: ca} if ca.is_file() else {})}
        paths = {} if level == "namespaces" else {name: str(path) for name, path in files.items()}
        variables = {
            "LANG": "C.UTF-8",
            **self.variables,
            "PATH": self._path(),
            "HOME": scratch,
            "TMPDIR": scratch,
            CA_VARIABLE: CA_FILE,
        }
        box = Sandbox(
            level,
            files=files,
            folder=_replaced(self.folder, paths),
            hidden=sandbox.private_folders(private),
            forwards_sigterm=True,
        )
        words = box.command(
            [_replaced(word, paths) for word in command],
            liveness=sandbox.liveness_pipe().reader,
        )
        return words, sandbox.environment(
            {name: _replaced(value, paths) for name, value in variables.items()}
        )

    def _path(self) -> str:
        path = self.variables.get("PATH", "$PATH").replace("$PATH", SYSTEM_PATH)
        return ":".join((*self.programs, path))


class ContainerProcess:
    """A running program, with all processes that it starts."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """The process id of the sandbox's launcher, which ends when the program ends."""
        return self._process.pid

    @property
    def output(self) -> IO[bytes]:
        """The output of the program, if it was started with a pipe."""
        assert self._process.stdout  # noqa: S101  Started with a pipe.
        return self._process.stdout

    def poll(self) -> int | None:
        """Return the exit code as a container runtime reports it; None while it runs."""
        return self._process.poll()

    def terminate(self) -> None:
        """Send SIGTERM to the program."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the program and all processes that it started.

        The launcher does that when it receives SIGINT.
        """
        self._signal(signal.SIGINT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            self._process.send_signal(number)


def _replaced(text: str, paths: Mapping[str, str]) -> str:
    """Return *text* with host paths: *text* is a path, or a list of paths such as PATH."""

    def host_path(path: str) -> str:
        for name, host in paths.items():
            if path == name or path.startswith(f"{name}/"):
                return host + path.removeprefix(name)
        return path

    return ":".join(host_path(part) for part in text.split(":")) if "/" in text else text
