"""A PostgreSQL and a user pool for servers that tests start as processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.backend.api import token
from tests.backend.clusters import Cluster, migrated_cluster
from tests.backend.process.servers import Server, started
from tests.lambdas import access_tokens

SUB = "0b9f0a3e-6f0b-4b50-8c6f-3d1f0e7b6a51"


@pytest.fixture(scope="session")
def postgres():
    """A server that the tests of a module may restart."""
    with migrated_cluster() as created:
        with created.connect() as owner:
            owner.execute(
                "INSERT INTO users (display_name, handle, email, cognito_user_id)"
                " VALUES ('Andrew', 'andrew', 'andrew@example.com', %s)",
                [SUB],
            )
        yield created


class UserPool:
    """A local endpoint of a user pool; *available* is false while it must fail."""

    def __init__(self) -> None:
        pool = self
        self.available, self.requests = True, 0

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pool.requests += 1
                self.send_response(200 if pool.available else 503)
                self.end_headers()
                self.wfile.write(access_tokens.USUAL_KEYS if pool.available else b"")

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="session")
def pool():
    """The user pool whose tokens the server accepts."""
    created = UserPool()
    yield created
    created.close()


@pytest.fixture(scope="module")
def variables(postgres: Cluster, pool: UserPool) -> dict[str, str]:
    """The environment of a server."""
    return {"TEST_POSTGRES": str(postgres.folder), "TEST_POOL": pool.url}


@pytest.fixture(scope="module")
def server(variables, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that the tests of a module share."""
    with started(tmp_path_factory.mktemp("server"), **variables) as running:
        yield running


@pytest.fixture
def new_server(variables, tmp_path: Path) -> Iterator[Server]:
    """A server for one test, which may end it."""
    with started(tmp_path, **variables) as running:
        yield running


@pytest.fixture(scope="session")
def bearer() -> dict[str, str]:
    """The header with a valid token of the user `andrew`."""
    return {"Authorization": f"Bearer {token(SUB)}"}
