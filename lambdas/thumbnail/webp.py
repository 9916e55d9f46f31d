"""Split a WebP file into its picture, its colour profile and its EXIF data."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from thumbnail.container import MAX_PARTS, MAX_PROFILE, Container, TooManyPartsError

_HEADER = 12  # bytes: RIFF, the length, WEBP
_ALPHA, _ANIMATION = 0x10, 0x02  # flags of VP8X that are needed for decoding
_PICTURE = {b"ALPH", b"VP8 ", b"VP8L"}
_FRAMES = {b"ANIM", b"ANMF"}
_METADATA = {b"ICCP", b"EXIF"}


def split(webp: bytes) -> Container:
    """Return the parts of *webp*: of an animation, the first frame. Raises TooManyPartsError."""
    picture: dict[bytes, bytes] = {}
    other: dict[bytes, bytes] = {}
    for name, start, end in _chunks(webp):
        if name == b"VP8X" and not picture:
            picture[name] = _without_metadata(webp[start:end])
        elif name in _PICTURE | _FRAMES:
            # Some programs do not write the last byte of padding.
            picture.setdefault(name, webp[start:end] + bytes(end == len(webp) + 1))
        elif name in _METADATA:
            other.setdefault(name, webp[start + 8 : end])
    body = b"".join((b"WEBP", *picture.values()))
    profile = other.get(b"ICCP", b"")
    return Container(
        struct.pack("<4sI", b"RIFF", len(body)) + body,
        profile if len(profile) <= MAX_PROFILE else b"",
        other.get(b"EXIF", b"").removeprefix(b"Exif\0\0"),
    )


def _chunks(webp: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each chunk, its start and its end, including header and padding."""
    (length,) = struct.unpack_from("<I", webp, 4)
    at, limit = _HEADER, min(8 + length, len(webp))
    for _ in range(MAX_PARTS):
        if at + 8 > limit:
            return
        name, size = struct.unpack_from("<4sI", webp, at)
        yield name, at, at + 8 + size + size % 2
        at += 8 + size + size % 2
    raise TooManyPartsError


def _without_metadata(header: bytes) -> bytes:
    """Return *header* (VP8X) without the flags for profile, EXIF data and XMP."""
    return header[:8] + bytes(map(_needed_flags, header[8:9])) + header[9:]


def _needed_flags(flags: int) -> int:
    """Return the *flags* of a file that are needed for decoding.

    An animation always has alpha: the canvas is transparent outside of a first frame that is smaller,
    but encoders do not set the flag for it if all frames are opaque.
    """
    return _ALPHA | _ANIMATION if flags & _ANIMATION else flags & _ALPHA
