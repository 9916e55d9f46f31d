"""Events of Cognito for confirmed users, and their effects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from post_confirmation import handler
from tests.lambdas.postgres import ROOT, Postgres

EVENTS = Path(ROOT, "lambdas/post_confirmation/events")
COGNITO_TIMEOUT_SECONDS = 4.5  # Cognito waits 5 s, which includes the network.
SUB = "0c4d5e6f-1111-4222-8333-444455556666"
PERSONAL_DATA = ("Londo", "londo", "londo@example.com", SUB)


def sign_up_event(**attributes: str | None) -> dict[str, Any]:
    """Return the sample event with these *attributes* of the user; None removes an attribute."""
    event: dict[str, Any] = json.loads((EVENTS / "confirm_sign_up.json").read_text())
    all_attributes = event["request"]["userAttributes"] | attributes
    event["request"]["userAttributes"] = {
        name: value for name, value in all_attributes.items() if value is not None
    }
    return event


def log_lines(output: str) -> list[dict[str, Any]]:
    """Return the lines that the function logged."""
    return [json.loads(line) for line in output.splitlines()]


def deliver(event: dict[str, Any]) -> dict[str, Any]:
    """Invoke the function as Cognito does."""
    return handler.handler(event, None)


def users(database: Postgres) -> list[tuple[str, ...]]:
    """Return the name, handle, email address and Cognito id of all users, oldest first."""
    return database.query(
        "SELECT display_name, handle, email, cognito_user_id FROM users ORDER BY created_at"
    )


def user_attributes(**more: str | None) -> dict[str, str]:
    """Return the attributes of a user in Cognito."""
    found: dict[str, str] = sign_up_event(**more)["request"]["userAttributes"]
    return found


def assert_no_personal_data(*texts: str) -> None:
    """Assert that no text identifies a user, or contains credentials or SQL."""
    for text in texts:
        for word in (*PERSONAL_DATA, "X-Amz", "INSERT", "127.0.0.1"):
            assert word.lower() not in text.lower()
