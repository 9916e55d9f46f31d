"""How psql finds the database; who is connected is asked of a real one in end_to_end/."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from operations import db_connection, port_forwarding, project, target
from tests.operations.answers import FIRST, Account, Client, opened, refused

DATABASE = {
    "Address": "db.x.ca-central-1.rds.amazonaws.com",
    "Port": "5432",
    "Name": "cruddur",
    "Application": "application",
    "Migrator": "migrator",
}
PSQL = f"""#!{sys.executable} -I
import os, sys
print(sys.argv[1:], file=sys.stderr)
for name in sorted(os.environ):
    if name.startswith("PG"):
        print(f"{{name}}={{os.environ[name]}}")
sys.exit(int(os.environ.get("CODE", "0")))
"""


@pytest.fixture
def psql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A psql that only says how it was called."""
    file = tmp_path / "psql"
    file.write_text(PSQL)
    file.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account whose database is reached through a tunnel, which is somebody else's test."""

    @contextmanager
    def to(here: target.Target, host: str, port: int):
        assert (DATABASE["Address"], 5432) == (host, port)
        yield 40404

    monkeypatch.setattr(port_forwarding, "to", to)
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)
    client = Client(generate_db_auth_token="token")
    return opened(monkeypatch, Account({"database": DATABASE}, {"rds": client}))


@pytest.mark.usefixtures("psql")
@pytest.mark.parametrize("user", ["application", "migrator"])
def test_connect(account: Account, capfd, monkeypatch, user: str) -> None:
    """To the port of the tunnel, under the name in the certificate; the token is in no argument.

    No variable of libpq's that was set before sends the token to another server.
    """
    monkeypatch.setenv("PGSERVICE", "overrides-all-that-follows")
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")

    db_connection.connect(Context(), user=user, command="SELECT 1")

    out, err = capfd.readouterr()
    assert out.splitlines() == [
        "PGDATABASE=cruddur",
        f"PGHOST={DATABASE['Address']}",
        "PGHOSTADDR=127.0.0.1",
        "PGPASSWORD=token",
        "PGPORT=40404",
        "PGSSLMODE=verify-full",
        f"PGSSLROOTCERT={project.ROOT}/lambdas/shared/database.pem",
        f"PGUSER={user}",
    ]
    assert f"{FIRST}['--command', 'SELECT 1']\n" == err
    assert (project.ROOT / "lambdas/shared/database.pem").exists()
    [(_, asked)] = account.clients["rds"].asked
    assert [DATABASE["Address"], 5432, user] == [asked["0"], asked["1"], asked["2"]]


@pytest.mark.usefixtures("psql")
def test_exit_code(account: Account, monkeypatch) -> None:
    """What psql ends with is what the task ends with."""
    monkeypatch.setenv("CODE", "3")

    with pytest.raises(Exit) as ended:
        db_connection.connect(Context())

    assert 3 == ended.value.code


@pytest.mark.usefixtures("psql")
def test_unknown_user(account: Account, capsys) -> None:
    """The master has a password, and is not for every day."""
    with pytest.raises(Exit):
        db_connection.connect(Context(), user="overseer")

    assert (
        "--user=overseer: unknown\nhint: one of: application, migrator" in capsys.readouterr().err
    )


def test_no_psql(account: Account, monkeypatch, capsys, tmp_path: Path) -> None:
    """It is said, before a way is opened for it."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Exit):
        db_connection.connect(Context())

    assert "psql is not on PATH" in capsys.readouterr().err
    assert [] == account.clients["rds"].asked


def test_no_psycopg(account: Account, monkeypatch, capsys) -> None:
    """The lock of a pipeline has none."""
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(Exit):
        db_connection.sessions(Context())

    assert "psycopg is not installed" in capsys.readouterr().err


def test_nobody_there(account: Account, capsys) -> None:
    """What libpq says is told, without the token."""
    with pytest.raises(Exit):
        db_connection.sessions(Context())

    told = capsys.readouterr().err
    assert "error: the database: connection failed" in told
    assert "token" not in told.replace("db.bootstrap", "")
    assert account.clients["rds"].asked


@pytest.mark.usefixtures("psql")
def test_not_deployed(monkeypatch, capsys) -> None:
    """There is no database yet."""
    opened(monkeypatch, Account())

    with pytest.raises(Exit):
        db_connection.connect(Context())

    assert "hint: ./inv deploy --stack=database --env=x\n" in capsys.readouterr().err


@pytest.mark.usefixtures("psql")
def test_not_logged_in(account: Account, capsys) -> None:
    """What AWS says is told."""
    account.clients["rds"].answers["generate_db_auth_token"] = [refused()]

    with pytest.raises(Exit):
        db_connection.connect(Context())

    assert "AccessDenied" in capsys.readouterr().err
