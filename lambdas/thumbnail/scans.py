"""Tells a JPEG that would keep us busy: one that is painted over and over, at no cost to its file.

A picture may come in several scans, each a walk over all its pixels. A scan that changes nothing
takes a few dozen bytes in progressive coding, and in any other ten bytes: one without data is
walked as well. So five megabytes of them keep a function busy for half an hour. Cameras and
programs write about ten.
"""

from __future__ import annotations

import re

MAX = 100

_START = b"\xff\xda"
_END = b"\xff\xd9"
# As libjpeg goes on to the next one: past anything else, and past those that stand within a scan
# and have no length (ITU-T T.81, B.1.1.3; next_marker in jdmarker.c).
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")


def too_many(jpeg: bytes) -> bool:
    """Whether *jpeg* has more than MAX scans."""
    return jpeg.count(_START) > MAX and _scans(jpeg) > MAX


def _scans(jpeg: bytes) -> int:
    """How many scans begin before the end of the picture; what a phone puts behind it is not one.

    More than MAX are not counted to the end.
    """
    scans, at = 0, 2
    while scans <= MAX and (marker := _MARKER.search(jpeg, at)) and marker[0] != _END:
        scans += marker[0] == _START
        at = marker.end() + int.from_bytes(jpeg[marker.end() : marker.end() + 2], "big")
    return scans
