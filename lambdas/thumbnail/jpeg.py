"""Split a JPEG file into its picture, its colour profile and its EXIF data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from thumbnail.container import MAX_PROFILE, Container, TooManyPartsError

MAX_SEGMENTS = 2000  # 25 MiB of full segments are 400.
MAX_TABLES = 64 * 1024  # bytes: four quantization and eight Huffman tables are 2,000

START_OF_SCAN = 0xDA
END_OF_IMAGE = 0xD9
END = bytes((0xFF, END_OF_IMAGE))
# A marker as libjpeg finds it: any other bytes are skipped, and so are the markers within a scan,
# which have no length (ITU-T T.81, B.1.1.3; next_marker in jdmarker.c).
MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")

_APP0, _APP1, _APP2, _APP14, _APP15, _COMMENT = 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
_EXIF = b"Exif\0"  # and a byte of padding
_ICC = b"ICC_PROFILE\0"
# The segments from which libjpeg reads how the colours are encoded.
_COLOURS = {_APP0: b"JFIF\0", _APP14: b"Adobe"}


class Segment(NamedTuple):
    """A marker, its position, and the start (after the length) and the end of its content."""

    marker: int
    start: int
    content: int
    end: int


@dataclass(frozen=True)
class _ProfilePart:
    """One of *count* parts of a profile."""

    count: int
    data: bytes


def segments(jpeg: bytes) -> Iterator[Segment]:
    """Yield the segments of *jpeg* up to the end of the picture. Raises TooManyPartsError.

    Data after the picture, which phones add, is ignored.
    """
    at = 2
    for _ in range(MAX_SEGMENTS + 1):
        marker = MARKER.search(jpeg, at)
        if marker is None or marker[1][0] == END_OF_IMAGE:
            return
        content = marker.end() + 2
        at = marker.end() + int.from_bytes(jpeg[marker.end() : content], "big")
        yield Segment(marker[1][0], marker.start(), content, at)
    raise TooManyPartsError


def end_of_pixels(jpeg: bytes) -> int:
    """Return the end of the data of the last scan. Raises TooManyPartsError."""
    ends = [segment.end for segment in segments(jpeg) if segment.marker == START_OF_SCAN]
    marker = MARKER.search(jpeg, max(ends, default=len(jpeg)))
    return marker.start() if marker else len(jpeg)


def split(jpeg: bytes) -> Container:
    """Return the parts of *jpeg*. Raises TooManyPartsError."""
    tables: list[bytes] = []
    profile: dict[int, _ProfilePart] = {}
    exif, scans_start = b"", len(jpeg)
    for segment in segments(jpeg):
        content = jpeg[segment.content : segment.end]
        if segment.marker == START_OF_SCAN:
            scans_start = segment.start
            break
        if segment.marker == _APP1 and content.startswith(_EXIF):
            exif = exif or content[len(_EXIF) + 1 :]
        elif segment.marker == _APP2 and content.startswith(_ICC):
            number, count = content[len(_ICC) : len(_ICC) + 2].ljust(2, b"\0")
            profile.setdefault(number, _ProfilePart(count, content[len(_ICC) + 2 :]))
        elif _is_needed(segment.marker, content):
            tables.append(jpeg[segment.start : max(segment.content, segment.end)])
    if sum(map(len, tables)) > MAX_TABLES:
        raise TooManyPartsError
    has_end = jpeg.find(END, scans_start) >= 0
    image = b"".join((jpeg[:2], *tables, memoryview(jpeg)[scans_start:], b"" if has_end else END))
    return Container(image, _joined(profile), exif, has_end=has_end)


def _is_needed(marker: int, content: bytes) -> bool:
    """Return whether a segment is needed to decode the pixels."""
    if marker in _COLOURS:
        return content.startswith(_COLOURS[marker])
    return not (_APP0 <= marker <= _APP15 or marker == _COMMENT)


def _joined(parts: Mapping[int, _ProfilePart]) -> bytes:
    """Return the profile, or nothing if one of its parts is missing (ICC.1:2022, B.4).

    The parts may be in any order, before and after the frame header, and repeated.
    """
    if {part.count for part in parts.values()} != {len(parts)}:
        return b""
    profile = b"".join(parts[number].data for number in sorted(parts))
    return profile if len(profile) <= MAX_PROFILE else b""
