"""Recognize requests for a page, and check the key of the outbox."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from emulator.access.secret import derive

if TYPE_CHECKING:
    from emulator.access.request import Request

START = "/"
OUTBOX = "/_emulator/outbox"
_KEY = "key"
_PURPOSE = "outbox page"
_AWS_SUFFIXES = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


def is_page(request: Request) -> bool:
    """Return whether *request* is for a page: an unsigned GET or HEAD as browsers send it."""
    return (
        request.method in {"GET", "HEAD"}
        and request.path in {START, OUTBOX}
        and {name for name, _ in request.query} <= {_KEY}
        and "text/html" in request.header("accept")
        and not request.header("authorization")
        and not any(name.startswith("x-amz-") for name, _ in request.headers)
        and not request.host.partition(":")[0].endswith(_AWS_SUFFIXES)
    )


def outbox_path(secret: str) -> str:
    """Return path and query of the outbox, with the key that is derived from *secret*."""
    return f"{OUTBOX}?{_KEY}={derive(secret, _PURPOSE)}"


def has_key(request: Request, secret: str) -> bool:
    """Return whether the query of *request* has the key."""
    key = dict(request.query).get(_KEY, "")
    return hmac.compare_digest(key.encode(), derive(secret, _PURPOSE).encode())
