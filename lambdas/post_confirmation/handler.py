"""Gives each person who confirmed their mail address one row in `users`.

event   PostConfirmation of Cognito: people sign up, or come back after they forgot the password
result  the same event; an error is shown to the person, who is confirmed all the same
may     rds-db:connect as the application, and write its log
limits  Cognito waits 5 s and asks up to three times; we take less than 4.5 s and add one row

Whoever is left without a row gets it when the same event is delivered again: an operator invokes
this function with it. Nothing of a person is in the log but their avatar id, which tells nobody
who they are.
"""

from __future__ import annotations

import os
import re
import time
from typing import Any

import psycopg

from post_confirmation import person, rows
from post_confirmation.person import Person, RefusedError
from shared.log import log

# What failed at once may work a moment later: too many connections, a token that was just too
# late. After that, a whole attempt of 2 s to connect and three statements would last too long.
AT_ONCE_SECONDS = 0.5


class UnavailableError(Exception):
    """The row could not be added now; the message is for the person."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """See the module."""
    match event.get("triggerSource"):
        case "PostConfirmation_ConfirmSignUp":
            _refuse_foreign(event)
            _welcome(person.read(event["request"]["userAttributes"]))
        case "PostConfirmation_ConfirmForgotPassword":
            log("nothing_to_do")  # Their row is there since they signed up.
        case other:
            raise RefusedError(f"This is no PostConfirmation: {other!r}")
    return event


def _refuse_foreign(event: dict[str, Any]) -> None:
    """Which pool may call us is for the function's permission; here is what can be told of it."""
    region = os.environ["AWS_REGION"]
    if not re.fullmatch(rf"{region}_[0-9A-Za-z]{{1,55}}", str(event.get("userPoolId"))):
        raise RefusedError("This is no user pool of ours.")


def _welcome(someone: Person) -> None:
    """Add the row; tell the log what PostgreSQL said, but the person only what helps."""
    try:
        outcome = _add(someone)
    except (psycopg.Error, rows.NoHandleError) as error:
        log("failed", person=someone.avatar, **_of(error))
        raise UnavailableError(
            "Your address is confirmed, but your profile could not be made. Please write to us."
        ) from None  # What PostgreSQL says may have the row in it.
    log(outcome, person=someone.avatar)


def _add(someone: Person) -> rows.Outcome:
    started = time.monotonic()
    try:
        return rows.add(someone)
    except psycopg.OperationalError as error:
        if time.monotonic() - started > AT_ONCE_SECONDS:
            raise
        log("trying_again", person=someone.avatar, **_of(error))
    return rows.add(someone)


def _of(error: Exception) -> dict[str, str | None]:
    """What kind of error it is, without what it says."""
    return {"error": type(error).__name__, "sqlstate": getattr(error, "sqlstate", None)}
