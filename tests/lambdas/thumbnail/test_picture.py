"""Files are converted or rejected: other formats, malicious files, and unusual valid ones.

test_handler.py tests the notifications of S3.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from tests.lambdas.thumbnail import icc_profiles, pictures
from tests.lambdas.thumbnail.pictures import (
    BLUE,
    CORNERS_BY_ORIENTATION,
    RED,
    WHITE,
    encoded,
    has_upright_corners,
    open_avatar,
    oriented_photo,
    png_chunk,
    solid_image,
    tiny_png,
)
from tests.lambdas.thumbnail.thumbnail_function import (
    File,
    ThumbnailFunction,
    assert_converted,
    assert_rejected,
    content_of,
)
from thumbnail.picture import MAX_RATIO, MAX_SIDE, QUALITY, SIDE

pytestmark = pytest.mark.thorough

OTHER_FORMAT, DAMAGED, TOO_LARGE, TOO_NARROW = (
    "not a JPEG, PNG or WebP",
    "damaged",
    "too many pixels",
    "too narrow",
)
Check = Callable[[ThumbnailFunction], None]


def converts(file: File, colour: tuple[int, ...] | None = None) -> Check:
    """Check that *file* becomes an avatar; *colour* is the one at its centre."""

    def check(function: ThumbnailFunction) -> None:
        assert_converted(function, file, colour)

    return check


def rotates(file: File) -> Check:
    """Check that the avatar of *file* is upright."""

    def check(function: ThumbnailFunction) -> None:
        avatar = assert_converted(function, file)

        assert has_upright_corners(open_avatar(avatar.content))

    return check


def rejects(file: File, reason: str) -> Check:
    """Check that *file* is rejected with *reason*."""

    def check(function: ThumbnailFunction) -> None:
        assert_rejected(function, file, reason)

    return check


def removes_metadata(file: File) -> Check:
    """Check that the avatar of *file*, which is red, has none of its metadata."""

    def check(function: ThumbnailFunction) -> None:
        content = content_of(file)
        assert b"SECRET" in content

        avatar = assert_converted(function, content, RED)

        assert b"SECRET" not in avatar.content
        assert b"Exif" not in avatar.content

    return check


def with_profile(
    profile: bytes, mode: str = "RGB", colour: Any = (200, 100, 50), file_format: str = "PNG"
) -> bytes:
    return encoded(solid_image(colour, mode=mode), file_format, icc_profile=profile)


def two_pictures() -> bytes:
    """Return an MPO, a JPEG with a second picture."""
    return encoded(solid_image(RED), "MPO", save_all=True, append_images=[solid_image(BLUE)])


def first_half(file_format: str) -> bytes:
    noise = Image.effect_noise((600, 400), 90).convert("RGB")
    file = encoded(noise, file_format)
    return file[: len(file) // 2]


def beyond_palette() -> bytes:
    """Return a PNG with an index of a colour that its palette does not have."""
    return tiny_png(8, 3, (200,), png_chunk(b"PLTE", bytes(RED)))


def gif_with_script() -> bytes:
    return b"GIF89a/*" + encoded(solid_image(), "GIF")[8:] + b"*/=0;alert(1)"


def circular_exif() -> bytes:
    """Return a JPEG whose EXIF directory refers to itself."""
    exif = b"II*\0\x08\0\0\0" + b"\x01\0" + b"\x69\x87\x04\0\x01\0\0\0\x08\0\0\0" + b"\x08\0\0\0"
    return encoded(solid_image(), "JPEG", exif=b"Exif\0\0" + exif)


@functools.cache
def bomb() -> bytes:
    """Return 200 MB of zeros, compressed."""
    return zlib.compress(bytes(200_000_000))


TRANSPARENT = {
    "1 bit": tiny_png(1, 0, (1,), png_chunk(b"tRNS", b"\0\1")),
    "2 bits": tiny_png(2, 0, (2,), png_chunk(b"tRNS", b"\0\2")),
    "4 bits": tiny_png(4, 0, (5,), png_chunk(b"tRNS", b"\0\5")),
    "8 bits": tiny_png(8, 0, (7,), png_chunk(b"tRNS", b"\0\7")),
    "16 bits": tiny_png(16, 0, (0x80FF,), png_chunk(b"tRNS", b"\x80\xff")),
    "RGB": tiny_png(8, 2, RED, png_chunk(b"tRNS", bytes((0, 200, 0, 30, 0, 30)))),
    "RGB, 16 bits": tiny_png(
        16, 2, (0x1234, 0x5678, 0x9ABC), png_chunk(b"tRNS", bytes.fromhex("123456789abc"))
    ),
    "palette": tiny_png(8, 3, (0,), png_chunk(b"PLTE", bytes(RED)), png_chunk(b"tRNS", b"\0")),
}
MORE_TRANSPARENT_THAN_COLOURS = tiny_png(
    8, 3, (0,), png_chunk(b"PLTE", bytes(768)), png_chunk(b"tRNS", bytes(257))
)
HALF_TRANSPARENT_RED = tuple((channel + 255) // 2 for channel in RED)
P3, ADOBE = icc_profiles.rgb(icc_profiles.P3), icc_profiles.rgb(icc_profiles.ADOBE)
LINEAR_GREY = png_chunk(b"iCCP", b"grey\0\0" + zlib.compress(icc_profiles.linear_grey()))
P3_COLOUR = icc_profiles.srgb_of((200, 100, 50), icc_profiles.P3)
ADOBE_COLOUR = icc_profiles.srgb_of((200, 100, 50), icc_profiles.ADOBE)

CASES: list[tuple[str, Check]] = [
    ("SVG", rejects(b'<svg xmlns="http://www.w3.org/2000/svg"/>', OTHER_FORMAT)),
    ("HTML", rejects(b"<html><script>alert(1)</script></html>", OTHER_FORMAT)),
    ("PDF", rejects(b"%PDF-1.7\n", OTHER_FORMAT)),
    ("ZIP", rejects(b"PK\x03\x04", OTHER_FORMAT)),
    ("empty file", rejects(b"", "empty")),
    (
        "JPEG followed by HTML",
        removes_metadata(lambda: encoded(solid_image(), "JPEG") + b"<b>SECRET"),
    ),
    (
        "PNG followed by a ZIP",
        removes_metadata(lambda: encoded(solid_image()) + b"PK\x03\x04SECRET"),
    ),
    ("GIF that is also a script", rejects(gif_with_script, OTHER_FORMAT)),
    ("PNG of 88 Mpx in 86 kB", rejects(lambda: pictures.blank_png(9400, 9400), TOO_LARGE)),
    ("largest PNG", converts(lambda: pictures.blank_png(5000, 5000), (0, 0, 0))),
    ("PNG of 150 Mpx", rejects(lambda: pictures.blank_png(12300, 12300, depth=1), TOO_LARGE)),
    (
        "PNG that declares 2³¹ pixels per side",
        rejects(pictures.png_file(2**31 - 1, 2**31 - 1, 8, 6), TOO_LARGE),
    ),
    (
        "zTXt that expands to 200 MB",
        converts(lambda: pictures.png_with_chunks(png_chunk(b"zTXt", b"k\0\0" + bomb())), RED),
    ),
    (
        "iCCP that expands to 200 MB",
        converts(lambda: pictures.png_with_chunks(png_chunk(b"iCCP", b"k\0\0" + bomb())), RED),
    ),
    ("half of a JPEG", rejects(lambda: first_half("JPEG"), DAMAGED)),
    ("half of a PNG", rejects(lambda: first_half("PNG"), DAMAGED)),
    ("half of a WebP", rejects(lambda: first_half("WEBP"), DAMAGED)),
    ("header without pixels", rejects(pictures.png_file(600, 400, 8, 2), DAMAGED)),
    ("GIF of 1000 frames", rejects(lambda: pictures.animation("GIF"), OTHER_FORMAT)),
    ("PNG of 1000 frames", converts(lambda: pictures.animation("PNG"), RED)),
    ("WebP of 1000 frames", converts(lambda: pictures.animation("WEBP"), RED)),
    ("WebP of 25 Mpx", rejects(lambda: pictures.webp_with_canvas(5000, 5000), TOO_LARGE)),
    ("1 by 16000", rejects(lambda: pictures.blank_png(1, 16000), TOO_NARROW)),
    ("12000 by 1", rejects(lambda: pictures.blank_png(12000, 1), TOO_NARROW)),
    ("side of 16385", rejects(lambda: pictures.blank_png(16385, 900, depth=1), TOO_LARGE)),
    ("ratio of 20", converts(lambda: pictures.blank_png(2000, 100), (0, 0, 0))),
    ("grey, 16 bits", converts(tiny_png(16, 0, (0x80FF,)), (128, 128, 128))),
    ("grey and alpha, 16 bits", converts(tiny_png(16, 4, (0, 0x8000)), (127, 127, 127))),
    ("RGB, 16 bits", converts(tiny_png(16, 2, (0xC8FF, 0x1E00, 0x1EFF)), RED)),
    (
        "CMYK",
        converts(lambda: encoded(solid_image((0, 255, 255, 0), mode="CMYK"), "JPEG"), (255, 0, 0)),
    ),
    (
        "CMYK with a profile",
        converts(
            lambda: with_profile(icc_profiles.grey_press(128), "CMYK", (255, 0, 0, 0), "JPEG"),
            (119, 119, 119),
        ),
    ),
    (
        "half transparent",
        converts(lambda: encoded(solid_image((*RED, 128), mode="RGBA")), HALF_TRANSPARENT_RED),
    ),
    ("transparent grey", converts(lambda: encoded(solid_image((9, 0), mode="LA")), WHITE)),
    (
        "transparent WebP",
        converts(lambda: encoded(solid_image((9, 9, 9, 0), mode="RGBA"), "WEBP"), WHITE),
    ),
    *(
        (f"transparent by tRNS, {name}", converts(file, WHITE))
        for name, file in TRANSPARENT.items()
    ),
    ("grey, 4 bits", converts(tiny_png(4, 0, (5,)), (85, 85, 85))),
    ("palette", converts(lambda: encoded(solid_image().quantize(8)), RED)),
    ("index beyond the palette", converts(beyond_palette)),
    (
        "more transparent entries than colours",
        converts(lambda: MORE_TRANSPARENT_THAN_COLOURS, (0, 0, 0)),
    ),
    ("1 bit", converts(lambda: encoded(solid_image(1, mode="1")), WHITE)),
    (
        "one pixel",
        converts(lambda: encoded(solid_image(size=(1, 1)), "WEBP", lossless=True), RED),
    ),
    ("one pixel, JPEG", converts(lambda: encoded(solid_image(size=(1, 1)), "JPEG"), RED)),
    *(
        (f"orientation {value}", rotates(lambda value=value: oriented_photo(value)))
        for value in CORNERS_BY_ORIENTATION
    ),
    ("PNG, orientation 6", rotates(lambda: oriented_photo(6, "PNG"))),
    ("WebP, orientation 8", rotates(lambda: oriented_photo(8, "WEBP"))),
    (
        "orientation 9",
        converts(lambda: encoded(solid_image(), "JPEG", exif=pictures.exif_data(9)), RED),
    ),
    ("metadata of a JPEG", removes_metadata(pictures.jpeg_with_metadata)),
    ("metadata of a PNG", removes_metadata(pictures.png_with_metadata)),
    ("Display P3", converts(lambda: with_profile(P3), P3_COLOUR)),
    (
        "Adobe RGB",
        converts(lambda: with_profile(ADOBE, file_format="JPEG"), ADOBE_COLOUR),
    ),
    (
        "Display P3 and alpha",
        converts(lambda: with_profile(P3, "RGBA", (200, 100, 50, 255), "WEBP"), P3_COLOUR),
    ),
    (
        "linear grey",
        converts(lambda: with_profile(icc_profiles.linear_grey(), "L", 128), (188, 188, 188)),
    ),
    *(
        (
            f"linear grey and alpha, {depth} bits",
            converts(tiny_png(depth, 4, samples, LINEAR_GREY), (188, 188, 188)),
        )
        for depth, samples in {8: (0x80, 0xFF), 16: (0x8000, 0xFFFF)}.items()
    ),
    ("invalid profile", converts(lambda: with_profile(b"broken" * 50), (200, 100, 50))),
    (
        "profile of other colours",
        converts(lambda: with_profile(icc_profiles.grey_press(9)), (200, 100, 50)),
    ),
    ("incomplete profile", converts(lambda: with_profile(P3[:150]), (200, 100, 50))),
    ("two pictures in one JPEG", converts(two_pictures, RED)),
    (
        "two pictures with an invalid index",
        converts(lambda: two_pictures().replace(b"MPF\0II*\0\x08", b"MPF\0II*\0\xff"), RED),
    ),
    ("AVIF", rejects(lambda: encoded(solid_image(), "AVIF"), OTHER_FORMAT)),
    ("HEIC", rejects(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", OTHER_FORMAT)),
    ("TIFF", rejects(lambda: encoded(solid_image(), "TIFF"), OTHER_FORMAT)),
    ("PSD", rejects(b"8BPS\0\1" + bytes(30), OTHER_FORMAT)),
    ("EPS", rejects(b"%!PS-Adobe-3.0 EPSF-3.0\n", OTHER_FORMAT)),
    ("FITS", rejects(b"SIMPLE  =                    T", OTHER_FORMAT)),
    ("BMP", rejects(lambda: encoded(solid_image(), "BMP"), OTHER_FORMAT)),
    (
        "invalid EXIF data",
        converts(
            lambda: encoded(solid_image(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"), RED
        ),
    ),
    (
        "empty EXIF data",
        converts(lambda: encoded(solid_image(), "JPEG", exif=b"Exif\0\0"), RED),
    ),
    ("circular EXIF data", converts(circular_exif, RED)),
]


@pytest.mark.parametrize("check", [pytest.param(check, id=name) for name, check in CASES])
def test_case(function: ThumbnailFunction, check: Check) -> None:
    """Each file of CASES is converted or rejected as expected."""
    check(function)


def test_each_case_is_listed_once() -> None:
    """The cases have different names."""
    assert len(CASES) == len({name for name, _ in CASES})


def test_size_and_limits() -> None:
    """An avatar has 512 by 512 pixels; the limits keep the memory of the function small."""
    assert (SIDE, QUALITY) == (512, 85)
    assert (MAX_SIDE, MAX_RATIO) == (16_384, 20)
