"""The profile of a user from their attributes in Cognito."""

from __future__ import annotations

import re

import pytest

from post_confirmation import user_profile
from shared.avatars import avatar_id
from tests.lambdas.post_confirmation.sign_ups import (
    SUB,
    user_attributes,
)


@pytest.mark.parametrize(
    ("changes", "name", "handle"),
    [
        ({"name": None}, "londo", "londo"),
        ({"name": "  \n\t "}, "londo", "londo"),
        ({"name": "\0Londo\n\u202eMollari "}, "Londo Mollari", "londo"),
        ({"name": "x" * 2048}, "x" * 100, "londo"),
        ({"preferred_username": "Londo_1"}, "Londo Mollari", "Londo_1"),
        ({"preferred_username": "@londo.mollari"}, "Londo Mollari", "londo_mollari"),
        ({"preferred_username": "José K."}, "Londo Mollari", "Jose_K"),
        ({"preferred_username": "..%2f"}, "Londo Mollari", "2f"),
        ({"preferred_username": "l\u043endo"}, "Londo Mollari", "londo"),
        ({"preferred_username": "x" * 2048}, "Londo Mollari", "x" * 30),
        ({"preferred_username": None}, "Londo Mollari", "Londo_Mollari"),
        ({"preferred_username": "皇帝"}, "Londo Mollari", "HuangDi"),
        ({"preferred_username": "\u200d!"}, "Londo Mollari", "Londo_Mollari"),
        ({"name": "\u3164\u2800", "preferred_username": "londo"}, "londo", "londo"),
        ({"name": None, "preferred_username": ""}, *[f"person_{avatar_id(SUB)[:8]}"] * 2),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_missing_and_unusual_attributes(
    changes: dict[str, str | None], name: str, handle: str
) -> None:
    """Any name and handle is made valid, because the user cannot enter them again."""
    profile = user_profile.read(user_attributes(**changes))

    assert (name, handle) == (profile.name, profile.handles[0])
    for candidate in profile.handles:
        assert re.fullmatch("[0-9A-Za-z_]{1,30}", candidate)
