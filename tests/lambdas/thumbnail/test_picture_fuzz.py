"""Random changes of pictures and colour profiles: each file is converted or rejected."""

from __future__ import annotations

import random
import warnings
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lambdas.thumbnail import icc_profiles, pictures
from tests.lambdas.thumbnail.pictures import RED, encoded, open_avatar, solid_image
from thumbnail.picture import Rejected, picture

pytestmark = pytest.mark.thorough

VALID = {
    "JPEG": lambda: pictures.oriented_photo(6),
    "progressive": lambda: encoded(pictures.four_corners(), "JPEG", progressive=True),
    "MPO": lambda: encoded(
        solid_image(RED), "MPO", save_all=True, append_images=[solid_image(pictures.BLUE)]
    ),
    "CMYK": lambda: encoded(
        solid_image((255, 0, 0, 0), mode="CMYK"), "JPEG", icc_profile=icc_profiles.grey_press(128)
    ),
    "PNG": pictures.png_with_metadata,
    "palette": lambda: encoded(solid_image().quantize(8), transparency=0),
    "animated PNG": lambda: pictures.animation("PNG", 3),
    "P3": lambda: encoded(
        solid_image((200, 100, 50)), icc_profile=icc_profiles.rgb(icc_profiles.P3)
    ),
    "16 bits": lambda: pictures.tiny_png(16, 0, (0x80FF,)),
    "WebP": lambda: pictures.oriented_photo(3, "WEBP"),
    "lossless": lambda: encoded(solid_image((9, 9, 9, 50), mode="RGBA"), "WEBP", lossless=True),
    "animated WebP": lambda: pictures.animation("WEBP", 3),
}
TINY_PNG = pictures.tiny_png(8, 2, RED)


def is_converted(file: bytes) -> bool:
    """Return whether *file* is converted rather than rejected; fail for an error or a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            avatar = picture(file)
        except Rejected:
            return False
    open_avatar(avatar)
    return True


_is_valid = cache(is_converted)  # The same file is checked in each example.


@pytest.mark.parametrize(
    "valid", [pytest.param(create(), id=name) for name, create in VALID.items()]
)
@settings(max_examples=60)
@given(data=st.data())
def test_a_changed_file_is_converted_or_rejected(valid: bytes, data: st.DataObject) -> None:
    """Bytes are replaced, removed or inserted, most of them in the header.

    The unchanged file is converted, so the test fails if every file is rejected.
    """
    changed = bytearray(valid)
    position = st.integers(0, len(valid) - 1) | st.integers(0, min(600, len(valid) - 1))
    edit = st.tuples(position, st.sampled_from("=-+"), st.binary(min_size=1, max_size=4))
    for at, operation, inserted in data.draw(st.lists(edit)):
        end = {"=": at + len(inserted), "-": at + len(inserted) * 16, "+": at}[operation]
        changed[at:end] = b"" if operation == "-" else inserted

    assert _is_valid(valid)
    is_converted(bytes(changed))


@given(
    start=st.sampled_from([b"", *(create()[:64] for create in VALID.values())]), rest=st.binary()
)
def test_any_bytes_are_converted_or_rejected(start: bytes, rest: bytes) -> None:
    """Random bytes follow the beginning of a valid file. After a complete file they are ignored."""
    is_converted(start + rest)

    assert is_converted(TINY_PNG + rest)


@pytest.mark.parametrize("seed", range(8))
def test_invalid_profiles_are_ignored(seed: int) -> None:
    """A picture is converted whichever bytes of its colour profile are changed."""
    chance = random.Random(seed)
    profiles = (
        icc_profiles.rgb(icc_profiles.P3),
        icc_profiles.linear_grey(),
        icc_profiles.grey_press(128),
    )
    for valid in profiles:
        profile = bytearray(valid)
        for _ in range(chance.randint(1, 12)):
            profile[chance.randrange(len(profile))] = chance.randrange(256)
        for mode, colour in (("RGB", RED), ("L", 9), ("CMYK", (1, 2, 3, 4))):
            image = solid_image(colour, mode=mode)
            open_avatar(picture(encoded(image, "JPEG", icc_profile=bytes(profile))))
