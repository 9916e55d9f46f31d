"""Let `post_confirmation` add the rows of confirmed users for whom it could not at their sign-up.

Event: a scheduled event of EventBridge; its content is not read.
Result: {"users": number, "added": number, "refused": number}: the confirmed users, the rows that
were missing, and the users whose attributes are not valid.
Permissions: cognito-idp:ListUsers of the pool, lambda:InvokeFunction of `post_confirmation`, and
writing its own log.
Limits: a run stops 10 s before its timeout and fails if there are more users. Cognito returns pages
of 60 users, and each page is one invocation.

`post_confirmation` is in the VPC, which may have no route to Cognito, so this function is not. Each
run invokes `post_confirmation`, also without users: Lambda deactivates a function in a VPC that is
idle for weeks (Lambda developer guide, Function states). The log contains no personal data.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import boto3
from botocore.config import Config

from shared.log import log
from shared.loggers import limit_to_info

limit_to_info()

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp.type_defs import UserTypeTypeDef

PAGE_SIZE = 60  # The maximum of ListUsers.
MARGIN_MS = 10_000  # Longer than an invocation of post_confirmation.
TRIGGER = "Reconciliation"
# An invocation is repeated safely: rows that exist are not added again.
_CONFIG = Config(
    connect_timeout=3, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 4}
)


class IncompleteError(Exception):
    """There was no time for all users."""


class InvocationError(Exception):
    """`post_confirmation` failed; its log has the reason."""


class Context(Protocol):
    """The part of Lambda's context object that is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the timeout."""


def handler(event: Mapping[str, object], context: Context) -> dict[str, int]:
    """Handle an event of the schedule."""
    total: Counter[str] = Counter(users=0, added=0, refused=0)
    for users in _pages(os.environ["USER_POOL"]):
        if context.get_remaining_time_in_millis() < MARGIN_MS:
            log("incomplete", **total)
            raise IncompleteError(f"no time after {total['users']} users")
        confirmed = [attributes(user) for user in users if is_confirmed(user)]
        total.update(_add_missing(confirmed), users=len(confirmed))
    log("reconciled", **total)
    return dict(total)


def is_confirmed(user: UserTypeTypeDef) -> bool:
    """Return whether *user* may sign in, with an address that they have verified."""
    verified = attributes(user).get("email_verified") == "true"
    return verified and user.get("Enabled", False) and user.get("UserStatus") == "CONFIRMED"


def attributes(user: UserTypeTypeDef) -> dict[str, str]:
    """Return the attributes of *user* by name."""
    return {item["Name"]: item.get("Value", "") for item in user.get("Attributes", ())}


def _pages(pool: str) -> Iterator[list[UserTypeTypeDef]]:
    client = boto3.client("cognito-idp", config=_CONFIG)
    pages = client.get_paginator("list_users").paginate(
        UserPoolId=pool, PaginationConfig={"PageSize": PAGE_SIZE}
    )
    for page in pages:
        yield page["Users"]


def _add_missing(users: list[dict[str, str]]) -> dict[str, int]:
    """Invoke `post_confirmation` for *users*, and return its result."""
    event = {"triggerSource": TRIGGER, "users": users}
    response = boto3.client("lambda", config=_CONFIG).invoke(
        FunctionName=os.environ["POST_CONFIRMATION"], Payload=json.dumps(event).encode()
    )
    result: dict[str, Any] = json.load(response["Payload"])
    if "FunctionError" in response:
        raise InvocationError(result.get("errorType", "unknown"))
    return {"added": result["added"], "refused": result["refused"]}
