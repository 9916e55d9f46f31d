"""A presigned URL of S3 is good for what was signed: no other header of Amazon's comes with it."""

from __future__ import annotations

from typing import Any

from emulator import ministack
from emulator.ministack import Answer


def close() -> None:
    """Look at the headers of every request whose signature is in its URL."""
    ministack.guard_s3(_unsigned)


def _unsigned(_path: str, headers: dict[str, str], query: dict[str, Any]) -> Answer | None:
    if "X-Amz-Signature" not in query:
        return None
    [signed] = query["X-Amz-SignedHeaders"]
    if any(name.startswith("x-amz-") for name in headers.keys() - set(signed.split(";"))):
        message = "There were headers present in the request which were not signed"
        return ministack.refuse_s3("AccessDenied", message, 403)
    return None
