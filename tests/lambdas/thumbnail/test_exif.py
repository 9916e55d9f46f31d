"""Only the orientation is read from EXIF data, and no other metadata rotates a picture."""

from __future__ import annotations

import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import PngImagePlugin

from tests.lambdas.thumbnail.pictures import (
    encoded,
    exif_data,
    four_corners,
    has_upright_corners,
    jpeg_segment,
    open_avatar,
    oriented_photo,
    overlapping_exif_entries,
    xmp_data,
)
from thumbnail.exif import orientation
from thumbnail.picture import picture


def exif_with(order: str, *entries: tuple[int, int, int, int], start: int = 8) -> bytes:
    """Return EXIF data in the byte *order*; entries have a tag, a type, a count and a value."""
    mark = {"<": b"II*\0", ">": b"MM\0*"}[order]
    head = mark + struct.pack(f"{order}I", start) + struct.pack(f"{order}H", len(entries))
    packed = [struct.pack(f"{order}HHIHxx", *entry) for entry in entries]
    return head + b"".join(packed) + bytes(4)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("value", range(1, 9))
def test_orientation(order: str, value: int) -> None:
    """The orientation is read in each byte order, after other entries."""
    assert orientation(exif_with(order, (0x10E, 2, 1, 65), (0x112, 3, 1, value))) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"II*\0",
        b"JJ*\0" + exif_with("<", (0x112, 3, 1, 6))[4:],
        exif_with("<"),
        exif_with("<", (0x112, 3, 1, 0)),
        exif_with("<", (0x112, 3, 1, 9)),
        exif_with("<", (0x112, 3, 2, 6)),
        exif_with("<", (0x112, 4, 1, 6)),
        exif_with("<", (0x10E, 3, 1, 6)),
        exif_with("<", (0x112, 3, 1, 6), start=2**32 - 1),
        exif_with("<", (0x112, 3, 1, 6))[:15],
    ],
    ids=bytes.hex,
)
def test_invalid_orientation(data: bytes) -> None:
    """A missing or malformed orientation means upright."""
    assert orientation(data) == 1


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda data: b"MM\0*" + data))
def test_any_exif_data(data: bytes) -> None:
    """Random data has a valid orientation, and raises no error."""
    assert orientation(data) in range(1, 9)


def test_other_entries_are_not_read() -> None:
    """Other entries are skipped: 60 kB of entries with shared data would expand to 300 MB."""
    data = overlapping_exif_entries()

    tracemalloc.start()
    found = orientation(data)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found == 1
    assert peak_bytes < len(data)


def is_upright(file: bytes) -> bool:
    return has_upright_corners(open_avatar(picture(file)))


def upright_with_xmp(file_format: str) -> bytes:
    """Return an upright picture whose XMP data has an orientation."""
    if file_format == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp_data(6).decode())
        return encoded(four_corners(), pnginfo=text)
    return encoded(four_corners(), file_format, xmp=xmp_data(6))


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_xmp_does_not_rotate(file_format: str) -> None:
    """An orientation in XMP data is ignored, as in browsers."""
    assert is_upright(upright_with_xmp(file_format))


def test_exif_data_in_text_chunks_does_not_rotate() -> None:
    """An orientation in the text chunks of a PNG is ignored, as in browsers."""
    exif = exif_data(6).tobytes()
    text = PngImagePlugin.PngInfo()
    text.add_text("Raw profile type exif", f"\nexif\n{len(exif)}\n{exif.hex()}")
    text.add_text("exif", exif)

    assert is_upright(encoded(four_corners(), pnginfo=text))


def test_the_first_exif_data_is_used() -> None:
    """A second EXIF segment is ignored, as in browsers."""
    photo = oriented_photo(6)
    second = jpeg_segment(0xE1, exif_data(3).tobytes())
    at = photo.index(b"\xff\xdb")

    assert is_upright(photo[:at] + second + photo[at:])
