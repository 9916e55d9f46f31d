"""Events, refusals and the log of the function."""

from __future__ import annotations

import json
import logging
import re
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from post_confirmation import names, rows
from post_confirmation.handler import UnavailableError
from post_confirmation.user_profile import RefusedError
from tests.emulator_server import REGION
from tests.lambdas.post_confirmation.sign_ups import (
    EVENTS,
    SUB,
    assert_no_personal_data,
    deliver,
    log_lines,
    sign_up_event,
    users,
)
from tests.lambdas.postgres import Postgres

pytestmark = pytest.mark.thorough


def test_forgot_password(database: Postgres) -> None:
    """After a forgotten password, the same trigger adds nothing."""
    event = json.loads((EVENTS / "confirm_forgot_password.json").read_text())

    assert deliver(event) is event

    assert users(database) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"email": None},
        {"email": ""},
        {"email": "not-an-address"},
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
def test_required_attributes(database: Postgres, changes: dict[str, str | None], capfd) -> None:
    """Without a valid address and id no row is added, and the user sees an error."""
    with pytest.raises(RefusedError) as refused:
        deliver(sign_up_event(**changes))

    assert users(database) == []
    output = capfd.readouterr()
    assert [{"event": "refused", "reason": min(changes)}] == log_lines(output.out)
    assert_no_personal_data(str(refused.value), *output)


_TEXT = st.text(st.characters(codec="utf-8"), max_size=60)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(name=_TEXT, handle=_TEXT, mail=st.one_of(st.emails(), _TEXT))
@example(name="Robert'); DROP TABLE users;--", handle="'; DELETE FROM users;--", mail="o'k@x.com")
@example(name="%s %(id)s {} $1", handle="\\", mail="%s@x.com")
@example(name='"', handle="' OR ''='", mail="'||(SELECT 1)||'@x.com")
def test_any_text(database: Postgres, name: str, handle: str, mail: str) -> None:
    """Any text of a user is a value, never SQL: it is stored, or refused with an error."""
    database.query("TRUNCATE users CASCADE")

    try:
        deliver(sign_up_event(name=name, preferred_username=handle, email=mail))
    except RefusedError:
        assert users(database) == []
    else:
        [(name_in_row, handle_in_row, address, sub)] = users(database)
        assert (mail, SUB) == (address, sub)
        assert name_in_row
        assert not names.has_hidden(
            re.sub("[\\u200c\\u200d\\ufe00-\\ufe0f\\U000e0000-\\U000e01ef]", "", name_in_row)
        )
        assert handle_in_row == handle or not re.fullmatch("[0-9A-Za-z_]{1,30}", handle)


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
def test_events_of_other_pools_and_triggers(
    database: Postgres, change: dict[str, Any], capfd
) -> None:
    """An event of another pool or trigger is refused and logged in one line."""
    with pytest.raises(RefusedError):
        deliver(sign_up_event() | change)

    assert users(database) == []
    assert [{"event": "refused", "reason": min(change)}] == log_lines(capfd.readouterr().out)


def test_an_empty_event(database: Postgres, capfd) -> None:
    """An empty event is refused."""
    with pytest.raises(RefusedError):
        deliver({})

    assert users(database) == []
    assert [line["event"] for line in log_lines(capfd.readouterr().out)] == ["refused"]


def test_a_bug_is_logged_and_raised(database: Postgres, monkeypatch, capfd) -> None:
    """A bug is raised as it is, so that the log of Lambda has its traceback."""

    def broken(*_: Any) -> None:
        raise TypeError("a bug")

    monkeypatch.setattr(rows, "add", broken)

    with pytest.raises(TypeError):
        deliver(sign_up_event())

    (line,) = log_lines(capfd.readouterr().out)
    assert (line["event"], line["error"]) == ("failed", "TypeError")


@pytest.mark.parametrize("outcome", ["added", "existed", "another_handle"])
def test_no_personal_data_is_logged(database: Postgres, outcome: str, capfd, caplog) -> None:
    """Neither the log nor the error has a name, an address, a Cognito id or SQL.

    This applies to any log level.
    """
    caplog.set_level(logging.DEBUG)
    first: dict[str, dict[str, str]] = {
        "added": {"sub": str(uuid.UUID(int=1)), "email": "x@x", "preferred_username": "x"},
        "existed": {},
        "another_handle": {"sub": str(uuid.UUID(int=1)), "email": "x@x"},
    }
    deliver(sign_up_event(**first[outcome]))
    errors: list[BaseException] = []

    try:
        deliver(sign_up_event())
    except RefusedError as error:
        errors.append(error)

    output = capfd.readouterr()
    assert outcome in output.out
    assert all(error.__cause__ is None and error.__suppress_context__ for error in errors)
    assert_no_personal_data(*map(str, errors), *output, caplog.text)


def test_no_row_is_quoted(database: Postgres, monkeypatch, capfd) -> None:
    """PostgreSQL quotes the row that violates a constraint; the error and the log do not."""
    monkeypatch.setattr(rows, "_ADD", rows._ADD.replace("%(name)s,", "repeat(%(name)s, 99),"))

    with pytest.raises(UnavailableError) as failed:
        deliver(sign_up_event())

    output = capfd.readouterr()
    assert '"error": "CheckViolation", "sqlstate": "23514"' in output.out
    assert (failed.value.__cause__, failed.value.__suppress_context__) == (None, True)
    assert_no_personal_data(str(failed.value), *output)
