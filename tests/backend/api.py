"""Clients of the application: anonymous, or signed in as a user."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import psycopg
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.lambdas.access_tokens import access_token, claims


@dataclass(frozen=True)
class Api:
    """A client that sends no token; *database* is a connection of the owner of the tables."""

    client: FlaskClient
    database: psycopg.Connection[Any]
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.send("GET", path, **options)

    def send(self, method: str, path: str, **options: Any) -> TestResponse:
        """Send a request with the headers of this client and those in *options*."""
        headers = self.headers | options.pop("headers", {})
        return self.client.open(path, method=method, headers=headers, **options)

    def post(self, path: str, body: Any, **options: Any) -> TestResponse:
        return self.send("POST", path, json=body, **options)

    def put(self, path: str, body: Any, **options: Any) -> TestResponse:
        return self.send("PUT", path, json=body, **options)

    def delete(self, path: str) -> TestResponse:
        return self.send("DELETE", path)

    def member(self, handle: str, display_name: str = "A member") -> Member:
        """Add a user and return a client with their token."""
        sub = str(uuid.uuid5(uuid.NAMESPACE_OID, handle))
        [(user,)] = self.database.execute(
            "INSERT INTO users (display_name, handle, email, cognito_user_id)"
            " VALUES (%s, %s, %s, %s) RETURNING uuid",
            (display_name, handle, f"{handle}@example.com", sub),
        ).fetchall()
        headers = {"Authorization": f"Bearer {token(sub)}"}
        return Member(self.client, self.database, headers, str(user), handle, sub)


@dataclass(frozen=True)
class Member(Api):
    """A client with the token of a user; *uuid* is the primary key of their row."""

    uuid: str = ""
    handle: str = ""
    sub: str = ""


@cache
def token(sub: str) -> str:
    """Return a valid access token of the user *sub*; signing takes a millisecond."""
    return access_token(claims(sub=sub, username=sub))


def problem(response: TestResponse) -> tuple[int, list[tuple[str, str]]]:
    """Check the members of a problem, and return its status and its errors, each as (code, field)."""
    assert response.content_type == "application/problem+json"
    body = json.loads(response.data)
    assert body.keys() == {"type", "title", "status", "detail", "errors"}
    assert body["status"] == response.status_code
    return response.status_code, [(error["code"], error["field"]) for error in body["errors"]]
