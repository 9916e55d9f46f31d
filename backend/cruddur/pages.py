"""Pages of a list, with keyset pagination.

A cursor is the position of the last item of a page, encoded so that clients do not depend on its
contents. A position is a time and an id, or a sort key in DynamoDB. If a list changes between two
requests, the items that existed before are neither repeated nor omitted.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from cruddur.limits import CURSOR_CHARACTERS, DEFAULT_PAGE_ITEMS, MAX_PAGE_ITEMS
from cruddur.problems import FieldError, ProblemError, invalid
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
        """The parameters `position_time` and `position_id` of a statement."""
        return {"position_time": self.time, "position_id": self.id}


# The start of a list with the newest items first: newer than every item.
NEWEST = Position(datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))
# The start of a list with the oldest items first: older than every item.
OLDEST = Position(datetime.min.replace(tzinfo=UTC), UUID(int=0))


def position(query: PageQuery, first: Position) -> Position:
    """Return the position in the cursor of *query*, or *first* without one. Raises ProblemError 422."""
    if query.cursor is None:
        return first
    found = _read(query.cursor, Position)
    try:
        return Position(found.time.astimezone(UTC), found.id)
    except OverflowError:  # A time of the year 1 or 9999 in another zone.
        raise _invalid_cursor() from None


def sort_key(query: PageQuery) -> str | None:
    """Return the sort key in the cursor of *query*, or None for the first page.

    Lists in DynamoDB are ordered by their sort key, a text. Raises ProblemError 422.
    """
    return None if query.cursor is None else _read(query.cursor, SortKey)


def encoded(position: Position | str) -> str:
    """Return *position*, which may be a sort key, as a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).rstrip(b"=").decode()


def cut(
    rows: Sequence[_Item], limit: int, position_of: Callable[[_Item], Position | str]
) -> tuple[Sequence[_Item], str | None]:
    """Return the first *limit* of *rows*, and the cursor of the next page if there are more rows."""
    if len(rows) <= limit:
        return rows, None
    items = rows[:limit]
    return items, encoded(position_of(items[-1]))


def _read(cursor: str, kind: Any) -> Any:
    """Return the position in *cursor*, which must be of this *kind*. Raises ProblemError 422."""
    try:
        return msgspec.json.decode(decoded(cursor.encode()), type=kind)
    except (ValueError, msgspec.DecodeError):
        raise _invalid_cursor() from None


def _invalid_cursor() -> ProblemError:
    return invalid(FieldError("cursor_invalid", "cursor"))
