"""One PostgreSQL server: its data folder, its process, and its socket inside the data folder.

It listens on that socket only. The front (front.py) is who talks to it, after it has checked
what RDS checks before PostgreSQL does; the socket lets members of rds_iam in without a password.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import EmulatorError
from emulator import isolated_processes
from emulator.postgres import launcher, protocol
from emulator.postgres.binaries import Binaries
from emulator.process import is_locked

ADMIN = "rdsadmin"  # PostgreSQL's superuser on RDS; nobody logs in as it from outside.
_SOCKET = ".s.PGSQL.5432"
_LONGEST_SOCKET = 100  # macOS takes 103 bytes, Linux 107.
_PATIENCE = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
_START_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.01
_LAST_LINES = 8

# Who may grant rds_iam is a member of it for PostgreSQL, so they come before its other members.
_WHO_MAY = f"""\
# Only the emulator comes this way. It asks members of rds_iam for a token itself.
local all {ADMIN}         trust
local all +rds_superuser  scram-sha-256
local all +rds_iam        trust
local all all             scram-sha-256
"""

# No fsync: it guards against power cuts. What is committed survives a kill all the same.
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
_SINCE_18 = {"io_method": "sync"}  # Else three more processes, for disks faster than ours.

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Place:
    """What stands where in the folder of one database."""

    folder: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's own: data folder, working folder and socket."""
        return self.folder / "data"

    @property
    def lock(self) -> Path:
        """Held by every process of the server."""
        return self.folder / "lock"

    @property
    def log(self) -> Path:
        """What the server said since its last start."""
        return self.folder / "postgres.log"

    @property
    def ready(self) -> Path:
        """There once the database is made completely; a half-made one is made anew."""
        return self.folder / "ready"

    @property
    def pid(self) -> int | None:
        """The server's process, true only while the lock is held."""
        try:
            return int((self.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError):
            return None

    @property
    def major(self) -> int:
        """The version of the PostgreSQL that reads the data folder."""
        return int((self.data / "PG_VERSION").read_text())


def end(place: Place) -> None:
    """End the server of *place* that some other process started, and wait until it is gone."""
    for name, seconds in _PATIENCE:
        deadline = time.monotonic() + seconds
        if is_locked(place.lock) and (pid := place.pid):
            with contextlib.suppress(ProcessLookupError):  # It went by itself.
                os.kill(pid, name)
        while is_locked(place.lock):
            if time.monotonic() > deadline:
                break
            time.sleep(_LOOK_AGAIN_SECONDS)
        else:
            return
    message = f"PostgreSQL (process {place.pid}) does not end"
    raise EmulatorError(message, hint=f"it holds {place.lock}, and says in {place.log} why")


class Server:
    """The server of *place*, as a child of this process."""

    def __init__(self, place: Place, binaries: Binaries) -> None:
        self.place = place
        self._binaries = binaries
        self._process: asyncio.subprocess.Process | None = None

    @property
    def version(self) -> str:
        """The version that runs."""
        return self._binaries.version

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def initialise(self) -> None:
        """Make the data folder."""
        made = await self._launch(
            "initdb",
            *("--pgdata", str(self.place.data), "--username", ADMIN, "--auth", "trust"),
            *("--encoding", "UTF8", *_locale(self._binaries.major)),
            *("--wal-segsize", "1", "--no-sync", "--no-instructions"),
        )
        if await made.wait() != 0:
            raise self._failed("its data folder could not be made")
        (self.place.data / "pg_hba.conf").write_text(_WHO_MAY)

    async def start(self) -> None:
        """Start it and wait until it takes connections."""
        await asyncio.to_thread(end, self.place)
        settings = _SETTINGS | (_SINCE_18 if self._binaries.major >= 18 else {})
        options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
        self._process = await self._launch("postgres", "-D", str(self.place.data), *options)
        deadline = time.monotonic() + _START_SECONDS
        while not self._says_ready():
            if not self.runs or time.monotonic() > deadline:
                raise self._failed("it does not start")
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def stop(self, *, at_once: bool = False) -> None:
        """End it: cleanly, or *at_once* when its data is not wanted any more."""
        if self._process is None:
            return
        for name, seconds in _PATIENCE[1 if at_once else 0 :]:
            if self.runs:
                self._process.send_signal(name)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), seconds)
                return
        raise self._failed("it does not end")

    async def connect(self) -> Connection:
        """Connect to its socket, whose path may be longer than a socket's path can be."""
        path = self.place.data / _SOCKET
        if len(os.fsencode(path)) <= _LONGEST_SOCKET or not launcher.LINUX:
            return await asyncio.open_unix_connection(path)
        folder = os.open(self.place.data, os.O_RDONLY)
        try:
            return await asyncio.open_unix_connection(f"/proc/self/fd/{folder}/{_SOCKET}")
        finally:
            os.close(folder)

    async def run(self, *statements: str) -> None:
        """Run SQL as the superuser, each statement on its own."""
        reader, writer = await self.connect()
        try:
            writer.write(protocol.log_in(ADMIN, "postgres"))
            await _until_idle(reader)
            for statement in statements:
                writer.write(protocol.query(statement))
                await _until_idle(reader)
        finally:
            writer.close()

    async def _launch(self, program: str, *arguments: str) -> asyncio.subprocess.Process:
        """Start a program of PostgreSQL on the loop's thread, which lives as long as we do."""
        with self.place.log.open("wb") as log, isolated_processes.trusted():
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", launcher.__file__),
                *(str(self.place.lock), str(os.getpid())),
                *(self._binaries.program(program), *arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=0o077,
                env=_environment(self.place),
            )

    def _says_ready(self) -> bool:
        """Read the file in which PostgreSQL says how it is, unless an earlier one left it."""
        if self._process is None or self.place.pid != self._process.pid:
            return False
        said = (self.place.data / "postmaster.pid").read_text().splitlines()
        return said[-1].strip() == "ready"

    def _failed(self, what: str) -> EmulatorError:
        text = self.place.log.read_text(errors="replace") if self.place.log.exists() else ""
        said = "\n".join(f"  {line}" for line in text.splitlines()[-_LAST_LINES:])
        hint = f"all of it: {self.place.log}"
        if launcher.NO_NAMESPACE in text:
            hint = "run as a user who is not root, or allow user namespaces (docs/emulator.md)"
        return EmulatorError(f"PostgreSQL {self._binaries.version}: {what}:\n{said}", hint=hint)


def _environment(place: Place) -> dict[str, str]:
    """Return the whole environment of PostgreSQL."""
    home = str(place.folder)
    return {"PATH": os.defpath, "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8"}


def _locale(major: int) -> tuple[str, ...]:
    """Return how to have text that is UTF-8 and sorts by code point, on any machine."""
    if major >= 17:
        return ("--locale-provider", "builtin", "--locale", "C.UTF-8")
    return ("--locale", "C.UTF-8" if launcher.LINUX else "en_US.UTF-8")


async def _until_idle(reader: asyncio.StreamReader) -> None:
    """Read answers until PostgreSQL waits for the next statement."""
    while (message := await protocol.read_message(reader))[:1] != protocol.READY:
        if message[:1] == protocol.ERROR:
            raise EmulatorError(f"PostgreSQL says: {protocol.told(message)}")
