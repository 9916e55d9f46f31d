"""The colour profile of a JPEG is found in all of its segments, and its end marker may be missing."""

from __future__ import annotations

import pytest

from tests.lambdas.thumbnail import icc_profiles
from tests.lambdas.thumbnail.pictures import (
    encoded,
    four_corners,
    is_close,
    jpeg_segment,
    jpeg_with_segments,
    open_avatar,
    solid_image,
)
from thumbnail import jpeg
from thumbnail.picture import SIDE, Rejected, picture

PHOTOS = {
    "baseline": encoded(four_corners(), "JPEG"),
    "progressive": encoded(four_corners(), "JPEG", progressive=True),
    "with restart markers": encoded(four_corners(), "JPEG", restart_marker_rows=1),
    "grey": encoded(four_corners().convert("L"), "JPEG"),
}
COLOUR = (200, 100, 50)  # The profile changes it.
P3 = icc_profiles.rgb(icc_profiles.P3)


def profile_part(number: int, count: int, data: bytes) -> bytes:
    return jpeg_segment(0xE2, b"ICC_PROFILE\0" + bytes([number, count]) + data)


FIRST, SECOND = profile_part(1, 2, P3[:100]), profile_part(2, 2, P3[100:])
WHOLE = profile_part(1, 1, P3)
SEGMENTS = {  # Before and after the frame header.
    "one part": ([WHOLE], []),
    "two parts": ([FIRST, SECOND], []),
    "reverse order": ([SECOND, FIRST], []),
    "around the frame header": ([FIRST], [SECOND]),
    "after the frame header": ([], [FIRST, SECOND]),
    "twice": ([WHOLE] * 2, []),
    "twice, around the frame header": ([WHOLE], [WHOLE]),
    "twice in two parts": ([FIRST, SECOND] * 2, []),
    "counted from zero": ([profile_part(0, 2, P3[:100]), profile_part(1, 2, P3[100:])], []),
}


@pytest.mark.parametrize(("before", "after"), SEGMENTS.values(), ids=SEGMENTS)
def test_profiles_are_joined_from_their_parts(before: list[bytes], after: list[bytes]) -> None:
    """Parts may be in any order, on both sides of the frame header, and repeated."""
    file = encoded(solid_image(COLOUR), "JPEG")
    frame, scan = file.index(b"\xff\xc0"), file.index(b"\xff\xda")
    parts = (file[:frame], *before, file[frame:scan], *after, file[scan:])

    avatar = open_avatar(picture(b"".join(parts)))

    colour = avatar.getpixel((SIDE // 2 - 8, SIDE // 2 - 8))
    assert is_close(icc_profiles.srgb_of(COLOUR, icc_profiles.P3), colour)


@pytest.mark.parametrize(
    "parts",
    [
        [FIRST],
        [SECOND],
        [FIRST, profile_part(2, 3, P3[100:])],
        [profile_part(1, 0, P3)],
        [profile_part(2, 1, P3), FIRST],
    ],
)
def test_incomplete_profiles_are_ignored(parts: list[bytes]) -> None:
    """A profile is not used if one of its parts is missing."""
    assert jpeg.split(jpeg_with_segments(*parts)).profile == b""


@pytest.mark.parametrize("end", [b"", b"\xff", bytes(8)])
@pytest.mark.parametrize("photo", PHOTOS.values(), ids=PHOTOS)
def test_the_end_marker_may_be_missing(photo: bytes, end: bytes) -> None:
    """A JPEG that lacks only its end marker has all its pixels, and browsers show it."""
    assert picture(photo.removesuffix(jpeg.END) + end) == picture(photo)


@pytest.mark.parametrize("missing", [6, 100, 2000])
@pytest.mark.parametrize("photo", PHOTOS.values(), ids=PHOTOS)
def test_missing_pixels_are_not_invented(photo: bytes, missing: int) -> None:
    """A JPEG whose last pixels are missing, too, is damaged."""
    with pytest.raises(Rejected, match="damaged"):
        picture(photo[:-missing])
