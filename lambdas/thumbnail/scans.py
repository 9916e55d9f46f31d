"""Tells a JPEG that would keep us busy: one that is painted over and over, at no cost to its file.

A picture may come in several scans, each a walk over all its pixels. A scan that changes nothing
takes a few dozen bytes in progressive coding, and in any other ten bytes: one without data is
walked as well. So five megabytes of them keep a function busy for half an hour. Cameras and
programs write about ten.
"""

from __future__ import annotations

import re

MAX = 100

_FRAMES = {b"\xff\xc0", b"\xff\xc1", b"\xff\xc9"}  # that are not progressive
_START = b"\xff\xda"
_END = b"\xff\xd9"
# As libjpeg goes on to the next one: past anything else, and past those that stand within a scan
# and have no length (ITU-T T.81, B.1.1.3; next_marker in jdmarker.c).
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")


def too_many(jpeg: bytes) -> bool:
    """Whether *jpeg* has more than MAX scans before the end of the picture.

    What a phone puts behind that is none. Most pictures come in one scan of all their components:
    behind that libjpeg takes no other (consume_markers in jdinput.c), so it is not looked for.
    """
    scans, at, components = 0, 2, None
    while scans <= MAX and (marker := _MARKER.search(jpeg, at)) and marker[0] != _END:
        content = marker.end() + 2
        if marker[0] in _FRAMES:
            components = jpeg[content + 5 : content + 6]
        elif marker[0] == _START:
            if components == jpeg[content : content + 1]:
                return False
            scans += 1
        at = marker.end() + int.from_bytes(jpeg[marker.end() : content], "big")
    return scans > MAX
