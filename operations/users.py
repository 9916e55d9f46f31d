"""List the users of the Cognito user pool."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from operations.target import Target

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
COLUMNS = ("sub", "handle", "email", "status", "email_verified")


def list_users(target: Target) -> list[dict[str, object]]:
    """Return a row for each user, sorted by `sub`, which is Cognito's id of the user."""
    pool = target.output("users", "Pool")
    rows = _rows(target.client("cognito-idp"), pool)
    return sorted(rows, key=lambda row: str(row["sub"]))


def exists(target: Target, sub: str) -> bool:
    """Return whether the user pool has a user with this id, which is a UUID."""
    if not _UUID.fullmatch(sub):
        return False
    client = target.client("cognito-idp")
    pool = target.output("users", "Pool")
    return bool(client.list_users(UserPoolId=pool, Filter=f'sub = "{sub}"', Limit=1)["Users"])


def _rows(client: Any, pool: str) -> Iterator[dict[str, object]]:
    for page in client.get_paginator("list_users").paginate(UserPoolId=pool):
        for user in page["Users"]:
            attributes = {pair["Name"]: pair["Value"] for pair in user["Attributes"]}
            yield {
                "sub": attributes["sub"],
                "handle": attributes.get("preferred_username", ""),
                "email": attributes.get("email", ""),
                "status": user["UserStatus"] if user["Enabled"] else "DISABLED",
                "email_verified": attributes.get("email_verified") == "true",
            }
