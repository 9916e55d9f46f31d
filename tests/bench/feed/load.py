"""Send requests to a server over several connections, and measure the server."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_CONNECTIONS = 8


@dataclass(frozen=True)
class Load:
    """The measured server: seconds for all requests, CPU seconds, p99 in seconds, and MB of memory."""

    wall: float
    cpu: float
    p99: float
    memory: float


def load(port: int, path: str, requests: int, pids: list[int]) -> Load:
    """Send *requests* over eight connections; *pids* are the processes of the server.

    Raises RuntimeError for another status than 200.
    """
    cpu, started = _cpu(pids), time.perf_counter()
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        counts = [requests // _CONNECTIONS] * _CONNECTIONS
        latencies = sorted(
            latency
            for some in pool.map(lambda count: _latencies(port, path, count), counts)
            for latency in some
        )
    wall = time.perf_counter() - started
    return Load(wall, _cpu(pids) - cpu, latencies[int(len(latencies) * 0.99)], _memory(pids))


def _latencies(port: int, path: str, count: int) -> list[float]:
    """Return the latency of each of *count* requests on one connection."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    latencies = []
    for _ in range(count):
        started = time.perf_counter()
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        latencies.append(time.perf_counter() - started)
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {body[:200]!r}")
    connection.close()
    return latencies


def _cpu(pids: list[int]) -> float:
    """Return the CPU seconds of the processes: see proc_pid_stat(5)."""
    seconds = 0.0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        seconds += (int(fields[11]) + int(fields[12])) / _TICKS
    return seconds


def _memory(pids: list[int]) -> float:
    """Return the resident memory of the largest process in MB."""
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return max(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))
