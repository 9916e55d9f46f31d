"""The statement of the home feed in FastAPI, with asyncpg and a response model.

It has no authentication, errors, security headers or logs. It runs in an environment of its own, so
it imports nothing of this project.
"""

import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import FastAPI, Query
from pydantic import BaseModel

STATEMENT = os.environ["FEED_STATEMENT_ASYNCPG"]
NEWEST = datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1)
pools = []


class Post(BaseModel):
    uuid: UUID
    display_name: str
    handle: str
    avatar_version: str | None
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


@asynccontextmanager
async def lifespan(_app):
    socket = os.environ["FEED_SOCKET"]
    pool = await asyncpg.create_pool(
        host=socket, user="application", database="cruddur", min_size=8, max_size=8
    )
    pools.append(pool)
    yield
    await pool.close()


app = FastAPI(lifespan=lifespan)


@app.get("/api/activities/home")
async def home(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> Page:
    rows = await pools[0].fetch(STATEMENT, None, *NEWEST, limit + 1)
    items = [Post.model_validate(dict(row)) for row in rows[:limit]]
    return Page(items=items, next_cursor=None)
