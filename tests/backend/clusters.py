"""A PostgreSQL cluster for the tests of one process: real, on a Unix socket, without durability.

TLS and IAM tokens are tested with the emulator's RDS, in test_rds.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from emulator.postgres import binaries, launcher
from migrate import files, runner
from migrate.time_limit import TimeLimit
from shared import database
from stacks.database import APPLICATION, MIGRATOR

ROOT = Path(__file__).parents[2]
MIGRATIONS = ROOT / "backend" / "db" / "migrations"
_WITHOUT_DURABILITY = (
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "shared_buffers=64MB",
)
_OPTIONS = ("listen_addresses=", "max_connections=60", "jit=off")


@dataclass(frozen=True)
class Cluster:
    """A running server with its data and socket in *folder*."""

    folder: Path
    programs: binaries.Binaries
    servers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def parameters(self, user: str = APPLICATION, dbname: str = "cruddur") -> dict[str, Any]:
        """Return the keyword arguments of psycopg.connect."""
        return {"host": str(self.folder), "user": user, "dbname": dbname, "connect_timeout": 2}

    def connect(self, user: str = MIGRATOR, dbname: str = "cruddur") -> psycopg.Connection[Any]:
        return psycopg.connect(**self.parameters(user, dbname), autocommit=True)

    def waiting(self) -> int:
        """Return the number of connections that wait for a lock."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        with self.connect("postgres") as connection:
            [(count,)] = connection.execute(query).fetchall()
        return int(count)

    def stop(self) -> None:
        """Stop the server, which ends all connections."""
        server = self.servers.pop()
        server.send_signal(signal.SIGINT)
        server.wait(60)

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        settings = [word for option in (*_WITHOUT_DURABILITY, *_OPTIONS) for word in ("-c", option)]
        server = self.launch(
            "postgres", "-D", str(self.folder / "data"), "-k", str(self.folder), *settings
        )
        self.servers.append(server)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.connect("postgres", "postgres").close()
            except psycopg.OperationalError:
                assert server.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            else:
                return

    def launch(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a program of PostgreSQL, never as root; the program ends when this process ends."""
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", launcher.__file__),
                    *(str(self.folder / "lock"), str(os.getpid())),
                    *(self.programs.program(program), *arguments),
                ],
                stdout=log,
                stderr=log,
                umask=0o077,
                env={"PATH": os.defpath, "HOME": str(self.folder), "LANG": "C.UTF-8"},
            )

    def create_database(self, dbname: str) -> None:
        """Drop and create a database, with the users and privileges that the function `migrate` creates."""
        with self.connect("postgres", "postgres") as master:
            master.execute(f"DROP DATABASE IF EXISTS {dbname} WITH (FORCE)")
            master.execute(f"CREATE DATABASE {dbname}")
            for user in (MIGRATOR, APPLICATION):
                if not master.execute(
                    "SELECT 1 FROM pg_roles WHERE rolname = %s", [user]
                ).fetchone():
                    master.execute(f"CREATE ROLE {user} LOGIN")
                master.execute(f"GRANT CONNECT ON DATABASE {dbname} TO {user}")
        with self.connect("postgres", dbname) as master:
            master.execute(f"GRANT USAGE ON SCHEMA public TO {MIGRATOR}, {APPLICATION}")
            master.execute(f"GRANT CREATE ON SCHEMA public TO {MIGRATOR}")
            master.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")

    @contextmanager
    def runner(self, dbname: str = "cruddur") -> Iterator[Migrations]:
        """Make the runner of the function `migrate` connect to this cluster."""

        def connect(**settings: str) -> psycopg.Connection[Any]:
            options = " ".join(f"-c {name}={value}" for name, value in settings.items())
            parameters = self.parameters(MIGRATOR, dbname) | {"options": options}
            return psycopg.connect(**parameters, autocommit=True)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(database, "connect", connect)
            yield Migrations()


class Migrations:
    """The migrations of backend/db/, applied by the runner of the function `migrate`."""

    names = tuple(migration.name for migration in files.read(MIGRATIONS).migrations)

    def migrate(self, *, last: str | None = None) -> list[str]:
        """Apply the pending migrations, by default all of them."""
        folder = files.read(MIGRATIONS)
        count = len(self.names) if last is None else self.names.index(last) + 1
        return runner.migrate(replace(folder, migrations=folder.migrations[:count]), TimeLimit())[
            "applied"
        ]

    def roll_back(self, steps: int) -> list[str]:
        return runner.roll_back(files.read(MIGRATIONS), TimeLimit(), steps, None)["rolled_back"]


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Create a cluster in a folder with a short path, which sockets require; remove it at the end."""
    with tempfile.TemporaryDirectory(prefix="crd-") as folder:
        created = Cluster(Path(folder), binaries.find("bundled", "18"))
        locale = ("--locale-provider=builtin", "--locale=C.UTF-8", "--encoding=UTF8")
        initdb = created.launch(
            "initdb",
            "-D",
            f"{folder}/data",
            "-A",
            "trust",
            "-U",
            "postgres",
            "--no-sync",
            "--wal-segsize=1",
            *locale,
        )
        assert initdb.wait() == 0, (created.folder / "log").read_text()
        created.start()
        try:
            yield created
        finally:
            if created.servers:
                created.stop()


@contextmanager
def migrated_cluster() -> Iterator[Cluster]:
    """Create a cluster with the database `cruddur` and its tables."""
    with cluster() as created:
        created.create_database("cruddur")
        with created.runner() as migrations:
            migrations.migrate()
        yield created
