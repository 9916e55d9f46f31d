"""Add a row for a user to the table `users`, unless there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import psycopg
from psycopg.rows import TupleRow

from post_confirmation.user_profile import UserProfile
from shared import database
from shared.deadline import Cancellation

Outcome = Literal["added", "added_with_another_handle", "existed"]

STATEMENT_TIMEOUT = "600ms"  # For each of at most three statements.

# Use the first free handle. Any unique key may conflict, for example if Cognito repeats the event.
_ADD = """
    INSERT INTO users (display_name, handle, email, cognito_user_id)
    SELECT %(name)s, handle, %(mail)s, %(id)s
    FROM unnest(%(handles)s::text[]) WITH ORDINALITY AS candidate (handle, position)
    WHERE NOT EXISTS (SELECT FROM users WHERE lower(users.handle) = lower(candidate.handle))
    ORDER BY position
    LIMIT 1
    ON CONFLICT DO NOTHING
    RETURNING handle
"""
# In Cognito an address belongs to one user. If a new user has the address of an existing row, the
# user of that row has changed their address or was deleted, so the address in the row is outdated.
_RELEASE_ADDRESS = """
    WITH new_user AS (
        SELECT %(id)s WHERE NOT EXISTS (SELECT FROM users WHERE cognito_user_id = %(id)s)
    ), released AS (
        UPDATE users SET email = NULL
        FROM new_user
        WHERE lower(email) = lower(%(mail)s)
    )
    SELECT FROM new_user
"""


# The Cognito ids of users without a row.
_MISSING = """
    SELECT id FROM unnest(%s::text[]) AS given (id)
    WHERE NOT EXISTS (SELECT FROM users WHERE cognito_user_id = given.id)
"""


class NoHandleError(Exception):
    """All candidate handles are taken."""


def add(profile: UserProfile, cancellation: Cancellation) -> Outcome:
    """Add a row for *profile* unless the user has one; stop at *cancellation*."""
    with database.connect(statement_timeout=STATEMENT_TIMEOUT) as connection:
        cancellation.watch(connection.fileno())
        try:
            return _add(profile, connection)
        finally:
            cancellation.release()


def add_missing(
    profiles: Sequence[UserProfile], cancellation: Cancellation
) -> dict[str, Outcome | Literal["no_handle"]]:
    """Add the rows that are missing for *profiles*; return the outcome by avatar id.

    Stop at *cancellation*: rows that were added until then stay.
    """
    with database.connect(statement_timeout=STATEMENT_TIMEOUT) as connection:
        cancellation.watch(connection.fileno())
        try:
            found = connection.execute(_MISSING, ([profile.id for profile in profiles],)).fetchall()
            missing = {id_ for (id_,) in found}
            return {
                profile.avatar: _add_or_skip(profile, connection)
                for profile in profiles
                if profile.id in missing
            }
        finally:
            cancellation.release()


def _add_or_skip(
    profile: UserProfile, connection: psycopg.Connection[TupleRow]
) -> Outcome | Literal["no_handle"]:
    """Add a row; a user without a free handle must not keep the others from theirs."""
    try:
        return _add(profile, connection)
    except NoHandleError:
        return "no_handle"


def _add(profile: UserProfile, connection: psycopg.Connection[TupleRow]) -> Outcome:
    values = vars(profile) | {"handles": list(profile.handles)}
    added = connection.execute(_ADD, values).fetchone()
    if added is None:
        if connection.execute(_RELEASE_ADDRESS, values).fetchone() is None:
            return "existed"
        # A handle that was taken concurrently is visible now.
        added = connection.execute(_ADD, values).fetchone()
    if added is None:
        raise NoHandleError
    return "added" if added[0] == profile.handles[0] else "added_with_another_handle"
