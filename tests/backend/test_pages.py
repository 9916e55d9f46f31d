"""Tests of cruddur.pages."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur.pages import NEWEST, OLDEST, PageQuery, Position, cut, encoded, position
from cruddur.problems import ProblemError

TIMES = st.datetimes(timezones=st.just(UTC))


@given(TIMES, st.uuids())
def test_a_cursor_has_the_whole_position(time, uuid):
    """A cursor contains the exact position, to the microsecond."""
    original = Position(time, uuid)

    assert position(PageQuery(encoded(original)), NEWEST) == original


@given(TIMES, st.uuids())
def test_the_first_page_contains_every_item(time, uuid):
    """No item is before the first position of a list."""
    item = (time, uuid)

    assert (OLDEST.time, OLDEST.id) <= item <= (NEWEST.time, NEWEST.id)


@given(st.text())
def test_other_cursors_are_refused(text):
    """Every text that is not a cursor is refused with 422."""
    with pytest.raises(ProblemError) as raised:
        position(PageQuery(text), NEWEST)

    assert (raised.value.status, raised.value.errors[0].code) == (422, "cursor_invalid")


@pytest.mark.parametrize(
    "time",
    ["2026-01-01T00:00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "x", 1],
)
def test_times_of_forged_cursors_are_refused(time):
    """Times without a time zone, or out of range, are refused, because comparisons would fail."""
    cursor = base64.urlsafe_b64encode(json.dumps([time, str(UUID(int=1))]).encode()).rstrip(b"=")
    with pytest.raises(ProblemError) as raised:
        position(PageQuery(cursor.decode()), NEWEST)

    assert raised.value.errors[0].code == "cursor_invalid"


@pytest.mark.parametrize(("rows", "items", "is_last"), [(0, 0, True), (3, 3, True), (4, 3, False)])
def test_the_last_page_has_no_cursor(rows, items, is_last):
    """A row that does not fit into the page only shows that there is a next page."""
    found = [Position(datetime(2026, 1, 1, tzinfo=UTC), UUID(int=number)) for number in range(rows)]
    page, cursor = cut(found, 3, lambda row: row)

    assert (len(page), cursor is None) == (items, is_last)
    if cursor:
        assert position(PageQuery(cursor), NEWEST) == found[2]
