"""The ids of people and of their pictures: UUIDs, in the one form in which Cognito writes them."""

from __future__ import annotations

import re

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_id(text: str) -> bool:
    """Whether *text* is one, and nothing else."""
    return _ID.fullmatch(text) is not None
