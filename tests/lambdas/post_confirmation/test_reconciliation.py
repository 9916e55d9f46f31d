"""`reconcile_users` lets the function add the rows that are missing."""

from __future__ import annotations

from typing import Any

import pytest

from post_confirmation import rows
from post_confirmation.handler import UnavailableError
from tests.lambdas.post_confirmation.sign_ups import (
    PERSONAL_DATA,
    SUB,
    deliver,
    log_lines,
    sign_up_event,
    user_attributes,
    users,
)
from tests.lambdas.postgres import Postgres

pytestmark = pytest.mark.thorough

OTHER = "1c4d5e6f-1111-4222-8333-444455556666"
VIR = user_attributes(
    sub=OTHER, name="Vir Cotto", preferred_username="vir", email="vir@example.com"
)


def reconcile(*users: dict[str, str]) -> dict[str, Any]:
    """Invoke the function as `reconcile_users` does."""
    return deliver({"triggerSource": "Reconciliation", "users": [*users]})


def test_missing_rows_are_added(database: Postgres, capfd) -> None:
    """Only users without a row get one, and the log does not identify them."""
    deliver(sign_up_event())
    capfd.readouterr()

    assert reconcile(user_attributes(), VIR) == {"added": 1, "refused": 0}

    assert [row[1] for row in users(database)] == ["londo", "vir"]
    output = capfd.readouterr().out
    assert [line["event"] for line in log_lines(output)] == ["added"]
    assert not [word for word in (*PERSONAL_DATA, "vir", OTHER) if word in output]


def test_no_users(database: Postgres) -> None:
    """An invocation without users keeps the function active."""
    assert reconcile() == {"added": 0, "refused": 0}


def test_a_refused_user(database: Postgres) -> None:
    """A user with an invalid address does not keep the others from their rows."""
    assert reconcile(user_attributes(email="no address"), VIR) == {"added": 1, "refused": 1}


def test_no_free_handle(database: Postgres, monkeypatch) -> None:
    """A user without a free handle does not keep the others from their rows."""
    real = rows._add

    def add(profile: Any, connection: Any) -> Any:
        if profile.id == SUB:
            raise rows.NoHandleError
        return real(profile, connection)

    monkeypatch.setattr(rows, "_add", add)

    assert reconcile(user_attributes(), VIR) == {"added": 1, "refused": 1}


def test_a_database_that_fails(database: Postgres, monkeypatch) -> None:
    """The invocation fails, so `reconcile_users` fails and its alarm is raised."""
    monkeypatch.setenv("PGPORT", "1")

    with pytest.raises(UnavailableError):
        reconcile(VIR)
