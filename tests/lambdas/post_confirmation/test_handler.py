"""The function that gives a person their row, on a real PostgreSQL and on some that fail."""

from __future__ import annotations

import copy
import json
import logging
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import botocore.session
import psycopg
import pytest
from cryptography import x509
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from migrate import handler as migrate
from post_confirmation import handler, names, rows, user_profile
from post_confirmation.handler import UnavailableError
from post_confirmation.user_profile import RefusedError
from shared import database as connections
from shared.avatars import avatar_id
from stacks.database import APPLICATION
from tests.emulator_server import REGION
from tests.lambdas import execution_role
from tests.lambdas.postgres import ROOT, Postgres, postgres

pytestmark = pytest.mark.thorough

EVENTS = Path(ROOT, "lambdas/post_confirmation/events")
COGNITO_WAITS_SECONDS = 4.5  # 5, less what the way there and back takes.
SUB = "0c4d5e6f-1111-4222-8333-444455556666"
PERSONAL = ("Londo", "londo", "londo@example.com", SUB)


def confirmed(**attributes: str | None) -> dict[str, Any]:
    """The event for a person with these *attributes*; those that are None are left out."""
    event: dict[str, Any] = json.loads((EVENTS / "confirm_sign_up.json").read_text())
    known = event["request"]["userAttributes"] | attributes
    event["request"]["userAttributes"] = {k: v for k, v in known.items() if v is not None}
    return event


def lines_of(written: str) -> list[dict[str, Any]]:
    """Return the logged lines."""
    return [json.loads(line) for line in written.splitlines()]


def deliver(event: dict[str, Any]) -> dict[str, Any]:
    """As Cognito does."""
    return handler.handler(event, None)


@pytest.fixture(scope="module")
def made(server, tmp_path_factory):
    """A database with the project's tables."""
    with postgres(server, tmp_path_factory, 3) as database, pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "DATABASE", Path(ROOT, "backend/db"))
        database.bootstrap()
        database.invoke({"do": "migrate"})
        yield database


@pytest.fixture(scope="module")
def least(made: Postgres) -> dict[str, str]:
    """The credentials of a role that may come as the application, and nothing else."""
    arn = f"arn:aws:rds-db:{REGION}:{made.aws.endpoint.account}:dbuser"
    may = {
        "Effect": "Allow",
        "Action": "rds-db:connect",
        "Resource": f"{arn}:{made.description['DbiResourceId']}/{APPLICATION}",
    }
    return execution_role.function_environment(made.aws, may)


