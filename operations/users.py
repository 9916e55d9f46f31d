"""The people of the user pool."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from invoke.collection import Collection
from invoke.context import Context

from commands.framework import table
from commands.framework.task import task
from operations import target

_HEAD = ("sub", "handle", "email", "status", "confirmed")


@task(
    name="list",
    help={
        "json": "a line of JSON for each person",
    },
)
def list_(_: Context, env: str = "", json: bool = False) -> None:
    """Everyone who has signed up: how Cognito knows them, and whether their address is confirmed."""
    here = target.connect(env)
    pool = here.output("users", "Pool")
    people = sorted(_people(here.client("cognito-idp"), pool), key=lambda row: str(row["sub"]))
    print(table.text(people, _HEAD, as_json=json), end="")


def _people(client: Any, pool: str) -> Iterator[dict[str, object]]:
    for page in client.get_paginator("list_users").paginate(UserPoolId=pool):
        for user in page["Users"]:
            known = {each["Name"]: each["Value"] for each in user["Attributes"]}
            yield {
                "sub": known["sub"],
                "handle": known.get("preferred_username", ""),
                "email": known.get("email", ""),
                "status": user["UserStatus"] if user["Enabled"] else "DISABLED",
                "confirmed": known.get("email_verified") == "true",
            }


namespace = Collection(list_)
