"""Memory use: decompression bombs are rejected early, and the largest pictures fit."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lambdas.thumbnail import pictures
from tests.lambdas.thumbnail.pictures import RED, encoded, png_chunk, solid_image

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[3]
LARGEST = 25 << 20  # Bytes, the maximum that the configuration allows for an upload.

CONVERT = """
import sys
from thumbnail.picture import Rejected, picture
with open(sys.argv[1], "rb") as file:
    original = file.read()
try:
    picture(original)
except Rejected as reason:
    print(reason)
else:
    print("created")
"""


def convert(file: bytes, folder: Path) -> tuple[str, float]:
    """Convert *file* in a process of its own; return the outcome and the peak memory in MB."""
    (folder / "original").write_bytes(file)
    process = subprocess.run(
        [
            *(sys.executable, "-S", ROOT / "tests/lambdas/thumbnail/peak_memory.py"),
            *(sys.executable, "-c", CONVERT, folder / "original"),
        ],
        cwd=ROOT / "lambdas",
        capture_output=True,
        text=True,
        check=True,
    )
    outcome, peak = process.stdout.splitlines()
    return outcome, float(peak)


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(lambda: pictures.blank_png(30000, 30000, depth=1), id="PNG"),
        pytest.param(
            lambda: pictures.png_file(2**31 - 1, 2**31 - 1, 16, 6), id="PNG that declares 2³¹"
        ),
        pytest.param(
            lambda: encoded(solid_image(size=(16, 16)), "JPEG").replace(
                b"\0\x10\0\x10", b"\xff\xdc\xff\xdc"
            ),
            id="JPEG",
        ),
        pytest.param(lambda: pictures.webp_with_canvas(13000, 13000), id="WebP"),
        pytest.param(lambda: pictures.webp_with_canvas(16384, 16384), id="WebP that declares 2²⁸"),
    ],
)
def test_bombs_are_rejected_by_their_header(file: Callable[[], bytes], tmp_path: Path) -> None:
    """A decompression bomb is rejected before any of its pixels is decoded."""
    outcome, peak = convert(file(), tmp_path)

    assert outcome == "too many pixels"
    assert peak < 25


def large_png() -> bytes:
    """Return a PNG of the maximum of pixels and bytes: pixel data continues after the last row."""
    file = pictures.blank_png(5000, 5000, 16, 6)
    more = png_chunk(b"IDAT", bytes(LARGEST - len(file) - 12))
    return file[:-12] + more + file[-12:]


def large_keyed_png() -> bytes:
    """Return a PNG whose lower bytes must be decoded as well."""
    file = pictures.blank_png(5000, 5000, 16, 2)
    key = png_chunk(b"tRNS", bytes(6))
    more = png_chunk(b"IDAT", bytes(LARGEST - len(file) - len(key) - 12))
    return file[:33] + key + file[33:-12] + more + file[-12:]


def large_webp() -> bytes:
    """Return a WebP of the maximum of pixels and bytes."""
    file = encoded(solid_image((*RED, 9), mode="RGBA", size=(4096, 4096)), "WEBP", method=0)
    at = file.index(b"VP8 ")
    pixels = file[at + 8 :].ljust(LARGEST - at - 8, b"\0")
    chunk = struct.pack("<4sI", b"VP8 ", len(pixels)) + pixels
    return struct.pack("<4sI", b"RIFF", LARGEST - 8) + file[8:at] + chunk


@pytest.mark.slow
@pytest.mark.parametrize(
    "file",
    [
        pytest.param(
            lambda: encoded(
                solid_image(size=(8192, 6144)), "JPEG", progressive=True, subsampling=0
            ),
            id="progressive JPEG",
        ),
        pytest.param(
            lambda: encoded(
                solid_image((9, 9, 9, 9), mode="CMYK", size=(8192, 6144)), "JPEG", progressive=True
            ),
            id="progressive CMYK",
        ),
        pytest.param(large_png, id="PNG"),
        pytest.param(large_keyed_png, id="PNG with a transparent colour"),
        pytest.param(large_webp, id="WebP"),
    ],
)
def test_the_largest_pictures_fit_into_the_function(
    file: Callable[[], bytes], tmp_path: Path
) -> None:
    """A picture of the maximum of pixels and bytes needs less than half of the 1024 MB."""
    outcome, peak = convert(file().ljust(LARGEST, b"\0"), tmp_path)

    assert outcome == "created"
    assert peak < 512
