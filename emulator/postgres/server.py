"""One PostgreSQL server: its data folder, its process, and its socket inside the data folder.

The server listens on that socket only. Clients connect to the proxy (proxy.py), which first applies
RDS's access rules; the socket accepts members of rds_iam without a password.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time

from deployer.errors import EmulatorError
from emulator import isolated_processes
from emulator.locks import is_locked
from emulator.postgres import launcher, protocol
from emulator.postgres.binaries import Binaries
from emulator.postgres.paths import DatabasePaths

SUPERUSER = "rdsadmin"  # As on RDS; clients cannot log in as this user.
_SOCKET = ".s.PGSQL.5432"
_MAX_SOCKET_PATH_BYTES = 100  # The limit of macOS is 103 bytes, that of Linux 107.
_STOP_SIGNALS = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
_START_SECONDS = 60.0
_POLL_SECONDS = 0.01
_LOG_LINES = 8

# The first matching line applies. rds_superuser has rds_iam WITH ADMIN OPTION, so PostgreSQL treats its
# members as members of rds_iam.
_HBA = f"""\
# Only the emulator's proxy uses this socket. It checks the tokens of members of rds_iam.
local all {SUPERUSER}         trust
local all +rds_superuser  scram-sha-256
local all +rds_iam        trust
local all all             scram-sha-256
"""

# fsync protects against power failures only; committed data survives a kill without it.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "fsync": "off",
    "shared_buffers": "32MB",
    "max_logical_replication_workers": "0",
    "TimeZone": "UTC",
    "log_timezone": "UTC",
}
_SETTINGS_SINCE_18 = {"io_method": "sync"}  # The default starts three more processes.

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def terminate(paths: DatabasePaths) -> None:
    """Stop a server that another process may have started, and wait until it has ended."""
    for stop_signal, seconds in _STOP_SIGNALS:
        deadline = time.monotonic() + seconds
        if is_locked(paths.lock) and (pid := paths.pid):
            with contextlib.suppress(ProcessLookupError):  # It has just ended.
                os.kill(pid, stop_signal)
        while is_locked(paths.lock):
            if time.monotonic() > deadline:
                break
            time.sleep(_POLL_SECONDS)
        else:
            return
    message = f"PostgreSQL (process {paths.pid}) does not stop: it holds the lock {paths.lock}"
    raise EmulatorError(message, hint=f"see the log of the database: {paths.log}")


class Server:
    """The server of the database in the folder of *paths*, as a child of this process."""

    def __init__(self, paths: DatabasePaths, binaries: Binaries) -> None:
        self.paths = paths
        self._binaries = binaries
        self._process: asyncio.subprocess.Process | None = None

    @property
    def version(self) -> str:
        """The version of PostgreSQL."""
        return self._binaries.version

    @property
    def is_running(self) -> bool:
        """Whether the server was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def initialize(self) -> None:
        """Create the data folder."""
        initdb = await self._launch(
            "initdb",
            *("--pgdata", str(self.paths.data), "--username", SUPERUSER, "--auth", "trust"),
            *("--encoding", "UTF8", *_locale_options(self._binaries.major_version)),
            *("--wal-segsize", "1", "--no-sync", "--no-instructions"),
        )
        if await initdb.wait() != 0:
            raise self._error("its data folder could not be created")
        (self.paths.data / "pg_hba.conf").write_text(_HBA)

    async def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        await asyncio.to_thread(terminate, self.paths)
        settings = _SETTINGS | (_SETTINGS_SINCE_18 if self._binaries.major_version >= 18 else {})
        options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
        self._process = await self._launch("postgres", "-D", str(self.paths.data), *options)
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if not self.is_running or time.monotonic() > deadline:
                raise self._error("it does not start")
            await asyncio.sleep(_POLL_SECONDS)

    async def stop(self, *, immediately: bool = False) -> None:
        """Stop the server: cleanly, or *immediately* if its data is no longer needed."""
        if self._process is None:
            return
        for stop_signal, seconds in _STOP_SIGNALS[1 if immediately else 0 :]:
            if self.is_running:
                self._process.send_signal(stop_signal)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), seconds)
                return
        raise self._error("it does not stop")

    async def connect(self) -> Connection:
        """Connect to the socket, on Linux also if its path exceeds the length limit of sockets."""
        path = self.paths.data / _SOCKET
        if len(os.fsencode(path)) <= _MAX_SOCKET_PATH_BYTES or not launcher.LINUX:
            return await asyncio.open_unix_connection(path)
        folder = os.open(self.paths.data, os.O_RDONLY)
        try:
            return await asyncio.open_unix_connection(f"/proc/self/fd/{folder}/{_SOCKET}")
        finally:
            os.close(folder)

    async def run_sql(self, *statements: str) -> None:
        """Run statements as the superuser, each in a transaction of its own."""
        reader, writer = await self.connect()
        try:
            writer.write(protocol.startup_message(SUPERUSER, "postgres"))
            await _wait_for_ready(reader)
            for statement in statements:
                writer.write(protocol.query(statement))
                await _wait_for_ready(reader)
        finally:
            writer.close()

    async def _launch(self, program: str, *arguments: str) -> asyncio.subprocess.Process:
        """Start a program of PostgreSQL.

        The launcher ends the program when its parent thread ends: the thread of the event loop, which
        runs until this process ends.
        """
        with self.paths.log.open("wb") as log, isolated_processes.trusted():
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", launcher.__file__),
                *(str(self.paths.lock), str(os.getpid())),
                *(self._binaries.program(program), *arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=0o077,
                env=_environment(self.paths),
            )

    def _is_ready(self) -> bool:
        """Return whether PostgreSQL's status file belongs to this process and contains "ready"."""
        if self._process is None or self.paths.pid != self._process.pid:
            return False
        lines = (self.paths.data / "postmaster.pid").read_text().splitlines()
        return lines[-1].strip() == "ready"

    def _error(self, fact: str) -> EmulatorError:
        text = self.paths.log.read_text(errors="replace") if self.paths.log.exists() else ""
        lines = "\n".join(f"  {line}" for line in text.splitlines()[-_LOG_LINES:])
        hint = f"see the whole log: {self.paths.log}"
        if launcher.NO_NAMESPACE in text:
            hint = "run as a user who is not root, or allow user namespaces (docs/emulator.md)"
        message = (
            f"PostgreSQL {self._binaries.version}: {fact}; the last lines of its log:\n{lines}"
        )
        return EmulatorError(message, hint=hint)


def _environment(paths: DatabasePaths) -> dict[str, str]:
    """Return PostgreSQL's whole environment."""
    home = str(paths.folder)
    return {"PATH": os.defpath, "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8"}


def _locale_options(major_version: int) -> tuple[str, ...]:
    """Return initdb's options for UTF-8 text that is sorted by code point, on any machine."""
    if major_version >= 17:
        return ("--locale-provider", "builtin", "--locale", "C.UTF-8")
    return ("--locale", "C.UTF-8" if launcher.LINUX else "en_US.UTF-8")


async def _wait_for_ready(reader: asyncio.StreamReader) -> None:
    """Read messages until PostgreSQL is ready for the next statement; raise its errors."""
    while (message := await protocol.read_message(reader))[:1] != protocol.READY_FOR_QUERY:
        if message[:1] == protocol.ERROR_RESPONSE:
            raise EmulatorError(f"PostgreSQL: {protocol.error_message(message)}")