@pytest.fixture
def database(made: Postgres, least: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    """No row, and around us what the function finds around it."""
    made.query("TRUNCATE users CASCADE")
    for name, value in (made.environment(APPLICATION) | least).items():
        monkeypatch.setenv(name, value)
    return made


def people(database: Postgres) -> list[tuple[str, ...]]:
    """All rows: name, handle, mail address, who they are in Cognito."""
    return database.query(
        "SELECT display_name, handle, email, cognito_user_id FROM users ORDER BY created_at"
    )


def test_one_row(database: Postgres) -> None:
    """One confirmed person, one row, and the very event back (L12)."""
    event = confirmed()
    before = copy.deepcopy(event)

    assert deliver(event) is event

    assert before == event
    assert [("Londo Mollari", "londo", "londo@example.com", SUB)] == people(database)


def test_again(database: Postgres) -> None:
    """However often it is delivered, and whatever changed meanwhile (L03)."""
    for _ in range(3):
        deliver(confirmed())
    deliver(confirmed(name="Emperor", email="emperor@example.com", preferred_username="emperor"))

    assert [("Londo Mollari", "londo", "londo@example.com", SUB)] == people(database)


def test_twins(database: Postgres) -> None:
    """At the same moment: one row, and no delivery fails (L03)."""
    gate = threading.Barrier(8)

    def at_once() -> None:
        gate.wait()
        deliver(confirmed())

    for _ in range(5):
        database.query("TRUNCATE users CASCADE")
        with ThreadPoolExecutor(8) as pool:
            for call in [pool.submit(at_once) for _ in range(8)]:
                call.result()
        assert [("Londo Mollari", "londo", "londo@example.com", SUB)] == people(database)


def test_a_race_for_a_handle(database: Postgres) -> None:
    """Somebody is about to get the handle, and does while we wait for it: we take another."""
    other = (
        "INSERT INTO users (display_name, handle, email, cognito_user_id) VALUES (%s, %s, %s, %s)"
    )
    with database.connect(APPLICATION) as first, ThreadPoolExecutor(1) as pool:
        with first.transaction():
            first.execute(other, ["Other", "Londo", "other@example.com", "other"])
            call = pool.submit(deliver, confirmed())
            _until_somebody_waits(database)
        call.result()

    assert ["Londo", f"londo_{avatar_id(SUB)[:4]}"] == [
        handle for _, handle, *_ in people(database)
    ]


def _until_somebody_waits(database: Postgres, *, seconds: float = 5) -> None:
    """Look until a statement of the application waits for another one."""
    waiting = (
        "SELECT FROM pg_stat_activity WHERE usename = current_user AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + seconds
    with database.connect(APPLICATION) as observer:
        while observer.execute(waiting).fetchone() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_forgot_password(database: Postgres) -> None:
    """The same trigger tells of those who come back: nothing to do (L04)."""
    event = json.loads((EVENTS / "confirm_forgot_password.json").read_text())

    assert deliver(event) is event

    assert [] == people(database)


@pytest.mark.parametrize("taken", ["londo", "LONDO"])
def test_a_taken_handle(database: Postgres, taken: str, capfd) -> None:
    """It can never be changed in Cognito, so the person gets one like it, and the log says so (L05)."""
    deliver(confirmed(sub=str(uuid.UUID(int=1)), email="first@example.com"))
    deliver(confirmed(preferred_username=taken))

    assert f"{taken}_{avatar_id(SUB)[:4]}" == people(database)[1][1]
    assert '"added_with_another_handle"' in capfd.readouterr().out


def test_every_handle_is_taken(database: Postgres) -> None:
    """Somebody sits on all we would try: an error for the person, and no row (L05)."""
    for number, handle in enumerate(user_profile.read(attributes()).handles):
        others = {"sub": str(uuid.UUID(int=number)), "email": f"{number}@example.com"}
        deliver(confirmed(preferred_username=handle, **others))

    with pytest.raises(UnavailableError, match="Please write to us"):
        deliver(confirmed())

    assert 3 == len(people(database))


@pytest.mark.parametrize("mail", ["londo@example.com", "LONDO@Example.com"])
def test_a_mail_address_that_changed_hands(database: Postgres, mail: str) -> None:
    """Cognito gives it to one person at a time: who has changed or left it has it no more (L05)."""
    other = str(uuid.UUID(int=1))
    deliver(confirmed(sub=other, preferred_username="other"))

    deliver(confirmed(email=mail))
    deliver(confirmed(sub=other, preferred_username="other"))  # Once more, and long after.

    assert [(None, other), (mail, SUB)] == [(mail, sub) for *_, mail, sub in people(database)]


def attributes(**more: str | None) -> dict[str, str]:
    """What Cognito tells of a person."""
    found: dict[str, str] = confirmed(**more)["request"]["userAttributes"]
    return found


@pytest.mark.parametrize(
    ("told", "name", "handle"),
    [
        ({"name": None}, "londo", "londo"),
        ({"name": "  \n\t "}, "londo", "londo"),
        ({"name": "\0Londo\n\u202eMollari "}, "Londo Mollari", "londo"),
        ({"name": "x" * 2048}, "x" * 100, "londo"),
        ({"preferred_username": "Londo_1"}, "Londo Mollari", "Londo_1"),
        ({"preferred_username": "@londo.mollari"}, "Londo Mollari", "londo_mollari"),
        ({"preferred_username": "José K."}, "Londo Mollari", "Jose_K"),
        ({"preferred_username": "..%2f"}, "Londo Mollari", "2f"),
        ({"preferred_username": "l\u043endo"}, "Londo Mollari", "londo"),
        ({"preferred_username": "x" * 2048}, "Londo Mollari", "x" * 30),
        ({"preferred_username": None}, "Londo Mollari", "Londo_Mollari"),
        ({"preferred_username": "皇帝"}, "Londo Mollari", "HuangDi"),
        ({"preferred_username": "\u200d!"}, "Londo Mollari", "Londo_Mollari"),
        ({"name": "\u3164\u2800", "preferred_username": "londo"}, "londo", "londo"),
        ({"name": None, "preferred_username": ""}, *[f"person_{avatar_id(SUB)[:8]}"] * 2),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_is_missing_or_odd(told: dict[str, str | None], name: str, handle: str) -> None:
    """Name and handle are made as good as they can be: nobody can say them again (L06)."""
    found = user_profile.read(attributes(**told))

    assert (name, handle) == (found.name, found.handles[0])
    for each in found.handles:
        assert re.fullmatch("[0-9A-Za-z_]{1,30}", each)


@pytest.mark.parametrize(
    "told",
    [
        {"email": None},
        {"email": ""},
        {"email": "nobody"},
        {"email": "a@b\n"},
        {"email": "a@b c"},
        {"email": "a@b\0"},
        {"email": "a@b\u200d"},
        {"email": "\u3164a@b"},
        {"email": f"{'x' * 250}@x.com"},
        {"sub": None},
        {"sub": ""},
        {"sub": "not-a-uuid"},
        {"sub": f"{SUB}\n"},
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_cannot_be_missing(database: Postgres, told: dict[str, str | None], capfd) -> None:
    """Without a mail address or an id there is no row, and the person is told (L06)."""
    with pytest.raises(RefusedError) as refused:
        deliver(confirmed(**told))

    assert [] == people(database)
    written = capfd.readouterr()
    assert [{"event": "refused", "reason": min(told)}] == lines_of(written.out)
    assert_nothing_personal(str(refused.value), *written)


_TEXT = st.text(st.characters(codec="utf-8"), max_size=60)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=_TEXT, handle=_TEXT, mail=st.one_of(st.emails(), _TEXT))
@example(name="Robert'); DROP TABLE users;--", handle="'; DELETE FROM users;--", mail="o'k@x.com")
@example(name="%s %(id)s {} $1", handle="\\", mail="%s@x.com")
@example(name='"', handle="' OR ''='", mail="'||(SELECT 1)||'@x.com")
def test_any_text(database: Postgres, name: str, handle: str, mail: str) -> None:
    """Whatever people type is a value, never SQL: their row, or a refusal they are told (L07)."""
    database.query("TRUNCATE users CASCADE")

    try:
        deliver(confirmed(name=name, preferred_username=handle, email=mail))
    except RefusedError:
        assert [] == people(database)
    else:
        [(shown, found, address, sub)] = people(database)
        assert (mail, SUB) == (address, sub)
        assert shown
        assert not names.has_hidden(
            re.sub("[\\u200c\\u200d\\ufe00-\\ufe0f\\U000e0000-\\U000e01ef]", "", shown)
        )
        assert found == handle or not re.fullmatch("[0-9A-Za-z_]{1,30}", handle)


@pytest.mark.parametrize(
    "change",
    [
        {"userPoolId": "us-west-2_EXAMPLE01"},
        {"userPoolId": f"{REGION}_"},
        {"userPoolId": f"{REGION}_EXAMPLE01\n"},
        {"userPoolId": f"x{REGION}_EXAMPLE01"},
        {"userPoolId": "ca.central.1_EXAMPLE01"},
        {"userPoolId": ""},
        {"userPoolId": None},
        {"triggerSource": "PreSignUp_SignUp"},
        {"triggerSource": "TokenGeneration_Authentication"},
        {"triggerSource": None},
    ],
    ids=repr,
)
def test_a_foreign_event(database: Postgres, change: dict[str, Any], capfd) -> None:
    """Of no pool that may be ours, or of another trigger: refused, in one line (L13)."""
    with pytest.raises(RefusedError):
        deliver(confirmed() | change)

    assert [] == people(database)
    assert [{"event": "refused", "reason": min(change)}] == lines_of(capfd.readouterr().out)


def test_an_empty_event(database: Postgres, capfd) -> None:
    """Invoked by hand with nothing (L13)."""
    with pytest.raises(RefusedError):
        deliver({})

    assert [] == people(database)
    assert ["refused"] == [line["event"] for line in lines_of(capfd.readouterr().out)]


@contextmanager
def silent(greeting: bytes):
    """A port that takes a connection, says *greeting* and then nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:

        def answer() -> socket.socket:
            connection, _ = server.accept()
            connection.recv(8)
            connection.sendall(greeting)
            return connection

        answered = pool.submit(answer)
        yield str(server.getsockname()[1])
        answered.result().close()


@pytest.mark.parametrize("greeting", [b"", b"S"], ids=["never", "then nothing"])
def test_it_does_not_answer(database: Postgres, greeting: bytes, monkeypatch, capfd) -> None:
    """Told to the person before Cognito gives up (L01, L02, L08)."""
    with silent(greeting) as port:
        monkeypatch.setenv("PGPORT", port)
        begun = time.monotonic()

        with pytest.raises(UnavailableError) as failed:
            deliver(confirmed())

        assert 1.5 < time.monotonic() - begun < COGNITO_WAITS_SECONDS
    assert_nothing_personal(str(failed.value), *capfd.readouterr())


class Swallowing:
    """A proxy to *port* that forwards so many records of the client, then loses all the others.

    To whoever speaks, all arrives: no time-out of TCP helps.
    """

    def __init__(self, port: int, times: int) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = str(self._server.getsockname()[1])
        self._to, self._times = port, times
        self.swallowed = 0
        Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                Thread(target=self._forward, args=(client, server), daemon=True).start()
                Thread(target=self._back, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError), client, server, client.makefile("rb") as said:
            for times in count():
                # What asks for TLS, and its records (RFC 8446, 5.1), whatever packets they come in.
                header = said.read(5 if times else 8)
                record = header + said.read(int.from_bytes(header[3:]) if times else 0)
                if not record:
                    return
                if times < self._times:
                    server.sendall(record)
                else:
                    self.swallowed += 1

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while said := server.recv(65_536):
                client.sendall(said)


@pytest.mark.parametrize("times", range(7))
def test_it_falls_silent(database: Postgres, times: int, monkeypatch, capfd) -> None:
    """At any stage, from the first byte to the INSERT: reported in time, in one line (L02, L08).

    Nothing of the attempt is left, neither its thread nor its connection.
    """
    monkeypatch.setattr(handler, "DEADLINE_SECONDS", 0.7)
    proxy = Swallowing(database.description["Endpoint"]["Port"], times)
    monkeypatch.setenv("PGPORT", proxy.port)
    real = connections._token
    monkeypatch.setattr(connections, "_token", lambda: token_for(database, real))
    begun = time.monotonic()
    with pytest.raises(UnavailableError) as failed:
        deliver(confirmed())
    took = time.monotonic() - begun

    assert 0.6 < took < 1.2
    assert proxy.swallowed
    written = capfd.readouterr()
    assert ["failed"] == [line["event"] for line in lines_of(written.out)]
    assert_nothing_personal(str(failed.value), *written)
    assert ended("post_confirmation")
    proxy.close()


def token_for(database: Postgres, token: Callable[[], str]) -> str:
    """A token for where the database is, since a proxy is elsewhere."""
    where = database.description["Endpoint"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGHOST", where["Address"])
        patch.setenv("PGPORT", str(where["Port"]))
        return token()


def ended(name: str, *, seconds: float = 4) -> bool:
    """Whether no thread of that *name* is left, or will be in so many *seconds*."""
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(seconds)
    return not any(thread.name == name for thread in threading.enumerate())


def test_falling_silent_at_the_insert_is_told_in_time(database: Postgres, monkeypatch) -> None:
    """By the deadline that the function has, not one of a test (L02, L08)."""
    proxy = Swallowing(database.description["Endpoint"]["Port"], 6)
    monkeypatch.setenv("PGPORT", proxy.port)
    real = connections._token
    monkeypatch.setattr(connections, "_token", lambda: token_for(database, real))
    begun = time.monotonic()

    with pytest.raises(UnavailableError):
        deliver(confirmed())

    assert time.monotonic() - begun < COGNITO_WAITS_SECONDS
    proxy.close()


def test_no_name_server_answers(database: Postgres, monkeypatch, capfd) -> None:
    """A look-up that never ends is not waited for; it does nothing when it does end (L01)."""
    answered = threading.Event()
    look_up = socket.getaddrinfo
    real = connections._token
    monkeypatch.setattr(connections, "_token", lambda: token_for(database, real))
    monkeypatch.setenv("PGHOST", "localhost")
    deliver(confirmed())  # By that name it can be reached.
    database.query("TRUNCATE users CASCADE")
    capfd.readouterr()

    def never(*where: Any, **more: Any) -> Any:
        answered.wait(20)
        return look_up(*where, **more)

    monkeypatch.setattr(socket, "getaddrinfo", never)
    monkeypatch.setattr(handler, "DEADLINE_SECONDS", 0.3)
    begun = time.monotonic()

    with pytest.raises(UnavailableError):
        deliver(confirmed())

    assert time.monotonic() - begun < 1
    assert [("failed", "DeadlineError")] == [
        (line["event"], line["error"]) for line in lines_of(capfd.readouterr().out)
    ]
    answered.set()
    assert ended("post_confirmation")
    assert [] == people(database)


def test_a_bug_is_one_line_and_a_traceback(database: Postgres, monkeypatch, capfd) -> None:
    """It is not called an outage: Lambda's log shows where it is."""

    def broken(*_: Any) -> None:
        raise TypeError("a bug")

    monkeypatch.setattr(rows, "add", broken)

    with pytest.raises(TypeError):
        deliver(confirmed())

    (line,) = lines_of(capfd.readouterr().out)
    assert ("failed", "TypeError") == (line["event"], line["error"])


def test_nobody_listens(database: Postgres, monkeypatch, capfd) -> None:
    """Tried twice, since that costs nothing, then told; the log has one line for each (L01, L02)."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    monkeypatch.setenv("PGPORT", port)
    begun = time.monotonic()

    with pytest.raises(UnavailableError, match="Please write to us") as failed:
        deliver(confirmed())

    assert time.monotonic() - begun < 2
    written = capfd.readouterr()
    lines = lines_of(written.out)
    assert ["retrying", "failed"] == [line["event"] for line in lines]
    assert {"OperationalError"} == {line["error"] for line in lines}
    assert_nothing_personal(str(failed.value), *written)


def test_a_table_in_use(database: Postgres, capfd) -> None:
    """A lock that does not go away: the statement gives up in time (L08)."""
    with database.connect("migrator") as other, other.transaction():
        other.execute("LOCK TABLE users")
        begun = time.monotonic()

        with pytest.raises(UnavailableError):
            deliver(confirmed())

        assert time.monotonic() - begun < COGNITO_WAITS_SECONDS
    assert '"sqlstate": "57014"' in capfd.readouterr().out
    assert [] == people(database)
    deliver(confirmed())
    assert 1 == len(people(database))


def test_too_many_connections(database: Postgres, monkeypatch, capfd) -> None:
    """It may be over a moment later: tried once more (L08)."""
    refused = psycopg.errors.TooManyConnections("FATAL: too many connections for londo")
    answers = iter([refused])
    add = rows.add

    def sometimes(*what: Any) -> rows.Outcome:
        for answer in answers:
            raise answer
        return add(*what)

    monkeypatch.setattr(rows, "add", sometimes)

    deliver(confirmed())

    assert 1 == len(people(database))
    assert '"error": "TooManyConnections", "sqlstate": "53300"' in capfd.readouterr().out


def test_the_budget() -> None:
    """There is one deadline over all; a second attempt that begins late enough fits in."""
    statements = 3 * int(rows.STATEMENT_TIMEOUT.removesuffix("ms")) / 1000

    assert handler.DEADLINE_SECONDS < COGNITO_WAITS_SECONDS
    assert handler.RETRY_LIMIT_SECONDS + connections.CONNECT_SECONDS < handler.DEADLINE_SECONDS
    assert handler.RETRY_LIMIT_SECONDS + statements < handler.DEADLINE_SECONDS


def test_a_token_that_is_not_taken(database: Postgres, monkeypatch) -> None:
    """Each attempt makes a new one (L10)."""
    real = connections._token
    tokens = iter(["no token", real()])
    monkeypatch.setattr(connections, "_token", lambda: next(tokens))

    deliver(confirmed())

    assert 1 == len(people(database))


@pytest.mark.parametrize("user", ["application", "o'k & co/%"])
def test_the_token(monkeypatch, user: str) -> None:
    """To the letter what botocore's client of RDS makes at the same moment (L10)."""
    known = {
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_SESSION_TOKEN": "a session/+=",
        "PGHOST": "database.example.com",
        "PGPORT": "5432",
        "PGUSER": user,
    }
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    moment = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: moment)
    client = botocore.session.get_session().create_client("rds", region_name=REGION)

    theirs = client.generate_db_auth_token("database.example.com", 5432, user)

    assert theirs == connections._token()
    assert "20261120T120000Z" in theirs


def test_a_role_that_may_not(database: Postgres, monkeypatch, capfd) -> None:
    """Its right is for the application alone: as anybody else it is refused (L10)."""
    monkeypatch.setenv("PGUSER", "migrator")

    with pytest.raises(UnavailableError):
        deliver(confirmed())

    assert_nothing_personal(*capfd.readouterr())


def test_somebody_else_answers(database: Postgres, monkeypatch) -> None:
    """Our own roots do not know who vouches for the emulator: nothing is sent (L09)."""
    monkeypatch.delenv("PGSSLROOTCERT")

    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        connections.connect()


def test_no_tls(database: Postgres, monkeypatch) -> None:
    """The environment cannot make it less: PGSSLMODE is not asked (L09)."""
    monkeypatch.setenv("PGSSLMODE", "disable")

    with connections.connect() as connection:
        assert connection.pgconn.ssl_in_use
        assert "verify-full" == connection.info.get_parameters()["sslmode"]


def test_the_roots_are_good() -> None:
    """Those of each region of config/: they vouch for themselves, and for long (L09).

    That RDS uses them is in its user guide; it was not tried on AWS.
    """
    regions = {
        re.findall(r'^region = "(.*)"', file.read_text(), re.MULTILINE)[0]
        for file in Path(ROOT, "config").glob("*.toml")
    }
    roots = x509.load_pem_x509_certificates(connections.ROOTS.read_bytes())
    names = {
        each.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value for each in roots
    }

    for each in roots:
        each.verify_directly_issued_by(each)
        assert 2060 < each.not_valid_after_utc.year
        assert each.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    for region in {"ca-central-1", "us-east-1", *regions}:
        for kind in ("RSA2048", "RSA4096", "ECC384"):
            assert f"Amazon RDS {region} Root CA {kind} G1" in names
    assert len(names) == len(roots)


@pytest.mark.parametrize("outcome", ["added", "existed", "another_handle"])
def test_nothing_personal_is_told(database: Postgres, outcome: str, capfd, caplog) -> None:
    """Neither the log nor the error has a name, an address, an id of Cognito or SQL (L11).

    At any level of the log.
    """
    caplog.set_level(logging.DEBUG)
    first: dict[str, dict[str, str]] = {
        "added": {"sub": str(uuid.UUID(int=1)), "email": "x@x", "preferred_username": "x"},
        "existed": {},
        "another_handle": {"sub": str(uuid.UUID(int=1)), "email": "x@x"},
    }
    deliver(confirmed(**first[outcome]))
    told: list[BaseException] = []

    try:
        deliver(confirmed())
    except RefusedError as error:
        told.append(error)

    written = capfd.readouterr()
    assert outcome in written.out
    assert all(error.__cause__ is None and error.__suppress_context__ for error in told)
    assert_nothing_personal(*map(str, told), *written, caplog.text)


def test_what_postgres_quotes_is_not_told(database: Postgres, monkeypatch, capfd) -> None:
    """A constraint that is broken quotes the whole row; the person and the log get none of it (L11)."""
    monkeypatch.setattr(rows, "_ADD", rows._ADD.replace("%(name)s,", "repeat(%(name)s, 99),"))

    with pytest.raises(UnavailableError) as failed:
        deliver(confirmed())

    written = capfd.readouterr()
    assert '"error": "CheckViolation", "sqlstate": "23514"' in written.out
    assert (None, True) == (failed.value.__cause__, failed.value.__suppress_context__)
    assert_nothing_personal(str(failed.value), *written)


def assert_nothing_personal(*told: str) -> None:
    """None of the texts says who somebody is, how to log in, or what was asked."""
    for text in told:
        for word in (*PERSONAL, "X-Amz", "INSERT", "127.0.0.1"):
            assert word.lower() not in text.lower()
