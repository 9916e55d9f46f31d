"""Tells a JPEG that would keep us busy: one that is painted over and over, at no cost to its file.

A picture may come in several scans, each a walk over all its pixels. In progressive and in
arithmetic coding a scan that changes nothing takes a few dozen bytes, so that five megabytes of
them keep a function busy for half an hour. Cameras and programs write about ten.
"""

from __future__ import annotations

MAX = 100

_START = b"\xff\xda"  # of a scan; within one, 0xFF is always followed by zero
_PLAIN = {0xC0, 0xC1}  # headers of sequential Huffman coding: a scan has two bits a block, at least
# Before a header there are tables, comments and what applications say; all have a length.
_SKIPPED = {0xC4, 0xCC, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)}


def too_many(jpeg: bytes) -> bool:
    """Whether *jpeg* has more than MAX scans, if those can be had for nothing."""
    return not _is_plain(jpeg) and jpeg.count(_START) > MAX


def _is_plain(jpeg: bytes) -> bool:
    """Whether its segments lead to a header of plain coding.

    A decoder finds that one, too, and minds a second. What is not in strict order is not plain.
    """
    at = 2
    while jpeg[at : at + 1] == b"\xff":
        kind = int.from_bytes(jpeg[at + 1 : at + 2], "big")
        if kind not in _SKIPPED:
            return kind in _PLAIN
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return False
