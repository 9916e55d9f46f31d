"""The capabilities of a stream: colours, width, cursor movement and encoding."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TextIO, TypeAlias

Emphasis: TypeAlias = Literal["bold", "dim", "red", "green", "yellow", "cyan"]

_CODES: Mapping[Emphasis, str] = {
    "bold": "1",
    "dim": "2",
    "red": "1;31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
}
_ASCII_SYMBOLS = str.maketrans({"±": "!", "→": "->", "…": "..."})


@dataclass(frozen=True)
class Style:
    """The capabilities of a stream; *width* is in characters."""

    colour: bool = False
    can_move_cursor: bool = False
    encoding: str = "utf-8"
    width: int = 100

    def __call__(self, emphasis: Emphasis, text: str) -> str:
        """Return *text* with *emphasis*, or unchanged if the stream has no colours."""
        return f"\x1b[{_CODES[emphasis]}m{text}\x1b[0m" if self.colour and text else text

    def fit(self, text: str) -> str:
        """Return *text* with the characters that the encoding does not support replaced or escaped."""
        if not _supports(self.encoding, "±→…"):
            text = text.translate(_ASCII_SYMBOLS)
        if _supports(self.encoding, text):
            return text
        known = self.encoding if _supports(self.encoding, "") else "ascii"
        return text.encode(known, "backslashreplace").decode(known)


def style_of(stream: TextIO, environ: Mapping[str, str]) -> Style:
    """Return the style of *stream*; like rich, respect NO_COLOR, FORCE_COLOR and TERM=dumb."""
    is_terminal = stream.isatty()
    is_dumb = environ.get("TERM", "").lower() in {"dumb", "unknown"}
    forced = environ.get("FORCE_COLOR")
    is_coloured = is_terminal if forced is None else forced != ""
    return Style(
        colour=is_coloured and not is_dumb and not environ.get("NO_COLOR"),
        can_move_cursor=is_terminal and not is_dumb,
        encoding=stream.encoding or "utf-8",
        width=_width(stream) if is_terminal else Style.width,
    )


def _supports(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _width(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
