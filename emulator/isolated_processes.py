"""Isolate every process that the emulator starts.

MiniStack calls subprocess.Popen in each service that runs user code: Lambda functions of every
runtime, Glue jobs, JavaScript resolvers. So Popen itself is replaced in this process. A program
that runs no user code, such as PostgreSQL, is started within `trusted`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.isolation import sandbox
from deployer.isolation.sandbox import Sandbox

CODE = "/var/task"  # As on Lambda.
RUNTIME = "/var/runtime"  # As on Lambda.
_LAYERS = "/opt"  # As on Lambda, but with a folder per layer.
SCRATCH = "/tmp"  # noqa: S108  A path in the sandbox.
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
CA_FILE = "/etc/pki/rds/ca.pem"

# Variables that a process inherits from the emulator. MiniStack sets its other variables.
_INHERITED = ("AWS_CONFIG_FILE", "AWS_EC2_METADATA_DISABLED", "AWS_SHARED_CREDENTIALS_FILE", "LANG")
CA_VARIABLE = "PGSSLROOTCERT"  # The file with the CA that libpq trusts.
_LAYER_VARIABLE = "_LAMBDA_LAYERS_DIRS"

_is_trusted: ContextVar[bool] = ContextVar("trusted", default=False)


@contextlib.contextmanager
def trusted() -> Iterator[None]:
    """Start processes without isolation: only for programs that run no user code."""
    token = _is_trusted.set(True)
    try:
        yield
    finally:
        _is_trusted.reset(token)


def install(isolation: Isolation) -> None:
    """Isolate all processes that this process starts from now on."""
    IsolatedProcess.isolation = isolation
    vars(subprocess)["Popen"] = IsolatedProcess


@dataclass(frozen=True)
class Isolation:
    """The isolation of processes.

    *packages* is a folder with the packages of Lambda's Python. The folder *private* is hidden.
    """

    level: sandbox.Level
    packages: Path
    private: Path

    def command_and_environment(
        self, words: Sequence[str], folder: str | None, variables: Mapping[str, str], scratch: Path
    ) -> tuple[list[str], dict[str, str]]:
        """Return the command and the environment that run *words* in *folder* in a sandbox.

        *variables* are those of the caller. *scratch* is the folder for HOME and temporary files.
        """
        files = self._files(words, folder, variables) if self.level == "namespaces" else {}
        sandbox_paths = {str(path): target for target, path in files.items()}
        ca = Path(os.environ.get(CA_VARIABLE, ""))
        process_sandbox = Sandbox(
            self.level,
            files={**files, **self._packages(), **({CA_FILE: ca} if ca.is_file() else {})},
            folder=_replace_paths(folder or str(scratch), sandbox_paths),
            hidden=sandbox.private_folders(self.private),
        )
        command = [_replace_paths(word, sandbox_paths) for word in _with_plain_python(words)]
        environment = {
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            **{
                name: _replace_paths(value, sandbox_paths)
                for name, value in _not_inherited(variables).items()
            },
            **self._paths(scratch, ca),
        }
        return process_sandbox.command(
            command, liveness=sandbox.liveness_pipe().reader
        ), environment

    def _files(
        self, words: Sequence[str], folder: str | None, variables: Mapping[str, str]
    ) -> dict[str, Path]:
        """Return the host paths that a process needs, by their paths inside the sandbox.

        The arguments of a job or a function can contain any path, so only files that the emulator
        has written are visible: scripts in its own folder, and layers next to the code.
        """
        files: dict[str, Path] = {}
        if folder:
            files[CODE] = Path(folder)
            for layer in filter(None, variables.get(_LAYER_VARIABLE, "").split(os.pathsep)):
                if Path(layer).resolve().parent == Path(folder).resolve().parent:
                    files[f"{_LAYERS}/{Path(layer).name}"] = Path(layer)
        for word in words[1:]:
            path = Path(word)
            is_private = path.is_absolute() and path.resolve().is_relative_to(
                self.private.resolve()
            )
            if is_private and path.is_file() and not (folder and path.is_relative_to(folder)):
                files[f"{RUNTIME}/{path.name}"] = path
        return files

    def _packages(self) -> dict[str, Path]:
        return {f"{RUNTIME}/{link.name}": link for link in self.packages.iterdir()}

    def _paths(self, scratch: Path, ca: Path) -> dict[str, str]:
        """Return the variables that contain paths, with the paths inside the sandbox."""
        if self.level == "namespaces":
            runtime, ca_file, path = RUNTIME, CA_FILE, SYSTEM_PATH
        else:
            runtime, ca_file = str(self.packages), str(ca)
            path = os.environ.get("PATH", os.defpath)
        return {
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
            "PATH": path,
            "LAMBDA_RUNTIME_DIR": runtime,
            CA_VARIABLE: ca_file,
        }


class IsolatedProcess(subprocess.Popen[Any]):
    """A process that sees only its code, Lambda's packages and its own /tmp."""

    isolation: Isolation

    def __init__(
        self,
        args: Any,
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        """Start *args*; raise PermissionError if it is not a list of arguments."""
        if _is_trusted.get():
            super().__init__(args, cwd=cwd, env=env, **options)
            return
        if not isinstance(args, list) or options.get("shell") or options.get("preexec_fn"):
            raise PermissionError(f"only a list of arguments can be isolated, not {args!r}")
        scratch = Path(SCRATCH)
        if self.isolation.level == "environment":
            scratch = Path(tempfile.mkdtemp(prefix="process-"))
            weakref.finalize(self, shutil.rmtree, scratch, ignore_errors=True)
        command, environment = self.isolation.command_and_environment(
            [os.fspath(word) for word in args], cwd, os.environ if env is None else env, scratch
        )
        options |= {"close_fds": True, "pass_fds": (sandbox.liveness_pipe().reader,)}
        super().__init__(command, env=sandbox.environment(environment), **options)


def _with_plain_python(words: Sequence[str]) -> list[str]:
    """Replace this interpreter by one that has the standard library only."""
    if words[0] == sys.executable:
        return [sandbox.python(), "-I", "-S", "-B", *words[1:]]
    return list(words)


def _not_inherited(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the *variables* whose value differs from that in the emulator's environment."""
    return {name: value for name, value in variables.items() if os.environ.get(name) != value}


def _replace_paths(text: str, sandbox_paths: Mapping[str, str]) -> str:
    """Replace host paths in *text* by paths inside the sandbox."""
    for path, target in sandbox_paths.items():
        text = text.replace(path, target)
    return text
