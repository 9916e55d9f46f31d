"""The addresses of avatars."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from shared.avatars import avatar_id, avatar_key

_Model = TypeVar("_Model")


def with_avatar_url(model: Callable[..., _Model], assets_url: str) -> Callable[..., _Model]:
    """Return a function that creates *model* from the columns of a statement.

    The columns are the fields of the model in their order, with one exception: in place of the
    fourth field, `avatar_url`, there are two columns, the Cognito id of the user and the version of
    the avatar.
    """

    def row(*columns: Any) -> _Model:
        first, second, third, cognito_user_id, version, *rest = columns
        return model(first, second, third, avatar_url(assets_url, cognito_user_id, version), *rest)

    return row


def avatar_url(assets_url: str, cognito_user_id: str, version: str | None) -> str:
    """Return the address of the avatar of a user; another *version* has another address.

    A user without an avatar has an address as well, which returns a default picture.
    """
    key = _key(cognito_user_id)
    # Versions are stored with trailing zeros: see webhooks/avatars.py.
    return f"{assets_url}/{key}?v={version.rstrip('0')}" if version else f"{assets_url}/{key}"


@lru_cache(maxsize=16_384)  # Computing an avatar id takes as long as reading a row.
def _key(cognito_user_id: str) -> str:
    return avatar_key(avatar_id(cognito_user_id))
