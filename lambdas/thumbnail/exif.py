"""Read the orientation from EXIF data; no other entry changes how a picture looks."""

from __future__ import annotations

import struct

ORIENTATION = 0x0112
SHORT = 3

_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ENTRY = 12  # bytes


def orientation(exif: bytes) -> int:
    """Return the orientation, 1 to 8; 1 if *exif* has none that browsers accept.

    It is in the first directory (TIFF 6.0, section 2). Nothing else is read: entries can overlap,
    so 64 KiB of them could expand to gigabytes.
    """
    order = _BYTE_ORDERS.get(exif[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (entries,) = struct.unpack_from(f"{order}H", exif, start)
        for at in range(start + 2, start + 2 + entries * _ENTRY, _ENTRY):
            tag, kind, count, value = struct.unpack_from(f"{order}HHIH", exif, at)
            if tag == ORIENTATION:
                return value if (kind, count) == (SHORT, 1) and 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1
