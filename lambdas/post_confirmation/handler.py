"""Add one row to `users` for each user who confirmed their e-mail address.

Event: PostConfirmation of Cognito, after a sign-up or after a forgotten password. Or an event of
`reconcile_users`: {"triggerSource": "Reconciliation", "users": [{"sub": …, "email": …}, …]}, with the
attributes of at most 60 users.
Result: the event of Cognito, unchanged. If the function raises an error, Cognito shows the message
of the error to the user, who is confirmed nevertheless. For `reconcile_users`: {"added": number,
"refused": number}.
Permissions: rds-db:connect as the database user `application`, and writing its own log.
Limits: Cognito waits 5 s and invokes the function up to three times; the function returns within
4 s, even if the database or the name server does not respond.

If a row is missing, `reconcile_users` adds it within half an hour. The log contains no personal
data: users are identified by their avatar id.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import psycopg

from post_confirmation import rows, user_profile
from post_confirmation.user_profile import RefusedError, UserProfile
from shared.deadline import Cancellation, DeadlineError, within
from shared.log import log

# From the name lookup to the result, including retries: Cognito waits 5 s, which includes a cold
# start and the network.
DEADLINE_SECONDS = 4.0

# An attempt that fails within this time is repeated once: there were too many connections, or the
# token has just expired. After that there is no time for a second attempt, which takes up to 2 s to
# connect and executes three statements.
RETRY_LIMIT_SECONDS = 0.5


class UnavailableError(Exception):
    """The row could not be added now; the message is shown to the user."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Handle an event of Cognito, or of `reconcile_users`."""
    try:
        if event.get("triggerSource") == "Reconciliation":
            return _add_missing(event["users"])
        _process(event)
    except RefusedError as refused:
        log("refused", reason=refused.reason)
        raise
    return event


def _process(event: dict[str, Any]) -> None:
    match event.get("triggerSource"):
        case "PostConfirmation_ConfirmSignUp":
            _refuse_other_regions(event)
            _add_user(user_profile.read(event["request"]["userAttributes"]))
        case "PostConfirmation_ConfirmForgotPassword":
            log("nothing_to_do")  # The row was added at the sign-up.
        case other:
            raise RefusedError("triggerSource", f"This is not a PostConfirmation event: {other!r}")


def _add_missing(users: Iterable[Mapping[str, str]]) -> dict[str, int]:
    """Add the rows that are missing; users with attributes that are not valid get none."""
    profiles: list[UserProfile] = []
    refused = 0
    for attributes in users:
        try:
            profiles.append(user_profile.read(attributes))
        except RefusedError as error:
            refused += 1
            log("refused", reason=error.reason)
    try:
        outcomes = within(
            DEADLINE_SECONDS, partial(rows.add_missing, profiles), name="post_confirmation"
        )
    except (psycopg.Error, DeadlineError) as error:
        log("failed", **_error_fields(error))
        raise UnavailableError("The rows could not be added.") from None
    for avatar, outcome in outcomes.items():
        log(outcome, user=avatar)
    found = Counter(outcomes.values())
    added = found["added"] + found["added_with_another_handle"]
    return {"added": added, "refused": refused + found["no_handle"]}


def _refuse_other_regions(event: dict[str, Any]) -> None:
    """Refuse pools of other regions. The resource policy of the function allows only one pool."""
    region = os.environ["AWS_REGION"]
    if not re.fullmatch(rf"{region}_[0-9A-Za-z]{{1,55}}", str(event.get("userPoolId"))):
        raise RefusedError("userPoolId", "This user pool is not valid.")


def _add_user(profile: UserProfile) -> None:
    """Add the row. On an error, log PostgreSQL's error code and show a general message to the user."""
    try:
        outcome = within(DEADLINE_SECONDS, partial(_add, profile), name="post_confirmation")
    except (psycopg.Error, rows.NoHandleError, DeadlineError) as error:
        log("failed", user=profile.avatar, **_error_fields(error))
        raise UnavailableError(
            "Your address is confirmed, but your profile could not be created. Please write to us."
        ) from None  # The message of PostgreSQL may contain the row.
    except Exception as bug:
        log("failed", user=profile.avatar, **_error_fields(bug))
        raise
    log(outcome, user=profile.avatar)


def _add(profile: UserProfile, cancellation: Cancellation) -> rows.Outcome:
    started = time.monotonic()
    try:
        return rows.add(profile, cancellation)
    except psycopg.OperationalError as error:
        if time.monotonic() - started > RETRY_LIMIT_SECONDS:
            raise
        log("retrying", user=profile.avatar, **_error_fields(error))
    return rows.add(profile, cancellation)


def _error_fields(error: Exception) -> dict[str, str | None]:
    """Return the type and SQLSTATE of *error*, without its message."""
    return {"error": type(error).__name__, "sqlstate": getattr(error, "sqlstate", None)}
