"""The parts of a JPEG, PNG or WebP file that are used for an avatar.

Pillow reads every comment, text and profile of a file without validating them. So it gets only the
pixels. The ICC profile and the EXIF data are extracted by code that raises no error for any content.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

MAX_PARTS = 50_000  # 25 MiB of PNG have 3,200 chunks of the usual 8 KiB.
MAX_PROFILE = 4 * 1024 * 1024  # Bytes: twice the size of the largest known profiles, for printing.


class TooManyPartsError(ValueError):
    """The file has more segments or chunks than any program writes."""


@dataclass(frozen=True)
class Container:
    """The parts of a file: *image* is a file of the same format that contains only pixels.

    *exif* begins with the TIFF header. *exif* and *profile* are copied without a check. *has_end* is
    false if the end marker of the file is missing; *image* has an end marker in any case.
    """

    image: bytes
    profile: bytes = b""
    exif: bytes = b""
    has_end: bool = True


def inflated(packed: bytes) -> bytes:
    """Return the profile in *packed*, or nothing if it is damaged or longer than MAX_PROFILE."""
    inflater = zlib.decompressobj()
    try:
        profile = inflater.decompress(packed, MAX_PROFILE)
    except zlib.error:
        return b""
    return profile if inflater.eof else b""
