"""The creation of the database users, on a real PostgreSQL."""

from __future__ import annotations

import psycopg
import pytest

from stacks.database import APPLICATION, MIGRATOR
from tests.lambdas.postgres import Postgres

pytestmark = pytest.mark.thorough


def test_bootstrap_is_idempotent(instance: Postgres) -> None:
    """A second run creates nothing. Both users log in with a token and have no extra attributes."""
    instance.bootstrap()

    assert instance.bootstrap() == {"created": []}
    for user in (MIGRATOR, APPLICATION):
        with instance.connect(user) as connection:
            assert (user,) == connection.execute("SELECT current_user").fetchone()
        assert [(user, False, False, False, False, None)] == instance.query(
            "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolvaliduntil"
            " FROM pg_roles WHERE rolname = %s",
            user,
        )
        assert instance.query(
            "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = %s::regrole", user
        ) == [("rds_iam",)]


def test_bootstrap_creates_a_missing_user(instance: Postgres) -> None:
    """If one of the users was dropped, it is created again."""
    instance.bootstrap()
    with instance.connect(instance.master_credentials()["username"]) as master:
        for statement in ("REVOKE ALL ON DATABASE cruddur", "REVOKE ALL ON SCHEMA public"):
            master.execute(f"{statement} FROM {APPLICATION}")
        found = instance.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in found:
            instance.query(f'DROP TABLE "{table}"')
        master.execute(f"DROP ROLE {APPLICATION}")

    assert instance.bootstrap() == {"created": [APPLICATION]}


def test_the_master_user_keeps_its_password(instance: Postgres) -> None:
    """The master user is not a member of the others: RDS would require a token from it."""
    instance.bootstrap()
    master = instance.master_credentials()["username"]

    granted = instance.query(
        "SELECT roleid::regrole::text FROM pg_auth_members"
        " WHERE member = %s::regrole AND (inherit_option OR set_option)",
        master,
    )

    assert {(MIGRATOR,), (APPLICATION,)}.isdisjoint(granted)


@pytest.mark.parametrize("password", ["wrong", "", "it's \\ 100%s"])
def test_a_wrong_password(instance: Postgres, password: str, capfd) -> None:
    """A wrong password is refused and is neither in the error nor in the log."""
    event = instance.master_credentials() | {"do": "bootstrap", "password": password}

    with pytest.raises(psycopg.OperationalError) as refused:
        instance.invoke(event)

    text = str(refused.value) + "".join(capfd.readouterr())
    assert "password" in text
    assert not password or password not in text
