"""Remove invisible characters from names, and derive handles from them.

The invisible characters are listed here (Unicode 17, Default_Ignorable_Code_Point), because
str.isprintable() rejects every character that is newer than Python's Unicode tables. Characters that
are newer than this list are kept.
"""

from __future__ import annotations

import re
import unicodedata

from anyascii import anyascii

NAME_LENGTH, HANDLE_LENGTH = 100, 30  # The limits of the columns: backend/db/migrations/.

_HANDLE = re.compile(rf"[0-9A-Za-z_]{{1,{HANDLE_LENGTH}}}")

_JOINERS = "\u200c\u200d"
_VARIATIONS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_CONTROLS = "\x00-\x1f\x7f-\x9f\ud800-\udfff"  # and surrogates
_BLANKS = "\u2800\U0001d159"  # Blank characters of Braille and of musical notation

_HIDDEN = re.compile(f"[{_CONTROLS}{_IGNORABLE}{_BLANKS}]")
# The flag of a region, such as Scotland; a character with its variation selector; a joiner; any other
# character.
_PIECE = re.compile(
    "\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f"
    f"|[^ {_CONTROLS}{_IGNORABLE}{_BLANKS}][{_VARIATIONS}]?"
    f"|[{_JOINERS}]"
    "|.",
    re.DOTALL,
)
_VIRAMA = 9  # The combining class of the sign that joins two letters of Indic scripts.


def has_hidden(text: str) -> bool:
    """Return whether *text* has an invisible character."""
    return _HIDDEN.search(text) is not None


def visible_text(text: str) -> str:
    """Return the visible characters of *text* on one line, at most NAME_LENGTH.

    Joiners are kept where they change the appearance: within Persian words, after an Indic virama,
    between the parts of an emoji.
    """
    line = _visible(" ".join(re.sub(f"[{_BLANKS}]", " ", text).split()))
    return _visible(line[:NAME_LENGTH])  # It may have been cut at a joiner.


def handle(text: str) -> str:
    """Return *text* if it is a valid handle, else a transliteration: "Łukasz K." as Lukasz_K.

    The result is empty if no letter or digit is left.
    """
    if _HANDLE.fullmatch(text):
        return text
    plain = re.sub("[^0-9A-Za-z]+", "_", anyascii(text)).strip("_")
    return plain[:HANDLE_LENGTH].rstrip("_")


def _visible(line: str) -> str:
    pieces: list[str] = []
    for piece in _PIECE.findall(line):
        if piece in _JOINERS:
            if pieces and pieces[-1] != " " and pieces[-1] not in _JOINERS:
                pieces.append(piece)
        elif not _HIDDEN.match(piece):
            if piece == " ":
                _drop_joiner_at_end(pieces)
            pieces.append(piece)
    _drop_joiner_at_end(pieces)
    return " ".join("".join(pieces).split())


def _drop_joiner_at_end(pieces: list[str]) -> None:
    """Remove a joiner at the end of a word, unless it follows a virama."""
    if pieces and pieces[-1] in _JOINERS and unicodedata.combining(pieces[-2][-1]) != _VIRAMA:
        pieces.pop()
