"""What a stream can show."""

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
def test_the_environment_has_its_say(
    stream: io.StringIO, environ: dict[str, str], colour: bool, moves: bool
) -> None:
    """As rich understands NO_COLOR, FORCE_COLOR and TERM."""
    style = style_of(stream, environ)

    assert (colour, moves) == (style.colour, style.moves)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("utf-8", "± → … ü"), ("latin-1", "! -> ... ü"), ("ascii", "! -> ... \\xfc")],
)
def test_the_encoding_has_its_say(encoding: str, text: str) -> None:
    """Our marks have plain stand-ins, the rest is escaped."""
    assert text == Style(encoding=encoding).fit("± → … ü")


def test_an_unknown_encoding_takes_ascii() -> None:
    """Better than not to tell."""
    assert "-> \\xfc" == Style(encoding="no-such").fit("→ ü")
