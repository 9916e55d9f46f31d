"""The start of the backend: from the command of the image to the first answered health check.

The goals are 1.5 s of wall time, and 96 MB for a worker: a task of 512 MiB has two, their parent
process, and the collector, which reserves 128 MiB. "Preloaded" is the setting of the image: workers
share the memory of the parent process. Memory is the proportional set size (PSS), after requests.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from tests.backend.process.servers import VARIABLES, free_port
from tests.bench.timing import ROOT, Exact, Line

GOAL_SECONDS, GOAL_MEMORY_MB = 1.5, 96.0
TRACES = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
_REQUESTS = 50
_PATHS = ("/api/health-check", "/api/no-such-path")


@dataclass(frozen=True)
class Start:
    """One start: seconds until the first answer and until a killed worker is replaced, and MB.

    *cpu_seconds* is the processor time of all processes until the first answer.
    """

    seconds: float
    cpu_seconds: float
    replaced_seconds: float
    worker_mb: float
    total_mb: float


def rows(rounds: int) -> Iterator[Line]:
    """Yield the lines of each setting."""
    settings = {
        "preloaded, with traces": (TRACES, ()),
        "preloaded, without traces": ({}, ()),
        "not preloaded, with traces": (TRACES, ("--config", _not_preloaded())),
    }
    for name, (variables, arguments) in settings.items():
        starts = [_measure(variables, arguments) for _ in range(rounds + 1)][1:]
        yield Exact(
            f"{name}: first answer, and the goal",
            median(start.seconds for start in starts),
            GOAL_SECONDS,
            "s",
            1.0,
        )
        yield Exact(
            f"{name}: processor time until then, and the goal",
            median(start.cpu_seconds for start in starts),
            GOAL_SECONDS,
            "s",
            1.0,
        )
        yield Exact(
            f"{name}: new worker for a killed one, and the goal of a start",
            median(start.replaced_seconds for start in starts),
            GOAL_SECONDS,
            "s",
        )
        yield Exact(
            f"{name}: memory of a worker, and the goal",
            median(start.worker_mb for start in starts),
            GOAL_MEMORY_MB,
            "MB",
            1.0,
        )
        yield Exact(
            f"{name}: memory of all processes, and of the task without the collector",
            median(start.total_mb for start in starts),
            512.0 - 128.0,
            "MB",
            1.0,
        )


def _not_preloaded() -> Path:
    """Return a file with the settings of the image, except that each worker imports everything."""
    settings = (ROOT / "backend" / "gunicorn.conf.py").read_text()
    file = Path(tempfile.mkdtemp()) / "gunicorn.conf.py"
    file.write_text(settings.replace("preload_app = True", "preload_app = False"))
    return file


def _measure(variables: dict[str, str], arguments: tuple[str | Path, ...]) -> Start:
    begin = time.perf_counter()
    with _running(variables, arguments) as (process, port, log):
        _wait(lambda: _status(port, _PATHS[0]) == 200)
        seconds = time.perf_counter() - begin
        cpu_seconds = sum(_cpu_seconds(pid) for pid in (process.pid, *_workers(log)))
        _wait(lambda: len(_workers(log)) == 2)
        for number in range(_REQUESTS):
            _status(port, _PATHS[number % len(_PATHS)])
        workers = _workers(log)
        memory = [_memory_mb(pid) for pid in (process.pid, *workers)]
        begin = time.perf_counter()
        os.kill(workers[0], signal.SIGKILL)
        _wait(lambda: len(_workers(log)) == 3)
        replaced = time.perf_counter() - begin
    return Start(seconds, cpu_seconds, replaced, max(memory[1:]), sum(memory))


@contextmanager
def _running(
    variables: dict[str, str], arguments: tuple[str | Path, ...]
) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", *arguments],
                cwd=ROOT / "backend",
                env=VARIABLES | variables | {"PORT": str(port)},
                stdout=output,
                stderr=output,
            )
        try:
            yield process, port, log
        finally:
            process.terminate()
            process.wait(30)


def _status(port: int, path: str) -> int:
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.status


def _workers(log: Path) -> list[int]:
    return [int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", log.read_text())]


def _cpu_seconds(pid: int) -> float:
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(int(ticks) for ticks in times) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> float:
    """Return the proportional set size: shared pages count in part for each process."""
    found = re.search(
        r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE
    )
    if found is None:
        raise RuntimeError("the kernel does not report the memory of processes")
    return int(found[1]) / 1024


def _wait(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.005)
    raise RuntimeError("the server did not start in time")
