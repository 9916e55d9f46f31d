"""The rows of users, on a real PostgreSQL."""

from __future__ import annotations

import copy
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from post_confirmation import user_profile
from post_confirmation.handler import UnavailableError
from shared.avatars import avatar_id
from stacks.database import APPLICATION
from tests.lambdas.post_confirmation.sign_ups import (
    SUB,
    deliver,
    sign_up_event,
    user_attributes,
    users,
)
from tests.lambdas.postgres import Postgres

pytestmark = pytest.mark.thorough


def test_one_row_per_user(database: Postgres) -> None:
    """A confirmed user gets one row, and the function returns the same event."""
    event = sign_up_event()
    before = copy.deepcopy(event)

    assert deliver(event) is event

    assert before == event
    assert users(database) == [("Londo Mollari", "londo", "londo@example.com", SUB)]


def test_repeated_events(database: Postgres) -> None:
    """Repeated events change nothing, even with other attributes."""
    for _ in range(3):
        deliver(sign_up_event())
    deliver(
        sign_up_event(name="Emperor", email="emperor@example.com", preferred_username="emperor")
    )

    assert users(database) == [("Londo Mollari", "londo", "londo@example.com", SUB)]


def test_concurrent_events(database: Postgres) -> None:
    """Concurrent events for one user add one row, and none of them fails."""
    barrier = threading.Barrier(8)

    def deliver_after_barrier() -> None:
        barrier.wait()
        deliver(sign_up_event())

    for _ in range(5):
        database.query("TRUNCATE users CASCADE")
        with ThreadPoolExecutor(8) as pool:
            for call in [pool.submit(deliver_after_barrier) for _ in range(8)]:
                call.result()
        assert users(database) == [("Londo Mollari", "londo", "londo@example.com", SUB)]


def test_a_handle_that_is_taken_concurrently(database: Postgres) -> None:
    """If another transaction takes the handle meanwhile, the user gets another handle."""
    insert = (
        "INSERT INTO users (display_name, handle, email, cognito_user_id) VALUES (%s, %s, %s, %s)"
    )
    with database.connect(APPLICATION) as first, ThreadPoolExecutor(1) as pool:
        with first.transaction():
            first.execute(insert, ["Other", "Londo", "other@example.com", "other"])
            call = pool.submit(deliver, sign_up_event())
            _wait_for_lock(database)
        call.result()

    assert [handle for _, handle, *_ in users(database)] == ["Londo", f"londo_{avatar_id(SUB)[:4]}"]


def _wait_for_lock(database: Postgres, *, seconds: float = 60) -> None:
    """Wait until a statement of the application waits for a lock."""
    waiting = (
        "SELECT FROM pg_stat_activity WHERE usename = current_user AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + seconds
    with database.connect(APPLICATION) as observer:
        while observer.execute(waiting).fetchone() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.mark.parametrize("taken", ["londo", "LONDO"])
def test_a_taken_handle(database: Postgres, taken: str, capfd) -> None:
    """If a handle is taken, the user gets a similar one, because the attribute is immutable."""
    deliver(sign_up_event(sub=str(uuid.UUID(int=1)), email="first@example.com"))
    deliver(sign_up_event(preferred_username=taken))

    assert users(database)[1][1] == f"{taken}_{avatar_id(SUB)[:4]}"
    assert '"added_with_another_handle"' in capfd.readouterr().out


def test_every_handle_is_taken(database: Postgres) -> None:
    """If all candidate handles are taken, the user sees an error and gets no row."""
    for number, handle in enumerate(user_profile.read(user_attributes()).handles):
        others = {"sub": str(uuid.UUID(int=number)), "email": f"{number}@example.com"}
        deliver(sign_up_event(preferred_username=handle, **others))

    with pytest.raises(UnavailableError, match="Please write to us"):
        deliver(sign_up_event())

    assert len(users(database)) == 3


@pytest.mark.parametrize("mail", ["londo@example.com", "LONDO@Example.com"])
def test_an_address_of_another_user(database: Postgres, mail: str) -> None:
    """An address belongs to the user who confirmed it last, and is removed from the other row."""
    other = str(uuid.UUID(int=1))
    deliver(sign_up_event(sub=other, preferred_username="other"))

    deliver(sign_up_event(email=mail))
    deliver(sign_up_event(sub=other, preferred_username="other"))  # A repeated event, much later.

    assert [(None, other), (mail, SUB)] == [(mail, sub) for *_, mail, sub in users(database)]
