"""A PostgreSQL and a user pool for servers that tests start as processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backend.api import token
from tests.backend.clusters import Cluster, migrated_cluster
from tests.backend.process.servers import Server, started
from tests.lambdas import access_tokens
from tests.loopback import Loopback, RecordedRequest, Response

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


class UserPool(Loopback):
    """A local endpoint of a user pool, which fails while *available* is false."""

    available = True

    def next(self, request: RecordedRequest) -> Response:
        keys = Response(access_tokens.USUAL_KEYS.decode())
        self.on("GET", keys if self.available else Response(status=503))
        return super().next(request)


@pytest.fixture(scope="session")
def pool():
    """The user pool whose tokens the server accepts."""
    with UserPool() as created:
        yield created


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
