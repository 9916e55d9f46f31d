"""Tests of cruddur.tracebacks."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from psycopg import errors

from cruddur.tracebacks import MAX_FRAMES, describe

SECRET = "andrew@example.com"


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    """Return *error* with a traceback."""
    with pytest.raises(type(error)) as caught:
        raise error from cause
    return caught.value


@pytest.mark.parametrize(
    "error",
    [ValueError(SECRET), KeyError(SECRET), AssertionError(SECRET), errors.DataError(SECRET)],
)
def test_messages_with_values_are_left_out(error):
    """A message that may quote a row, a parameter or a body is left out."""
    assert SECRET not in json.dumps(describe(raised(error)))


def test_messages_with_names_of_code_are_kept():
    """Messages with names of code are kept: they show the reason of most bugs."""
    [described] = describe(raised(AttributeError("no attribute 'x'")))

    assert (described["type"], described["message"]) == ("AttributeError", "no attribute 'x'")


def test_frames_are_places_in_the_code():
    """A frame is the file, the line and the function."""
    [described] = describe(raised(ValueError()))

    [frame] = described["frames"]
    assert frame.startswith(f"{__file__}:")
    assert frame.endswith(" raised")


def test_causes_are_described():
    """The error itself is first, followed by its causes."""
    described = describe(raised(RuntimeError(), cause=raised(KeyError(SECRET))))

    assert [link["type"] for link in described] == ["RuntimeError", "KeyError"]


def test_errors_of_postgresql_have_their_code(database):
    """The code and the constraint identify the error without the row."""
    insert = (
        "INSERT INTO users (display_name, handle, email, cognito_user_id) VALUES (%s, %s, %s, %s)"
    )
    user = ("A", "andrew", SECRET, "6b6ea1ae-30f3-5f2d-bd3c-6c5d3c0a1a3b")
    database.execute(insert, user)
    with pytest.raises(errors.UniqueViolation) as caught:
        database.execute(insert, user)

    [described] = describe(caught.value)

    assert described["sqlstate"] == "23505"
    assert described["constraint"].startswith("users_")
    assert SECRET in str(caught.value) + str(user)
    assert SECRET not in json.dumps(described)


def test_errors_of_aws_have_their_code():
    """An error of AWS has its code and operation, not its message, which may contain an id."""
    error = ClientError({"Error": {"Code": "Throttled", "Message": SECRET}}, "Query")

    [described] = describe(raised(error))

    assert (described["code"], described["operation"]) == ("Throttled", "Query")
    assert SECRET not in json.dumps(described)


def test_a_deep_recursion_is_shortened():
    """The number of frames is limited, so that the line of the log is short."""

    def recurse(depth: int) -> None:
        if not depth:
            raise ValueError
        recurse(depth - 1)

    with pytest.raises(ValueError, match=r"^$") as caught:
        recurse(100)

    assert len(describe(caught.value)[0]["frames"]) == MAX_FRAMES
