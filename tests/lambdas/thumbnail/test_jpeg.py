"""The colour profile of a JPEG is found in all of its segments, and its end marker may be missing."""

from __future__ import annotations

import pytest

from tests.lambdas.thumbnail import icc_profiles
from tests.lambdas.thumbnail.pictures import (
    encoded,
    four_corners,
    has_upright_corners,
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
BASELINE = {name: photo for name, photo in PHOTOS.items() if name != "progressive"} | {
    "CMYK": encoded(four_corners().convert("CMYK"), "JPEG"),
    "RGB": encoded(four_corners(), "JPEG", keep_rgb=True),
}
START_OF_SCAN = bytes((0xFF, jpeg.START_OF_SCAN))
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


@pytest.mark.parametrize(
    "end",
    [jpeg.END, bytes(8) + jpeg.END, jpeg.END + b"appended", b"\xff\xc4", b"\xff\xc4" + jpeg.END],
)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("photo", BASELINE.values(), ids=BASELINE)
def test_missing_pixels_before_an_end_marker_are_not_grey(
    photo: bytes, share: float, end: bytes
) -> None:
    """A JPEG that was cut off and then ended by a program is damaged, not partly grey."""
    scan = photo.index(START_OF_SCAN)

    with pytest.raises(Rejected, match="damaged"):
        picture(photo[: scan + 14 + int((len(photo) - scan) * share)] + end)


@pytest.mark.parametrize(
    ("mode", "grey"), [("RGB", (128,) * 3), ("L", 128), ("CMYK", (128, 128, 128, 0))]
)
@pytest.mark.parametrize("progressive", [False, True])
def test_complete_pictures_may_end_in_grey(
    mode: str, grey: int | tuple[int, ...], *, progressive: bool
) -> None:
    """A complete JPEG is accepted if its last pixels have the grey of missing pixels."""
    photo = encoded(solid_image(grey, mode=mode), "JPEG", progressive=progressive)

    assert is_close((128,) * 3, open_avatar(picture(photo)).getpixel((500, 500)))


def test_a_progressive_picture_may_lack_its_details() -> None:
    """A progressive JPEG without its last scans is accepted, because no pixel is missing."""
    photo = encoded(four_corners(), "JPEG", progressive=True)
    without_details = photo[: photo.rindex(START_OF_SCAN)] + jpeg.END

    assert has_upright_corners(open_avatar(picture(without_details)))
