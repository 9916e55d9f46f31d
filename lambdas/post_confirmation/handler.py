"""Gives each person who confirmed their mail address one row in `users`.

event   PostConfirmation of Cognito: people sign up, or come back after they forgot the password
result  the same event; an error is shown to the person, who is confirmed all the same
may     rds-db:connect as the application, and write its log
limits  Cognito waits 5 s and calls up to three times; this function returns within 4 s, even if
        the database or the name server does not respond, and adds one row

Whoever is left without a row gets it when the same event is delivered again: an operator invokes
this function with it. Nothing of a person is in the log but their avatar id, which tells nobody
who they are.
"""

from __future__ import annotations

import os
import re
import time
from functools import partial
from typing import Any

import psycopg

from post_confirmation import person, rows
from post_confirmation.person import Person, RefusedError
from shared.deadline import Cancellation, DeadlineError, within
from shared.log import log

# From the name lookup to the result, including retries: Cognito waits 5 s, which includes a cold
# start and the network.
DEADLINE_SECONDS = 4.0

# What failed at once may work a moment later: too many connections, a token that was just too
# late. After that, a whole attempt of 2 s to connect and three statements would last too long.
AT_ONCE_SECONDS = 0.5


class UnavailableError(Exception):
    """The row could not be added now; the message is for the person."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """See the module."""
    try:
        _answer(event)
    except RefusedError as refused:
        log("refused", reason=refused.reason)
        raise
    return event


def _answer(event: dict[str, Any]) -> None:
    match event.get("triggerSource"):
        case "PostConfirmation_ConfirmSignUp":
            _refuse_foreign(event)
            _welcome(person.read(event["request"]["userAttributes"]))
        case "PostConfirmation_ConfirmForgotPassword":
            log("nothing_to_do")  # Their row is there since they signed up.
        case other:
            raise RefusedError("triggerSource", f"This is not a PostConfirmation event: {other!r}")


def _refuse_foreign(event: dict[str, Any]) -> None:
    """Which pool may call us is for the function's permission; here is what can be told of it."""
    region = os.environ["AWS_REGION"]
    if not re.fullmatch(rf"{region}_[0-9A-Za-z]{{1,55}}", str(event.get("userPoolId"))):
        raise RefusedError("userPoolId", "This user pool is not valid.")


def _welcome(someone: Person) -> None:
    """Add the row; tell the log what PostgreSQL said, but the person only what helps."""
    try:
        outcome = within(DEADLINE_SECONDS, partial(_add, someone), name="post_confirmation")
    except (psycopg.Error, rows.NoHandleError, DeadlineError) as error:
        log("failed", person=someone.avatar, **_of(error))
        raise UnavailableError(
            "Your address is confirmed, but your profile could not be made. Please write to us."
        ) from None  # What PostgreSQL says may have the row in it.
    except Exception as bug:
        log("failed", person=someone.avatar, **_of(bug))
        raise
    log(outcome, person=someone.avatar)


def _add(someone: Person, cancellation: Cancellation) -> rows.Outcome:
    started = time.monotonic()
    try:
        return rows.add(someone, cancellation)
    except psycopg.OperationalError as error:
        if time.monotonic() - started > AT_ONCE_SECONDS:
            raise
        log("trying_again", person=someone.avatar, **_of(error))
    return rows.add(someone, cancellation)


def _of(error: Exception) -> dict[str, str | None]:
    """What kind of error it is, without what it says."""
    return {"error": type(error).__name__, "sqlstate": getattr(error, "sqlstate", None)}
