"""Send the output of a container to CloudWatch Logs, as the log driver awslogs does."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import IO, Any

from emulator.ministack import context, services

LINE_BYTES = 256 * 1024  # CloudWatch Logs quotas, Event size; longer lines are split there.
BATCH_SECONDS = 0.1


@dataclass(frozen=True)
class LogStream:
    """A log stream in an account and region."""

    account: str
    region: str
    group: str
    name: str

    def create(self) -> None:
        """Create the stream."""
        with context.scope(self.account, self.region):
            services.create_log_stream(self.group, self.name)

    def write(self, events: list[dict[str, Any]]) -> None:
        """Append *events*; do nothing if the group was deleted."""
        with context.scope(self.account, self.region):
            if self.group in services.log_groups:
                services.put_log_events(self.group, self.name, events)


class Forwarder:
    """Sends the lines of *output* to *stream* until the output ends; without a stream, drops them."""

    def __init__(self, output: IO[bytes], stream: LogStream | None) -> None:
        self._output, self._stream = output, stream
        self._lines: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._has_ended = threading.Event()
        threading.Thread(target=self._read, daemon=True, name="container-output").start()
        threading.Thread(target=self._write, daemon=True, name="container-log").start()

    def _read(self) -> None:
        """Collect lines on this thread, so that slow writing to the log never blocks the program."""
        while line := self._output.readline(LINE_BYTES):
            message = line.decode(errors="replace").rstrip("\r\n")
            if self._stream:
                with self._lock:
                    self._lines.append(
                        {"timestamp": int(time.time() * 1000), "message": message or " "}
                    )
        self._has_ended.set()

    def _write(self) -> None:
        has_ended = False
        while not has_ended:
            has_ended = self._has_ended.wait(BATCH_SECONDS)
            with self._lock:
                lines, self._lines = self._lines, []
            if lines and self._stream:
                self._stream.write(lines)
