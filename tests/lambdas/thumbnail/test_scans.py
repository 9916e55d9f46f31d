"""JPEG files with too many scans are rejected, in little time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lambdas.thumbnail import pictures
from tests.lambdas.thumbnail.pictures import encoded, four_corners
from tests.lambdas.thumbnail.thumbnail_function import File, ThumbnailFunction, assert_rejected
from thumbnail import scans
from thumbnail.picture import picture

pytestmark = pytest.mark.thorough

SCAN = b"\xff\xda\0\x02"
START = b"\xff\xd8"


def test_the_limit() -> None:
    """The limit is far above the ten scans that cameras and programs write."""
    assert scans.MAX_SCANS == 100


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        pytest.param(pictures.progressive_jpeg_with_scans, "too many scans", id="progressive"),
        pytest.param(pictures.baseline_jpeg_with_empty_scans, "too many scans", id="baseline"),
        pytest.param(
            lambda: pictures.baseline_jpeg_with_complete_scans(200),
            "damaged",
            id="baseline, one scan repeated",
        ),
    ],
)
def test_too_many_scans_are_rejected(function: ThumbnailFunction, file: File, reason: str) -> None:
    """A JPEG with thousands of scans, which take minutes, is rejected."""
    assert_rejected(function, file, reason)


def test_pillow_writes_few_scans() -> None:
    """A progressive picture of Pillow and libjpeg has far fewer scans than the limit."""
    file = encoded(four_corners(), "JPEG", progressive=True)

    assert file.count(b"\xff\xda") < scans.MAX_SCANS / 5


@pytest.mark.parametrize(
    "file", [pictures.progressive_jpeg_with_scans, pictures.baseline_jpeg_with_empty_scans]
)
def test_twenty_scans_are_not_too_many(file: Callable[[int], bytes]) -> None:
    """Only the number of scans counts, not their form."""
    assert not scans.too_many(file(20))


def test_twenty_scans_are_accepted() -> None:
    """A picture with twenty scans becomes an avatar."""
    assert picture(pictures.progressive_jpeg_with_scans(20))


@pytest.mark.parametrize(
    "before", [b"", b"\0", b"\xff", b"\xff\xff\0", b"\xff\xd0", b"\xff\xe1\0\0"]
)
def test_scans_are_counted_after_any_bytes(before: bytes) -> None:
    """Data, padding, a restart marker or a segment of invalid length do not hide a scan."""
    assert not scans.too_many(START + (before + SCAN) * scans.MAX_SCANS)
    assert scans.too_many(START + (before + SCAN) * (scans.MAX_SCANS + 1))


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"\xff\xe1\xff\xff", b"\xff\xd9"), (b"\xff\xd9", b"")],
    ids=["in a segment", "after the picture"],
)
def test_other_data_is_not_counted(before: bytes, after: bytes) -> None:
    """Application data, and data after the picture, may contain the bytes of a scan."""
    assert not scans.too_many(START + before + SCAN * 10_000 + after)


@pytest.mark.parametrize("padding", [b"\xff" * 4, b"\xff\0" * 2, b"\xff\xd0" * 2], ids=bytes.hex)
def test_scans_are_counted_in_one_pass(padding: bytes) -> None:
    """Ten megabytes take linear time; with quadratic time this test would not end."""
    segment = b"\xff\xe1\xff\xff" + SCAN * (1 << 14)

    assert not scans.too_many(START + segment + padding * ((10 << 20) // 4))
