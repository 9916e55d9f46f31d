"""Detect JPEG files with so many scans that decoding would take minutes.

A JPEG may have several scans, and the decoder processes all pixels for each. A scan that changes
nothing takes a few dozen bytes in progressive coding, and ten bytes otherwise, so five megabytes of
such scans keep a function busy for half an hour. Cameras and programs write about ten.
"""

from __future__ import annotations

from thumbnail.jpeg import START_OF_SCAN, segments

MAX_SCANS = 100

_FRAMES = {0xC0, 0xC1, 0xC9}  # Frame types that are not progressive.


def too_many(jpeg: bytes) -> bool:
    """Return whether *jpeg* has more than MAX_SCANS scans before its end. Raises TooManyPartsError.

    Most pictures have one scan with all components. After such a scan libjpeg reads no other one
    (consume_markers in jdinput.c), so this function does not search for more.
    """
    scans, components = 0, None
    for segment in segments(jpeg):
        if segment.marker in _FRAMES:
            components = jpeg[segment.content + 5 : segment.content + 6]
        elif segment.marker == START_OF_SCAN:
            if components == jpeg[segment.content : segment.content + 1]:
                return False
            scans += 1
            if scans > MAX_SCANS:
                return True
    return False
