"""ICC profiles, and the sRGB values of their colours, computed without a colour library.

The format is ICC.1:2022. The colorants of Display P3 and Adobe RGB (1998) are adapted to D50.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping

Rgb = tuple[int, int, int]
Matrix = tuple[tuple[float, float, float], ...]  # XYZ of the primaries red, green and blue.

P3: Matrix = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
ADOBE: Matrix = (
    (0.60974, 0.31111, 0.01947),
    (0.20528, 0.62567, 0.06087),
    (0.14919, 0.06322, 0.74457),
)
# From XYZ at D50 to linear sRGB: the inverse matrix of the colorants of sRGB.
TO_SRGB = (
    (3.1338561, -1.6168667, -0.4906146),
    (-0.9787684, 1.9161415, 0.0334540),
    (0.0719453, -0.2289914, 1.4052427),
)
GAMMA = 563 / 256  # 2.2, in the precision of an ICC curve.


def rgb(colorants: Matrix) -> bytes:
    """Return the profile of a display with these primaries and a gamma of 2.2."""
    tags = {f"{name}XYZ": _xyz(*colorant) for name, colorant in zip("rgb", colorants, strict=True)}
    return _profile(b"mntrRGB XYZ ", tags | {f"{name}TRC": _gamma(GAMMA) for name in "rgb"})


def linear_grey() -> bytes:
    """Return a grey profile without a gamma: half of the value is half of the light."""
    return _profile(b"mntrGRAYXYZ ", {"kTRC": _gamma(1.0), "wtpt": _xyz(0.9642, 1.0, 0.8249)})


def grey_press(lightness: int) -> bytes:
    """Return a CMYK profile whose ink mixtures are grey, with *lightness* (L* × 2.55).

    No ink is white, and all four inks together are black.
    """
    identity = bytes(range(256))
    nodes = [255, *[lightness] * 14, 0]  # For each combination of the four inks.
    unit = struct.pack(">9i", *(65536 * (row == column) for row in range(3) for column in range(3)))
    lut = struct.pack(">4s4xBBBx", b"mft1", 4, 3, 2) + unit + identity * 4
    lut += b"".join(bytes((node, 128, 128)) for node in nodes) + identity * 3
    return _profile(b"prtrCMYKLab ", {"A2B0": lut, "wtpt": _xyz(0.9642, 1.0, 0.8249)})


def srgb_of(colour: Rgb, colorants: Matrix) -> Rgb:
    """Return *colour* of the profile `rgb(colorants)` in sRGB."""
    linear = [(value / 255) ** GAMMA for value in colour]
    xyz = [sum(linear[i] * colorants[i][axis] for i in range(3)) for axis in range(3)]
    red, green, blue = (
        _encoded(sum(a * b for a, b in zip(row, xyz, strict=True))) for row in TO_SRGB
    )
    return red, green, blue


def _encoded(linear: float) -> int:
    value = min(1.0, max(0.0, linear))
    curved = 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
    return round(255 * curved)


def _profile(kind: bytes, tags: Mapping[str, bytes]) -> bytes:
    """Return a profile; *kind* is its device class, colour space and connection space."""
    body, entries, offset = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        entries += struct.pack(">4sII", name.encode(), offset + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    size = struct.pack(">I", offset + len(body))
    d50 = _fixed((0.9642, 1.0, 0.8249))
    head = size + b"\0\0\0\0\x02\x40\0\0" + kind + b"\0" * 12 + b"acsp" + b"\0" * 28 + d50
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + entries + body


def _xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed((x, y, z))


def _gamma(value: float) -> bytes:
    return struct.pack(">4s4xIH", b"curv", 1, round(value * 256))


def _fixed(values: Iterable[float]) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)
