"""How text looks on a stream: whether it has colour, how wide it is, which characters it takes."""

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
_MARKS = str.maketrans({"±": "!", "→": "->", "…": "..."})


@dataclass(frozen=True)
class Style:
    """What a stream can show. *moves* says that its cursor can be moved: it is a terminal."""

    colour: bool = False
    moves: bool = False
    encoding: str = "utf-8"
    width: int = 100

    def __call__(self, style: Emphasis, text: str) -> str:
        """*text* in *style*, or as it is where there are no colours."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.colour and text else text

    def fit(self, text: str) -> str:
        """*text* in characters the stream can take."""
        if not _takes(self.encoding, "±→…"):
            text = text.translate(_MARKS)
        if _takes(self.encoding, text):
            return text
        known = self.encoding if _takes(self.encoding, "") else "ascii"
        return text.encode(known, "backslashreplace").decode(known)


def style_of(stream: TextIO, environ: Mapping[str, str]) -> Style:
    """What *stream* can show, as rich sees it: NO_COLOR, FORCE_COLOR and TERM=dumb count."""
    terminal = stream.isatty()
    dumb = environ.get("TERM", "").lower() in {"dumb", "unknown"}
    forced = environ.get("FORCE_COLOR")
    wanted = terminal if forced is None else forced != ""
    return Style(
        colour=wanted and not dumb and not environ.get("NO_COLOR"),
        moves=terminal and not dumb,
        encoding=stream.encoding or "utf-8",
        width=_width(stream) if terminal else Style.width,
    )


def _takes(encoding: str, text: str) -> bool:
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
