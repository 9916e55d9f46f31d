"""Run functions with the standard library, their own zip, and boto3 with its dependencies only.

Their processes are isolated (processes.py) and their output is limited: neither results nor logs
can fill the emulator's memory. Programs in a zip can be run, as in Lambda.
"""

from __future__ import annotations

import json
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from deployer import lambda_runtime
from deployer.errors import EmulatorError
from deployer.isolation import sandbox
from emulator import ministack
from emulator.isolated_processes import IsolatedProcess, Isolation, install

RESPONSE_BYTES = 6_291_556  # Lambda quotas, Invocation payload; the number is from its error.
LOG_BYTES = 4 * 1024 * 1024  # Per invocation. Lambda has no such limit.
_LOG_LINE_BYTES = 256 * 1024  # CloudWatch Logs quotas, Event size; longer lines are split there.
_ENVELOPE_BYTES = 6 * RESPONSE_BYTES  # A response whose characters are all escaped: \u00e9.
_TOO_LARGE = (
    f"Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES} bytes)."
)
_CUT = f"[the emulator keeps {LOG_BYTES} bytes of an invocation's log; the rest is dropped]"

_PATHS = """
import os, sys
sys.path.append(os.environ["LAMBDA_RUNTIME_DIR"])
"""
_FROM_INIT = {"python": 'code_dir = init["code_dir"]', "nodejs": "const msg = JSON.parse(line);"}
_FROM_ENVIRONMENT = {
    "python": 'code_dir = os.environ["LAMBDA_TASK_ROOT"]',
    "nodejs": f"{_FROM_INIT['nodejs']} if ('code_dir' in msg) msg.code_dir = "
    "process.env.LAMBDA_TASK_ROOT;",
}


def close() -> None:
    """Isolate every process, and let workers find their code by its path in the sandbox."""
    folder = Path(tempfile.gettempdir())
    packages = folder / "runtime"
    lambda_runtime.link(packages)
    install(Isolation(sandbox.level(), packages, private=folder.parent))
    ministack.start_workers_with(_with_sandbox_paths)
    ministack.swap(ministack.function_workers, "subprocess", _with_bounded_output)
    ministack.swap(ministack.function_workers, "zipfile", _with_modes)
    for kind in ("Worker", "ProvidedWorker"):
        worker = ministack.store(ministack.function_workers, kind)
        ministack.swap(worker, "invoke", _with_a_new_log)


def _with_sandbox_paths(kind: str, script: str) -> str:
    """Make a worker's script read the path of its code from the environment, as it is inside."""
    if _FROM_INIT[kind] not in script:
        raise EmulatorError(f"ministack {ministack.PINNED}: the {kind} worker has changed")
    script = script.replace(_FROM_INIT[kind], _FROM_ENVIRONMENT[kind])
    return _PATHS + script if kind == "python" else script


def _with_bounded_output(module: Any) -> Any:
    return SimpleNamespace(**{**vars(module), "Popen": WorkerProcess})


def _with_modes(module: Any) -> Any:
    return SimpleNamespace(**{**vars(module), "ZipFile": ZipFileWithModes})


class ZipFileWithModes(zipfile.ZipFile):
    """A zip whose programs can be run when it is unzipped; zipfile leaves modes out."""

    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
        """Extract the members, and make executable those that were packed so."""
        super().extractall(path, members, pwd)
        for entry in self.infolist():
            if entry.external_attr >> 16 & stat.S_IXUSR and not entry.is_dir():
                Path(path or ".", entry.filename).chmod(0o755)


def _with_a_new_log(invoke: Callable[..., Any]) -> Callable[..., Any]:
    def invoking(worker: Any, *rest: Any, **more: Any) -> Any:
        process = vars(worker)["_proc"]
        if isinstance(process, WorkerProcess) and process.log:
            process.log.renew()
        return invoke(worker, *rest, **more)

    return invoking


class WorkerProcess(IsolatedProcess):
    """The process of a function, whose output is read within limits."""

    log: BoundedLog | None = None

    def __init__(self, args: Any, **options: Any) -> None:
        """Start the process; workers write results to stdout, custom runtimes write their log there."""
        super().__init__(args, **options)
        streams: dict[str, Any] = vars(self)  # Popen declares them as plain files.
        if self.stderr is not None:
            self.log = streams["stderr"] = BoundedLog(self.stderr)
            streams["stdout"] = BoundedResults(self.stdout, self.terminate)
        else:
            self.log = streams["stdout"] = BoundedLog(self.stdout)


class BoundedLog:
    """The lines of a log, up to LOG_BYTES; further lines are dropped until `renew`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._left = LOG_BYTES

    def renew(self) -> None:
        """Start the log of another invocation."""
        self._left = LOG_BYTES

    def readline(self) -> Any:
        """Return the next line within the limit; read and drop others, so the process can go on."""
        while line := self._stream.readline(_LOG_LINE_BYTES):
            had, self._left = self._left, self._left - len(line)
            if self._left >= 0:
                return line
            if had >= 0:
                return f"{_CUT}\n" if isinstance(line, str) else f"{_CUT}\n".encode()
        return line

    def __iter__(self) -> Iterator[Any]:
        """Yield the lines within the limit."""
        while line := self.readline():
            yield line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class BoundedResults:
    """Lines with one result each; a result that is too large is replaced by Lambda's error."""

    def __init__(self, stream: Any, end: Callable[[], None]) -> None:
        self._stream = stream
        self._end = end

    def readline(self) -> str:
        """Return the next line; terminate a process whose line is too long."""
        line: str = self._stream.readline(_ENVELOPE_BYTES)
        if len(line) >= _ENVELOPE_BYTES:
            self._end()
        elif len(line) <= RESPONSE_BYTES or _response_bytes(line) <= RESPONSE_BYTES:
            return line
        return json.dumps({"status": "error", "error": _TOO_LARGE}) + "\n"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _response_bytes(line: str) -> int:
    """Return the length of the response in *line* in UTF-8, as Lambda counts it."""
    try:
        result = json.loads(line)["result"]
    except (ValueError, TypeError, KeyError):
        return len(line)
    return len(json.dumps(result, ensure_ascii=False).encode(errors="replace"))
