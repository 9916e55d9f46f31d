"""PNG files decompressed by ISA-L have the same pixels as with Pillow alone, or are damaged."""

from __future__ import annotations

import gc
import io
import random
import tracemalloc
import weakref
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from isal import isal_zlib
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from tests.lambdas.thumbnail import pictures
from tests.lambdas.thumbnail.pictures import encoded, png_chunk, solid_image
from thumbnail.png import InflatedPng

BITS_PER_PIXEL = {"1": 1, "L": 8, "LA": 16, "P": 8, "I;16": 16, "RGB": 24, "RGBA": 32}
GREY_ROW = b"\0" + b"\x80" * 40  # A filter type and forty pixels.


def png_of_stream(stream: bytes, *lengths: int) -> bytes:
    """Return a PNG of 40 by 40 pixels with *stream* in chunks of *lengths*, and one for the rest."""
    chunks = []
    for length in lengths:
        chunks.append(png_chunk(b"IDAT", stream[:length]))
        stream = stream[length:]
    return pictures.png_file(40, 40, 8, 0, *chunks, png_chunk(b"IDAT", stream))


def pixels(file: bytes) -> bytes:
    """Return the pixels that InflatedPng decodes."""
    image = InflatedPng(io.BytesIO(file))
    image.load()
    return image.tobytes()


@given(
    mode=st.sampled_from(sorted(BITS_PER_PIXEL)),
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    level=st.integers(0, 9),
    noise=st.integers(0, 255),
    seed=st.integers(0, 999),
)
def test_pixels_are_the_same_as_with_pillow(
    mode: str, size: tuple[int, int], level: int, noise: int, seed: int
) -> None:
    """The pixels are those of Pillow for every mode, size and compression.

    This includes files of which one piece expands to many blocks.
    """
    length = (size[0] * BITS_PER_PIXEL[mode] + 7) // 8 * size[1]
    samples = bytes(byte & noise for byte in random.Random(seed).randbytes(length))
    file = encoded(Image.frombytes(mode, size, samples), compress_level=level)

    expected = PngImageFile(io.BytesIO(file))
    expected.load()

    assert pixels(file) == expected.tobytes()


@given(lengths=st.lists(st.integers(0, 60), max_size=8))
def test_chunks_may_have_any_length(lengths: list[int]) -> None:
    """The stream may be split anywhere, and chunks may be empty."""
    stream = zlib.compress(GREY_ROW * 40)

    assert pixels(png_of_stream(stream, *lengths)) == b"\x80" * 1600


@pytest.mark.parametrize("checksum", [b"", b"sum?"])
def test_the_checksum_of_the_stream_is_not_needed(checksum: bytes) -> None:
    """A missing or wrong checksum does not matter if all rows are complete, as in browsers."""
    stream = zlib.compress(GREY_ROW * 40)[:-4] + checksum

    assert pixels(png_of_stream(stream)) == b"\x80" * 1600


@pytest.mark.parametrize("trailing", [b"", b"more"])
@pytest.mark.parametrize("rows", [40, 41, 4000])
def test_surplus_data_is_ignored(rows: int, trailing: bytes) -> None:
    """Rows after the last one, and data after the stream, do not matter."""
    assert pixels(png_of_stream(zlib.compress(GREY_ROW * rows) + trailing)) == b"\x80" * 1600


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(zlib.compress(GREY_ROW * 40)[:-9], id="incomplete"),
        pytest.param(zlib.compress(GREY_ROW * 39), id="a missing row"),
        pytest.param(b"\x78\x01\x07", id="an invalid block type"),
        pytest.param(b"PK" + zlib.compress(GREY_ROW * 40), id="not a zlib stream"),
        pytest.param(b"", id="empty"),
        pytest.param(zlib.compress((b"\x07" + GREY_ROW[1:]) * 40), id="an invalid filter"),
    ],
)
def test_damaged_streams_are_errors(stream: bytes) -> None:
    """Missing pixels are never completed with black."""
    with pytest.raises((OSError, isal_zlib.error)):
        pixels(png_of_stream(stream))


def test_a_bomb_takes_little_memory() -> None:
    """Of 128 MB after the last row, only a few pieces are in memory at a time."""
    compressor = zlib.compressobj(9)
    compressed = [compressor.compress(GREY_ROW * 40)]
    compressed += [compressor.compress(bytes(2**20)) for _ in range(128)]
    file = png_of_stream(b"".join(compressed) + compressor.flush())

    tracemalloc.start()
    decoded = pixels(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert decoded == b"\x80" * 1600
    assert peak < 40e6


def test_pixels_are_freed_without_garbage_collection() -> None:
    """An image has no reference cycle, so its megabytes are freed with its last reference."""
    image = InflatedPng(io.BytesIO(encoded(solid_image())))
    image.load()
    reference = weakref.ref(image)
    gc.disable()
    try:
        del image
        assert reference() is None
    finally:
        gc.enable()
