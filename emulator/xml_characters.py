"""Find and replace the characters that XML 1.0 does not allow.

Most older AWS services respond in XML. One such character in a name or an output would make every
later response that contains it invalid, also after a restart. So they are refused in requests and
replaced in responses.
"""

from __future__ import annotations

import re

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_OTHER_BYTES = re.compile(
    rb"\xef\xbf[\xbe\xbf]"  # U+FFFE, U+FFFF
    rb"|\xed[\xa0-\xbf][\x80-\xbf]"  # surrogates
)
_REPLACEMENT = "\ufffd"


def forbidden(text: str) -> str | None:
    """Return the first character of *text* that XML does not allow, such as U+0001, or None."""
    match = _FORBIDDEN.search(text)
    return f"U+{ord(match[0]):04X}" if match else None


def clean(text: str) -> str:
    """Return *text* with every character that XML does not allow replaced by U+FFFD."""
    return _FORBIDDEN.sub(_REPLACEMENT, text)


def clean_bytes(body: bytes) -> bytes:
    """Return *body* with every character that XML does not allow replaced; its length is the same.

    Control characters are replaced by ?, all others by U+FFFD.
    """
    return _OTHER_BYTES.sub(_REPLACEMENT.encode(), _CONTROL_BYTES.sub(b"?", body))
