"""Reads base64url the one way it may be written (RFC 4648, section 5; RFC 7515, section 2)."""

from __future__ import annotations

from binascii import a2b_base64

# It is base64 with two other letters and unpadded; what it has not becomes what base64 has not.
_BASE64 = bytes.maketrans(b"-_+/=", b"+/---")

# By how many letters are missing to four: the last ones that have no bit set which says nothing.
_LAST = {1: b"AEIMQUYcgkosw048", 2: b"AQgw"}


def decoded(text: bytes) -> bytes:
    """What *text* says. Raises ValueError unless that is how it would be written again.

    So no padding, no foreign letter and no spare bit passes, and nothing has two spellings.
    """
    missing = -len(text) % 4
    if missing in _LAST and text[-1] not in _LAST[missing]:
        raise ValueError("a spare bit is set")
    return a2b_base64(text.translate(_BASE64) + b"=" * missing, strict_mode=True)
