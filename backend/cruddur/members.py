"""The row in the table `users` of the user who sends a request."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from cruddur.database import Transaction
from cruddur.identity import Identity
from cruddur.problems import FieldError, ProblemError
from cruddur.statements import Statement

_MEMBER = Statement("sql/member.sql")


def member_uuid(transaction: Transaction, identity: Identity) -> UUID:
    """Return the primary key of the user. Raises ProblemError 403 if they have no row.

    The function `post_confirmation` adds the row when a user confirms their sign-up.
    """
    uuid = transaction.one(_MEMBER, {"cognito_user_id": identity.cognito_user_id}, _uuid)
    if uuid is None:
        raise unknown_member()
    return uuid


def unknown_member() -> ProblemError:
    """Return the error for a user without a row."""
    return ProblemError(
        HTTPStatus.FORBIDDEN,
        "The user has no profile: the sign-up is not complete.",
        errors=[FieldError("profile_missing", "authorization")],
    )


def _uuid(uuid: UUID) -> UUID:
    return uuid
