"""Idempotency keys, with which a client can safely repeat a request that had no response."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from cruddur.problems import FieldError, ProblemError

IdempotencyKey = Annotated[
    UUID,
    Meta(description="Chosen by the client: a repeated request with this key changes nothing"),
]


def key_reused() -> ProblemError:
    """Return the error for a key that belongs to another request."""
    return ProblemError(
        HTTPStatus.CONFLICT,
        "The idempotency key belongs to another request.",
        errors=[FieldError("idempotency_key_reused", "idempotency_key")],
    )
