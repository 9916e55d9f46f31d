"""A PNG that ISA-L inflates has the pixels that Pillow alone finds in it, or is damaged."""

from __future__ import annotations

import gc
import io
import random
import tracemalloc
import weakref
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from isal import isal_zlib
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from tests.lambdas.thumbnail import pictures
from tests.lambdas.thumbnail.pictures import encoded, png_chunk, solid_image
from thumbnail.png import InflatedPng

MODES = {"1": 1, "L": 8, "LA": 16, "P": 8, "I;16": 16, "RGB": 24, "RGBA": 32}  # bits a pixel
GREY = b"\0" + b"\x80" * 40  # a row of forty pixels


def grey(stream: bytes, *lengths: int) -> bytes:
    """Forty by forty of it, in as many chunks as there are *lengths*, and one for the rest."""
    chunks = []
    for length in lengths:
        chunks.append(png_chunk(b"IDAT", stream[:length]))
        stream = stream[length:]
    return pictures.png_file(40, 40, 8, 0, *chunks, png_chunk(b"IDAT", stream))


def pixels(file: bytes) -> bytes:
    image = InflatedPng(io.BytesIO(file))
    image.load()
    return image.tobytes()


@given(
    mode=st.sampled_from(sorted(MODES)),
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    level=st.integers(0, 9),
    noise=st.integers(0, 255),
    seed=st.integers(0, 999),
)
@settings(deadline=None)
def test_it_is_what_pillow_finds(
    mode: str, size: tuple[int, int], level: int, noise: int, seed: int
) -> None:
    """Of each mode, size and compression: also where a piece of the file becomes many blocks."""
    length = (size[0] * MODES[mode] + 7) // 8 * size[1]
    samples = bytes(byte & noise for byte in random.Random(seed).randbytes(length))
    file = encoded(Image.frombytes(mode, size, samples), compress_level=level)

    plainly = PngImageFile(io.BytesIO(file))
    plainly.load()

    assert plainly.tobytes() == pixels(file)


@given(lengths=st.lists(st.integers(0, 60), max_size=8))
def test_however_it_is_cut_into_chunks(lengths: list[int]) -> None:
    """Empty ones, too."""
    stream = zlib.compress(GREY * 40)

    assert b"\x80" * 1600 == pixels(grey(stream, *lengths))


def test_its_end_may_be_missing() -> None:
    """All rows are there."""
    assert b"\x80" * 1600 == pixels(grey(zlib.compress(GREY * 40)[:-4]))


@pytest.mark.parametrize("more", [b"", b"more"])
@pytest.mark.parametrize("rows", [40, 41, 4000])
def test_what_is_too_much_is_left(rows: int, more: bytes) -> None:
    """Rows below the last, and what is behind the stream."""
    assert b"\x80" * 1600 == pixels(grey(zlib.compress(GREY * rows) + more))


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(zlib.compress(GREY * 40)[:-9], id="cut off"),
        pytest.param(zlib.compress(GREY * 39), id="a row too few"),
        pytest.param(zlib.compress(GREY * 40)[:-4] + b"sum?", id="checksum"),
        pytest.param(b"\x78\x01\x07", id="no such block"),
        pytest.param(b"PK" + zlib.compress(GREY * 40), id="no zlib stream"),
        pytest.param(b"", id="nothing"),
        pytest.param(zlib.compress((b"\x07" + GREY[1:]) * 40), id="no such filter"),
    ],
)
def test_damage(stream: bytes) -> None:
    """It is never completed with black."""
    with pytest.raises((OSError, isal_zlib.error)):
        pixels(grey(stream))


def test_a_stream_far_too_long_takes_little_memory() -> None:
    """Of forty rows, and 128 MB behind them, a few pieces are held at once."""
    packer = zlib.compressobj(9)
    packed = [packer.compress(GREY * 40), *(packer.compress(bytes(2**20)) for _ in range(128))]
    file = grey(b"".join(packed) + packer.flush())

    tracemalloc.start()
    found = pixels(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert b"\x80" * 1600 == found
    assert peak < 40e6


def test_it_is_gone_with_its_last_user() -> None:
    """Twelve megabytes or more do not wait for the garbage collector."""
    image = InflatedPng(io.BytesIO(encoded(solid_image())))
    image.load()
    seen = weakref.ref(image)
    gc.disable()
    try:
        del image
        assert seen() is None
    finally:
        gc.enable()
