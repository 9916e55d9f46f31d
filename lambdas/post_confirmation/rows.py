"""Adds a person to the table `users`, once."""

from __future__ import annotations

from typing import Literal

import psycopg
from psycopg.rows import TupleRow

from post_confirmation.person import Person
from shared import database
from shared.deadline import Cancellation

Outcome = Literal["added", "added_with_another_handle", "was_there"]

STATEMENT_TIMEOUT = "600ms"  # Of three statements, at most.

# The first handle that is free. Any key may be in the way, also that of a twin of this delivery.
_ADD = """
    INSERT INTO users (display_name, handle, email, cognito_user_id)
    SELECT %(name)s, handle, %(mail)s, %(id)s
    FROM unnest(%(handles)s::text[]) WITH ORDINALITY AS wanted (handle, place)
    WHERE NOT EXISTS (SELECT FROM users WHERE lower(users.handle) = lower(wanted.handle))
    ORDER BY place
    LIMIT 1
    ON CONFLICT DO NOTHING
    RETURNING handle
"""
# To Cognito an address is one person's. It gives to someone new what another has changed or left
# behind, so the row that still has it is out of date.
_MAKE_WAY = """
    WITH newcomer AS (
        SELECT %(id)s WHERE NOT EXISTS (SELECT FROM users WHERE cognito_user_id = %(id)s)
    ), released AS (
        UPDATE users SET email = NULL
        FROM newcomer
        WHERE lower(email) = lower(%(mail)s)
    )
    SELECT FROM newcomer
"""


class NoHandleError(Exception):
    """Others have every handle we tried."""


def add(someone: Person, cancellation: Cancellation) -> Outcome:
    """Add *someone* unless they have a row already; stop at *cancellation*."""
    with database.connect(statement_timeout=STATEMENT_TIMEOUT) as connection:
        cancellation.watch(connection.fileno())
        try:
            return _add(someone, connection)
        finally:
            cancellation.release()


def _add(someone: Person, connection: psycopg.Connection[TupleRow]) -> Outcome:
    facts = vars(someone) | {"handles": list(someone.handles)}
    added = connection.execute(_ADD, facts).fetchone()
    if added is None:
        if connection.execute(_MAKE_WAY, facts).fetchone() is None:
            return "was_there"
        # A handle that was taken at this very moment is there to be seen now.
        added = connection.execute(_ADD, facts).fetchone()
    if added is None:
        raise NoHandleError
    return "added" if added[0] == someone.handles[0] else "added_with_another_handle"
