"""The types of texts that users write, counted in characters.

A character is a Unicode code point, as in the original application: an emoji with a skin tone
counts as two. Characters that reverse the direction of the surrounding text are refused. Control
characters are refused too, except line breaks and tabs in texts that may have several lines.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta

from cruddur import limits

# C0 and C1 controls, line and paragraph separators, and bidirectional overrides and isolates
# (Unicode, UAX #9). Zero-width joiners are allowed, because emoji contain them.
_REFUSED = r"\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
_ONE_LINE = rf"^[^\x00-\x0a{_REFUSED}]*$"
_LINES = rf"^[^\x00-\x08{_REFUSED}]*$"

PostText: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=limits.POST_CHARACTERS, pattern=_LINES)
]
ReplyText: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=limits.REPLY_CHARACTERS, pattern=_LINES)
]
DirectMessageText: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=limits.DIRECT_MESSAGE_CHARACTERS, pattern=_LINES)
]
DisplayName: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=limits.DISPLAY_NAME_CHARACTERS, pattern=_ONE_LINE)
]
Bio: TypeAlias = Annotated[str, Meta(max_length=limits.BIO_CHARACTERS, pattern=_LINES)]
SearchTerm: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=limits.SEARCH_TERM_CHARACTERS, pattern=_ONE_LINE)
]
