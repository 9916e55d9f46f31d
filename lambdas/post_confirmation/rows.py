"""Adds a person to the table `users`, once."""

from __future__ import annotations

from typing import Literal

from post_confirmation.person import Person
from shared import database

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
_IN_THE_WAY = """
    SELECT cognito_user_id
    FROM users
    WHERE cognito_user_id = %(id)s OR lower(email) = lower(%(mail)s)
"""


class MailTakenError(Exception):
    """Somebody else has the mail address."""


class NoHandleError(Exception):
    """Others have every handle we tried."""


def add(someone: Person) -> Outcome:
    """Add *someone*, or find that they are there."""
    facts = vars(someone) | {"handles": list(someone.handles)}
    with database.connect(statement_timeout=STATEMENT_TIMEOUT) as connection:
        added = connection.execute(_ADD, facts).fetchone()
        if added is None:
            found = {id_ for (id_,) in connection.execute(_IN_THE_WAY, facts)}
            if someone.id in found:
                return "was_there"
            if found:
                raise MailTakenError
            # The handle was taken at this very moment: now it is there to be seen.
            added = connection.execute(_ADD, facts).fetchone()
    if added is None:
        raise NoHandleError
    return "added" if added[0] == someone.handles[0] else "added_with_another_handle"
