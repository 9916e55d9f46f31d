"""The ids of users and avatars: UUIDs in the form in which Cognito writes them."""

from __future__ import annotations

import re

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_id(text: str) -> bool:
    """Return whether *text* is exactly one id."""
    return _ID.fullmatch(text) is not None
