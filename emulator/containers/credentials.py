"""Temporary credentials of task roles, and the endpoint from which the SDKs read them.

The container credential provider of the SDKs sends the token in AWS_CONTAINER_AUTHORIZATION_TOKEN
to the URL in AWS_CONTAINER_CREDENTIALS_FULL_URI, and again before the credentials expire. Each
task has its own path and token, which are valid until the task stops.
"""

from __future__ import annotations

import hmac
import json
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from emulator.ministack import credentials

if TYPE_CHECKING:
    from emulator.access.request import Request

PATH = "/_emulator/task-credentials/"
VALID_SECONDS = 6 * 60 * 60  # As on AWS.
RENEWAL_SECONDS = 60 * 60  # New keys are issued this long before the old ones expire.


@dataclass
class TaskRole:
    """The role of a running task, and the sessions that were issued for it."""

    role: str
    account: str
    task: str
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    _keys: list[str] = field(default_factory=list)
    _current: dict[str, str] = field(default_factory=dict, repr=False)
    _expires: float = 0.0

    def issue(self) -> dict[str, str]:
        """Return the current credentials in the format of the endpoint; issue new ones if due."""
        if self._expires - time.time() < RENEWAL_SECONDS:
            self._expires = time.time() + VALID_SECONDS
            self._current = self._new_session()
        return self._current

    def revoke(self) -> None:
        """Make all credentials of the task invalid."""
        for key in self._keys:
            credentials.sessions.pop(key, None)

    def _new_session(self) -> dict[str, str]:
        name = self.role.rpartition("/")[2]
        key = f"ASIA{secrets.token_hex(8).upper()}"
        secret, token = secrets.token_urlsafe(30), secrets.token_urlsafe(60)
        credentials.register_session(
            key,
            {
                "Arn": f"arn:aws:sts::{self.account}:assumed-role/{name}/{self.task}",
                "UserId": f"{name}:{self.task}",
                "SecretAccessKey": secret,
                "SessionToken": token,
                "Expiration": self._expires,
            },
        )
        self._keys.append(key)
        expiration = datetime.fromtimestamp(self._expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "RoleArn": self.role,
            "AccessKeyId": key,
            "SecretAccessKey": secret,
            "Token": token,
            "Expiration": expiration,
        }


_roles: dict[str, TaskRole] = {}  # By the last part of the path.


def register(role: TaskRole, *, port: int) -> dict[str, str]:
    """Serve the credentials of *role*; return the variables with which the SDKs find them."""
    name = secrets.token_urlsafe(16)
    _roles[name] = role
    return {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{port}{PATH}{name}",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": role.token,
    }


def unregister(role: TaskRole) -> None:
    """Stop serving the credentials of *role*, and make them invalid."""
    for name in [name for name, registered in _roles.items() if registered is role]:
        del _roles[name]
    role.revoke()


def is_permitted(request: Request) -> bool:
    """Return whether *request* is for the credentials of a task and has its token."""
    role = _roles.get(request.path.removeprefix(PATH))
    return (
        request.method == "GET"
        and request.path.startswith(PATH)
        and role is not None
        and hmac.compare_digest(role.token.encode(), request.header("authorization").encode())
    )


def response(path: str) -> str:
    """Return the credentials for a permitted request as JSON."""
    role = _roles.get(path.removeprefix(PATH))
    return json.dumps(role.issue() if role else {})
