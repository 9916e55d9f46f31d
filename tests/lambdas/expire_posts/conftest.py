"""The fixtures of post_confirmation over another instance: both may exist in one process."""

from __future__ import annotations

import pytest

from tests.lambdas.post_confirmation.conftest import credentials, database, migrated

__all__ = ["credentials", "database"]


@pytest.fixture(scope="session")
def instance(server, tmp_path_factory):
    """An instance with the tables of the project."""
    with migrated(server, tmp_path_factory, 4) as running:
        yield running
