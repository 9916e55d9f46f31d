"""A presigned URL of S3 is good for what was signed: no other header of Amazon's comes with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from deployer.embedded import ministack
from deployer.embedded.ministack import Answer

Handle = Callable[..., Awaitable[Answer]]


def close() -> None:
    """Look at the headers of every request whose signature is in its URL."""
    ministack.swap(ministack.s3, "handle_request", _refusing_unsigned)


def _refusing_unsigned(handle: Handle) -> Handle:
    async def handling(
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, Any],
        **more: Any,
    ) -> Answer:
        if "X-Amz-Signature" in query:
            [signed] = query["X-Amz-SignedHeaders"]
            if any(name.startswith("x-amz-") for name in headers.keys() - set(signed.split(";"))):
                message = "There were headers present in the request which were not signed"
                return ministack.refuse_s3("AccessDenied", message, 403)
        return await handle(method, path, headers, body, query, **more)

    return handling
