"""The home feed with 100,000 posts of 10,000 users, in one worker process, over HTTP.

The peers execute the same statement on the same PostgreSQL: a bare WSGI application with psycopg in
gunicorn, which has no authentication, validation, pages or logs, and FastAPI with asyncpg in uvicorn,
once with the headers and the log of this endpoint, and once without them. A goal of 1.667 means 0.6
times the requests per second of the peer. The lines `p99` compare the 99th percentile of the latency
with eight connections. Memory is that of one worker.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from tests.backend.clusters import Cluster, cluster
from tests.backend.process.conftest import UserPool
from tests.backend.process.servers import VARIABLES, free_port
from tests.bench.feed.load import Load, load
from tests.bench.timing import ROOT, SCRATCH, Absent, Line, Measure, Row

HERE = Path(__file__).parent / "feed"
HOME = SCRATCH / "feed"
PATH = "/api/activities/home"
REQUESTS = 800
_SECONDS_TO_START = 30

_ADD_USERS = """
    INSERT INTO users (display_name, handle, cognito_user_id)
    SELECT 'User ' || n, 'user' || n, gen_random_uuid()::text FROM generate_series(1, 10000) AS n
"""
_ADD_POSTS = """
    INSERT INTO activities (user_uuid, message, created_at, expires_at)
    SELECT
        author.uuid,
        'Post ' || n || repeat(' of some length', 8),
        current_timestamp - n * interval '1 second',
        current_timestamp + interval '10 days'
    FROM generate_series(1, 100000) AS n
    JOIN (SELECT uuid, row_number() OVER () AS number FROM users) AS author
        ON author.number = n % 10000 + 1
"""


@dataclass(frozen=True)
class Server:
    """A running server and its processes."""

    port: int
    pids: list[int]


def rows(rounds: int) -> Iterator[Line]:
    """Yield the rows: requests and p99, against each peer."""
    with ExitStack() as stack:
        postgres = stack.enter_context(cluster())
        _fill(postgres)
        variables = _variables(postgres, stack)
        ours = stack.enter_context(_running(_gunicorn(), VARIABLES | variables))
        bare = stack.enter_context(
            _running(_gunicorn("tests.bench.feed.bare:application", HERE), VARIABLES | variables)
        )
        yield from _compared("a bare WSGI application", ours, bare, rounds, goal=1 / 0.6)
        python = _install()
        if python is None:
            yield Absent("against FastAPI with asyncpg", "not measured: it cannot be installed")
            return
        same = stack.enter_context(_running(_uvicorn(python, "same"), variables))
        yield from _compared("the same in FastAPI with asyncpg", ours, same, rounds, goal=1.0)
        minimal = stack.enter_context(_running(_uvicorn(python, "minimal"), variables))
        yield from _compared("minimal FastAPI with asyncpg", ours, minimal, rounds)


def _fill(postgres: Cluster) -> None:
    postgres.create_database("cruddur")
    with postgres.runner() as migrations:
        migrations.migrate()
    with postgres.connect() as owner:
        owner.execute(_ADD_USERS)
        owner.execute(_ADD_POSTS)
        owner.execute("ANALYZE")


def _variables(postgres: Cluster, stack: ExitStack) -> dict[str, str]:
    """Return the environment of all servers."""
    from cruddur.statements import Statement

    pool = stack.enter_context(UserPool())
    statement = Statement("activities/sql/home.sql").text.decode()
    placeholders = {
        "viewer": "$1::text",
        "position_time": "$2",
        "position_id": "$3",
        "limit": "$4",
    }
    for_asyncpg = re.sub(r"%\((\w+)\)s", lambda match: placeholders[match[1]], statement)
    return {
        "TEST_POSTGRES": str(postgres.folder),
        "TEST_POOL": pool.url,
        "FEED_DATABASE": f"host={postgres.folder} user=application dbname=cruddur",
        "FEED_SOCKET": str(postgres.folder),
        "FEED_STATEMENT": statement.replace(
            "%(position_time)s", "%(position_time)s::timestamptz"
        ).replace("%(position_id)s", "%(position_id)s::uuid"),
        "FEED_STATEMENT_ASYNCPG": for_asyncpg,
    }


def _gunicorn(application: str = "", folder: Path | None = None) -> list[str]:
    """Return the command for one worker with eight threads, by default with our settings."""
    command = [sys.executable, "-m", "gunicorn", "--workers=1"]
    if folder is None:
        settings = ROOT / "backend/gunicorn.conf.py"
        # A worker that is replaced after its largest number of requests cannot be measured further.
        command += [f"--config={settings}", "--max-requests=0"]
        return [*command, "tests.backend.process.application:create()"]
    return [*command, "--worker-class=gthread", "--threads=8", "--keep-alive=75", application]


def _uvicorn(python: Path, application: str) -> list[str]:
    return [str(python), "-m", "uvicorn", "--log-level=warning", f"fastapi_app:{application}"]


def _install() -> Path | None:
    """Install FastAPI in an environment of its own; return its Python, or None if it fails."""
    lock = HERE / "requirements.txt"
    python, installed = HOME / "bin" / "python", HOME / "installed.txt"
    if installed.exists() and installed.read_text() == lock.read_text():
        return python
    uv = [sys.executable, "-m", "uv"]
    steps = (
        [*uv, "venv", "--quiet", "--clear", f"--python={sys.executable}", str(HOME)],
        [*uv, "pip", "install", "--quiet", "--require-hashes", f"--python={python}", f"-r{lock}"],
    )
    if any(subprocess.run(step, check=False).returncode for step in steps):
        return None
    installed.write_text(lock.read_text())
    return python


@contextmanager
def _running(command: list[str], variables: Mapping[str, str]) -> Iterator[Server]:
    """Start a server, and wait until it answers."""
    port = free_port()
    is_uvicorn = "uvicorn" in command
    address = [f"--port={port}"] if is_uvicorn else [f"--bind=127.0.0.1:{port}"]
    env = {"PATH": os.defpath, **variables, "PORT": str(port)}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([*command, *address], cwd=HERE, env=env, stdout=log, stderr=log)
        try:
            _wait(port, process)
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
            yield Server(port, [int(pid) for pid in children.split()] or [process.pid])
        finally:
            process.terminate()
            process.wait()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", PATH)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args}: does not answer")
        time.sleep(0.1)


def _compared(
    name: str, ours: Server, peer: Server, rounds: int, *, goal: float | None = None
) -> Iterator[Line]:
    """Yield the rows against one peer, measured in turn."""
    measured = [
        tuple(load(server.port, PATH, REQUESTS, server.pids) for server in (ours, peer))
        for _ in range(rounds + 1)
    ][1:]  # The first round opens the connections.
    for title, attribute, limit in ((f"{REQUESTS} requests", "wall", goal), ("p99", "p99", None)):
        sides = [[_measure(pair[side], attribute) for pair in measured] for side in (0, 1)]
        yield Row(f"{title}, against {name}", tuple(sides[0]), tuple(sides[1]), limit)


def _measure(result: Load, attribute: str) -> Measure:
    return Measure(getattr(result, attribute), result.cpu, result.memory)
