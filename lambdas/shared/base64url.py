"""Decode base64url, in its canonical form only (RFC 4648, section 5; RFC 7515, section 2).

Python's base64 module ignores invalid characters. Encoding the result again would detect them, but
takes twice as long: the goal of `authorizer: warm` in docs/benchmarks.md would be missed.
"""

from __future__ import annotations

from binascii import a2b_base64

_PLUS, _SLASH, _PADDING = b"+/="  # Characters of base64 that base64url does not have.

# The last characters that are canonical: their unused bits are zero. By number of missing padding.
_LAST = {1: b"AEIMQUYcgkosw048", 2: b"AQgw"}


def decoded(text: bytes) -> bytes:
    """Return the bytes that *text* encodes. Raises ValueError unless *text* is canonical.

    Padding, characters of other alphabets and unused bits that are not zero are refused.
    """
    if _PLUS in text or _SLASH in text or _PADDING in text:
        raise ValueError("not base64url")
    missing = -len(text) % 4
    if missing in _LAST and text[-1] not in _LAST[missing]:
        raise ValueError("an unused bit is set")
    base64 = text.replace(b"-", b"+").replace(b"_", b"/") + b"=" * missing
    return a2b_base64(base64, strict_mode=True)
