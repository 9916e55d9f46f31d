"""The statement of the home feed in a WSGI application without a framework: psycopg and msgspec.

It has no authentication, validation, pages, errors, headers or logs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

STATEMENT = os.environ["FEED_STATEMENT"]
PARAMETERS = {
    "viewer": None,
    "limit": 21,
    "position_time": "infinity",
    "position_id": "ffffffff-ffff-ffff-ffff-ffffffffffff",
}
POOL = ConnectionPool(
    os.environ["FEED_DATABASE"],
    kwargs={"autocommit": True, "row_factory": dict_row},
    min_size=8,
    max_size=8,
    open=False,
)
ENCODER = msgspec.json.Encoder()


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Return the first page of the feed."""
    POOL.open()
    with POOL.connection() as connection:
        rows = connection.cursor(binary=True).execute(STATEMENT, PARAMETERS).fetchall()
    body = ENCODER.encode({"items": rows[:20]})
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]
