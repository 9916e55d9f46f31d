"""The capabilities of streams."""

from __future__ import annotations

import io

import pytest

from deployer.report import Style, style_of


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "colour", "moves"),
    [
        (Terminal(), {}, True, True),
        (Terminal(), {"NO_COLOR": "1"}, False, True),
        (Terminal(), {"NO_COLOR": ""}, True, True),
        (Terminal(), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, True),
        (Terminal(), {"TERM": "dumb"}, False, False),
        (Terminal(), {"TERM": "dumb", "FORCE_COLOR": "1"}, False, False),
        (Terminal(), {"FORCE_COLOR": ""}, False, True),
        (io.StringIO(), {}, False, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colour_and_movement(
    stream: io.StringIO, environ: dict[str, str], colour: bool, moves: bool
) -> None:
    """NO_COLOR, FORCE_COLOR and TERM have the same effect as in rich."""
    style = style_of(stream, environ)

    assert (colour, moves) == (style.colour, style.can_move_cursor)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("utf-8", "± → … ü"), ("latin-1", "! -> ... ü"), ("ascii", "! -> ... \\xfc")],
)
def test_encoding(encoding: str, text: str) -> None:
    """Marks that the encoding lacks are replaced, other characters are escaped."""
    assert text == Style(encoding=encoding).fit("± → … ü")


def test_unknown_encoding() -> None:
    """With an unknown encoding the text is written in ASCII."""
    assert Style(encoding="no-such").fit("→ ü") == "-> \\xfc"
