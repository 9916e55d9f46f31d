"""`db.connect` and `db.sessions`; tests/end_to_end connects to a database."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import db
from operations import port_forwarding, project
from operations.target import Target
from tests.operations.fake_account import START_LINE, Account, Client, aws_error, use_account
from tests.programs import SHEBANG

DATABASE = {
    "Address": "db.x.ca-central-1.rds.amazonaws.com",
    "Port": "5432",
    "Name": "cruddur",
    "Application": "application",
    "Migrator": "migrator",
}
PSQL = f"""{SHEBANG}
import os, sys
print(sys.argv[1:], file=sys.stderr)
for name in sorted(os.environ):
    if name.startswith("PG"):
        print(f"{{name}}={{os.environ[name]}}")
sys.exit(int(os.environ.get("CODE", "0")))
"""


@pytest.fixture
def psql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A psql that prints its arguments and variables."""
    file = tmp_path / "psql"
    file.write_text(PSQL)
    file.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account with a database, and a fake of port forwarding."""

    @contextmanager
    def forwarded_port(_: Target, host: str, port: int):
        assert (DATABASE["Address"], 5432) == (host, port)
        yield 40404

    monkeypatch.setattr(port_forwarding, "forwarded_port", forwarded_port)
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)
    client = Client(generate_db_auth_token="token")
    return use_account(monkeypatch, Account({"database": DATABASE}, {"rds": client}))


@pytest.mark.usefixtures("psql")
@pytest.mark.parametrize("user", ["application", "migrator"])
def test_connect(account: Account, capfd, monkeypatch, user: str) -> None:
    """Psql connects to the forwarded port, and verifies the certificate of the database.

    The token is not in an argument. The operator's own variables for libpq are not passed on.
    """
    monkeypatch.setenv("PGSERVICE", "overrides-all-that-follows")
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")

    db.connect(Context(), user=user, command="SELECT 1")

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
    assert err == f"{START_LINE}['--command', 'SELECT 1']\n"
    assert (project.ROOT / "lambdas/shared/database.pem").exists()
    [(_, arguments)] = account.clients["rds"].calls
    assert [DATABASE["Address"], 5432, user] == [arguments["0"], arguments["1"], arguments["2"]]


@pytest.mark.usefixtures("psql")
def test_exit_code(account: Account, monkeypatch) -> None:
    """The exit code of psql is that of the task."""
    monkeypatch.setenv("CODE", "3")

    with pytest.raises(Exit) as ended:
        db.connect(Context())

    assert ended.value.code == 3


@pytest.mark.usefixtures("psql")
def test_unknown_user(account: Account, capsys) -> None:
    """A user that is not in the list, such as the master user, is refused."""
    with pytest.raises(Exit):
        db.connect(Context(), user="overseer")

    assert (
        "--user=overseer: unknown\nhint: one of: application, migrator" in capsys.readouterr().err
    )


def test_no_psql(account: Account, monkeypatch, capsys, tmp_path: Path) -> None:
    """A missing psql is an error before a connection is opened."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Exit):
        db.connect(Context())

    assert "psql is not on PATH" in capsys.readouterr().err
    assert account.clients["rds"].calls == []


def test_no_psycopg(account: Account, monkeypatch, capsys) -> None:
    """A missing psycopg, as in a pipeline, is an error."""
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(Exit):
        db.sessions(Context())

    assert "psycopg is not installed" in capsys.readouterr().err


def test_an_unreachable_database(account: Account, capsys) -> None:
    """The error of libpq is printed without the token."""
    with pytest.raises(Exit):
        db.sessions(Context())

    error = capsys.readouterr().err
    assert "error: the database: connection failed" in error
    assert "token" not in error.replace("db.bootstrap", "")
    assert account.clients["rds"].calls


@pytest.mark.usefixtures("psql")
def test_not_deployed(monkeypatch, capsys) -> None:
    """The hint names the stack to deploy."""
    use_account(monkeypatch, Account())

    with pytest.raises(Exit):
        db.connect(Context())

    assert "hint: run ./inv deploy --stack=database --env=x\n" in capsys.readouterr().err


@pytest.mark.usefixtures("psql")
def test_an_error_of_aws(account: Account, capsys) -> None:
    """The error of AWS is printed."""
    account.clients["rds"].answers["generate_db_auth_token"] = [aws_error()]

    with pytest.raises(Exit):
        db.connect(Context())

    assert "AccessDenied" in capsys.readouterr().err
