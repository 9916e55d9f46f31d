"""Pages of a list, with keyset pagination.

A cursor is the position after the last item of a page: its time and id, encoded so that clients
cannot depend on the contents. A list that changes between two pages neither repeats nor omits
the items that existed before.
"""

from __future__ import annotations

import base64
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from cruddur.limits import CURSOR_CHARACTERS, DEFAULT_PAGE_ITEMS, MAX_PAGE_ITEMS
from cruddur.problems import FieldError, invalid
from shared.base64url import decoded

_Item = TypeVar("_Item")

Cursor = Annotated[
    str,
    Meta(
        max_length=CURSOR_CHARACTERS,
        pattern="^[A-Za-z0-9_-]+$",
        description="next_cursor of the previous page; without it, the first page",
    ),
]
SortKey = Annotated[str, Meta(pattern="^[0-9A-Za-z:.+#-]{1,100}$")]
Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE_ITEMS, description="The largest number of items")]


class PageQuery(msgspec.Struct, frozen=True):
    """The parameters of a list."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_PAGE_ITEMS


class Position(msgspec.Struct, frozen=True, array_like=True):
    """The place of an item in a list that is ordered by time and id."""

    time: Annotated[datetime, Meta(tz=True)]
    id: UUID

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters `before` and `before_id` of a statement."""
        return {"before": self.time, "before_id": self.id}


# The start of a list with the newest items first: newer than every item.
NEWEST = Position(datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))
# The start of a list with the oldest items first: older than every item.
OLDEST = Position(datetime.min.replace(tzinfo=UTC), UUID(int=0))


def position(query: PageQuery, first: Position) -> Position:
    """Return the position in the cursor of *query*, or *first* without one. Raises ProblemError 422."""
    if query.cursor is None:
        return first
    try:
        found = msgspec.json.decode(decoded(query.cursor.encode()), type=Position)
        return Position(found.time.astimezone(UTC), found.id)
    # OverflowError: a time of the year 1 or 9999 in another zone.
    except (ValueError, OverflowError, Base64Error, msgspec.DecodeError):
        raise invalid(FieldError("cursor_invalid", "cursor")) from None


def encoded(position: Position) -> str:
    """Return *position* as a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).rstrip(b"=").decode()


def key_position(query: PageQuery) -> str | None:
    """Return the sort key in the cursor of *query*, or None for the first page.

    Lists in DynamoDB are ordered by their sort key, a text. Raises ProblemError 422.
    """
    if query.cursor is None:
        return None
    try:
        return msgspec.json.decode(decoded(query.cursor.encode()), type=SortKey)
    except (ValueError, Base64Error, msgspec.DecodeError):
        raise invalid(FieldError("cursor_invalid", "cursor")) from None


def key_cursor(key: str) -> str:
    """Return the sort key of an item as a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def cut(
    rows: Sequence[_Item], limit: int, position_of: Callable[[_Item], Position]
) -> tuple[Sequence[_Item], str | None]:
    """Return the first *limit* of *rows*, and the cursor of the next page if there are more rows."""
    if len(rows) <= limit:
        return rows, None
    items = rows[:limit]
    return items, encoded(position_of(items[-1]))
