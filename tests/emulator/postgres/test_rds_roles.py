"""The SQL of RDS's roles."""

from __future__ import annotations

import pytest

from emulator.postgres import rds_roles


def test_quoting() -> None:
    """Quotes in names and passwords are doubled."""
    expected = """ALTER ROLE "a""b" PASSWORD 'x''y'"""

    assert expected == rds_roles.set_password('a"b', "x'y")


@pytest.mark.parametrize(("database", "created"), [("", 0), ("postgres", 0), ("cruddur", 1)])
def test_database(database: str, created: int) -> None:
    """A database is created unless the name is empty or `postgres`, which exists already."""
    statements = list(rds_roles.statements("root", "password", database))

    assert created == sum(text.startswith("CREATE DATABASE") for text in statements)
