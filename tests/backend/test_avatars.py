"""Tests of cruddur.avatars."""

from __future__ import annotations

import pytest

from cruddur.avatars import avatar_url, with_avatar_url
from shared.avatars import avatar_id, avatar_key

ASSETS = "https://assets.example"
SUB = "8f14e45f-ceea-467f-a0e6-1c2b3d4e5f60"


@pytest.mark.parametrize(
    ("version", "query"),
    [(None, ""), ("A1".ljust(64, "0"), "?v=A1"), ("A10".ljust(64, "0"), "?v=A1")],
)
def test_each_version_has_an_address(version, query):
    """The address is that of the thumbnail; zeros that only pad a version are omitted."""
    expected = f"{ASSETS}/{avatar_key(avatar_id(SUB))}{query}"

    assert avatar_url(ASSETS, SUB, version) == expected


def test_the_address_does_not_reveal_the_user():
    """The Cognito id is not part of the address."""
    assert SUB not in avatar_url(ASSETS, SUB, "A")


def test_a_model_with_an_address():
    """The address replaces the two columns from which it is computed."""
    row = with_avatar_url(lambda *values: values, ASSETS)

    assert row(1, 2, 3, SUB, None, 5, 6) == (1, 2, 3, avatar_url(ASSETS, SUB, None), 5, 6)
