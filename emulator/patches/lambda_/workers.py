"""Run functions with the standard library, their own zip, and boto3 with its dependencies only.

The processes of functions are isolated (isolated_processes.py), and their output is limited: neither
results nor logs can fill the emulator's memory. Programs in a zip can be run, as in Lambda.
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
from emulator import isolated_processes
from emulator.isolated_processes import IsolatedProcess, Isolation
from emulator.ministack import lookup, services
from emulator.ministack.hooks import Function
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A function can import the standard library, its own zip, and boto3 with its dependencies; its "
        "environment is Lambda's and that of its template.",
        source="Lambda developer guide, Working with .zip file archives for Python functions; "
        "Lambda environment variables",
        ministack="Everything installed with the emulator, the checkout, and the emulator's "
        "environment: an incomplete zip works.",
        test="lambda_/test_functions.py::test_importable_modules",
    ),
    Difference(
        "Programs in the zip of a function can be run.",
        source="Lambda keeps the modes of the files in a zip; not verified on AWS",
        ministack="The modes are lost: PermissionError.",
        test="lambda_/test_functions.py::test_executable_files",
    ),
    Difference(
        "A response of more than 6 MB is refused, not returned.",
        source="Lambda quotas, Invocation payload; the message is not verified",
        ministack="Returned; an endless one fills the memory.",
        test="../test_isolated_processes.py::test_endless_output",
    ),
)

RESPONSE_BYTES = 6_291_556  # Lambda quotas, Invocation payload; the number is from Lambda's error.
LOG_BYTES = 4 * 1024 * 1024  # Per invocation. Lambda has no such limit.
_LOG_LINE_BYTES = 256 * 1024  # CloudWatch Logs quotas, Event size; longer lines are split there.
_ENVELOPE_BYTES = 6 * RESPONSE_BYTES  # A response whose characters are all escaped: \u00e9.
_TOO_LARGE = (
    f"Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES} bytes)."
)
_TRUNCATED = f"[the emulator keeps {LOG_BYTES} bytes of an invocation's log; the rest is dropped]"

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

_detect_runtime: Function[[str], tuple[str, str]] = Function(
    "_detect_runtime_binary", services.lambda_workers
)
_INVOCATIONS: tuple[Function[..., Any], ...] = tuple(
    Function("invoke", lookup.attribute(services.lambda_workers, worker))
    for worker in ("Worker", "ProvidedWorker")
)
for _module in ("subprocess", "zipfile"):  # `install` replaces both.
    lookup.attribute(services.lambda_workers, _module)


def install() -> None:
    """Install the patch."""
    folder = Path(tempfile.gettempdir())
    packages = folder / "runtime"
    lambda_runtime.link(packages)
    isolated_processes.install(Isolation(sandbox.level(), packages, private=folder.parent))
    _detect_runtime.after(_use_paths_of_sandbox)
    services.lambda_workers.subprocess = SimpleNamespace(
        **{**vars(services.lambda_workers.subprocess), "Popen": WorkerProcess}
    )
    services.lambda_workers.zipfile = SimpleNamespace(
        **{**vars(services.lambda_workers.zipfile), "ZipFile": ZipFileWithModes}
    )
    for invoke in _INVOCATIONS:
        invoke.before(_renew_log)


def _use_paths_of_sandbox(result: tuple[str, str], runtime: str) -> tuple[str, str]:
    """Make a worker's script read the path of its code in the sandbox from the environment."""
    binary, script = result
    if not script:
        return result
    language = "python" if runtime.startswith("python") else "nodejs"
    return binary, script_with_sandbox_paths(language, script)


def script_with_sandbox_paths(language: str, script: str) -> str:
    """Return a worker's *script* for the sandbox; raise EmulatorError if MiniStack's changed."""
    if _FROM_INIT[language] not in script:
        raise EmulatorError(f"ministack {lookup.PINNED_VERSION}: the {language} worker has changed")
    script = script.replace(_FROM_INIT[language], _FROM_ENVIRONMENT[language])
    return _PATHS + script if language == "python" else script


def _renew_log(worker: Any, *_args: Any, **_kwargs: Any) -> None:
    process = vars(worker)["_proc"]
    if isinstance(process, WorkerProcess) and process.log:
        process.log.renew()


class ZipFileWithModes(zipfile.ZipFile):
    """A zip whose programs can be run after it is unzipped; zipfile drops the modes."""

    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
        """Extract the members with the executable mode that they have in the zip."""
        super().extractall(path, members, pwd)
        for entry in self.infolist():
            if entry.external_attr >> 16 & stat.S_IXUSR and not entry.is_dir():
                Path(path or ".", entry.filename).chmod(0o755)


class WorkerProcess(IsolatedProcess):
    """The process of a function, whose output is read within limits."""

    log: BoundedLog | None = None

    def __init__(self, args: Any, **options: Any) -> None:
        """Start the process.

        Workers write results to stdout and their log to stderr; custom runtimes write their log
        to stdout.
        """
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
        self._remaining_bytes = LOG_BYTES

    def renew(self) -> None:
        """Start the log of another invocation."""
        self._remaining_bytes = LOG_BYTES

    def readline(self) -> Any:
        """Return the next line within the limit.

        Read and drop the lines beyond the limit, so that the process is not blocked.
        """
        while line := self._stream.readline(_LOG_LINE_BYTES):
            remaining_before, self._remaining_bytes = (
                self._remaining_bytes,
                self._remaining_bytes - len(line),
            )
            if self._remaining_bytes >= 0:
                return line
            if remaining_before >= 0:
                return f"{_TRUNCATED}\n" if isinstance(line, str) else f"{_TRUNCATED}\n".encode()
        return line

    def __iter__(self) -> Iterator[Any]:
        """Yield the lines within the limit."""
        while line := self.readline():
            yield line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class BoundedResults:
    """Lines with one result each; a result that is too large is replaced by Lambda's error."""

    def __init__(self, stream: Any, terminate: Callable[[], None]) -> None:
        self._stream = stream
        self._terminate = terminate

    def readline(self) -> str:
        """Return the next line; terminate a process whose line is too long."""
        line: str = self._stream.readline(_ENVELOPE_BYTES)
        if len(line) >= _ENVELOPE_BYTES:
            self._terminate()
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
