"""What a JPEG, PNG or WebP file holds that an avatar is made of.

Pillow reads every comment, text and profile of a file, and takes each at its word. So it is only
given the pixels; the two other parts that count are cut out here, by code that never raises for
what they say.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

MAX_PARTS = 50_000  # 25 MiB of PNG have 3,200 chunks of the usual 8 KiB.
MAX_PROFILE = 4 * 1024 * 1024  # bytes: twice as much as the largest that presses use


class TooManyPartsError(ValueError):
    """The file has more segments or chunks than any program writes."""


@dataclass(frozen=True)
class Container:
    """The parts of a file: *image* is a file of the same format with nothing in it but pixels.

    *exif* begins with the TIFF header. Both it and *profile* are as the file has them, unchecked.
    """

    image: bytes
    profile: bytes = b""
    exif: bytes = b""


def inflated(packed: bytes) -> bytes:
    """Return the profile in *packed*, or nothing if it is damaged or longer than MAX_PROFILE."""
    inflater = zlib.decompressobj()
    try:
        profile = inflater.decompress(packed, MAX_PROFILE)
    except zlib.error:
        return b""
    return profile if inflater.eof else b""
