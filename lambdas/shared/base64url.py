"""Reads base64url the one way it may be written (RFC 4648, section 5; RFC 7515, section 2)."""

from __future__ import annotations

from binascii import a2b_base64

_PLUS, _SLASH, _PADDING = b"+/="  # Of base64, which has them for "-" and "_", and for the end.

# By how many letters are missing to four: the last ones that have no bit set which says nothing.
_LAST = {1: b"AEIMQUYcgkosw048", 2: b"AQgw"}


def decoded(text: bytes) -> bytes:
    """What *text* says. Raises ValueError unless that is how it would be written again.

    So no padding, no foreign letter and no spare bit passes, and nothing has two spellings.
    """
    if _PLUS in text or _SLASH in text or _PADDING in text:
        raise ValueError("not of this alphabet")
    missing = -len(text) % 4
    if missing in _LAST and text[-1] not in _LAST[missing]:
        raise ValueError("a spare bit is set")
    base64 = text.replace(b"-", b"+").replace(b"_", b"/") + b"=" * missing
    return a2b_base64(base64, strict_mode=True)
