"""Migrations are numbered, and a missing database user is recognised."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import CloudError, GuardError
from operations import db
from operations.target import Target
from tests.operations.fake_account import ENVIRONMENT, Account


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('password authentication failed for user "migrator"', True),
        ('PAM authentication failed for user "application"', True),
        ("connection timed out", False),
    ],
)
def test_is_missing_user(message: str, *, expected: bool) -> None:
    """A failed authentication is recognised in the messages of PostgreSQL and of RDS."""
    assert db.is_missing_user(CloudError(message)) == expected


def test_migrations_are_numbered(tmp_path: Path) -> None:
    """The first one has number 1; files without a number are ignored."""
    (tmp_path / "notes.sql").touch()

    files = db.write_migration(tmp_path, "users")

    assert [file.name for file in files] == ["0001_users.sql", "0001_users.rollback.sql"]


def test_sample_data_is_refused_in_a_protected_environment(monkeypatch) -> None:
    """Sample data is refused before any call of AWS."""
    protected = type(ENVIRONMENT.env)(
        **{name: getattr(ENVIRONMENT.env, name) for name in ENVIRONMENT.env.__struct_fields__}
        | {"protect": True}
    )
    monkeypatch.setattr(Target, "env", protected)

    with pytest.raises(GuardError, match="x is protected"):
        db.seed(Target(ENVIRONMENT, Account()))
