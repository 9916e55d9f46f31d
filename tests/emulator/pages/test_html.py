"""Documents whose texts are escaped."""

from __future__ import annotations

import pytest

from emulator.pages.html import document, element, link, table

HOSTILE = "<script>alert('1')</script>&\x1b\u202e"


def test_everything_is_escaped() -> None:
    """Texts in titles, elements, links and cells cannot add elements or invisible characters."""
    page = document(
        HOSTILE,
        element("p", HOSTILE),
        table((HOSTILE,), [(HOSTILE,), (link("/x", HOSTILE),), (link('/"><script>'),)]),
    ).decode()

    assert page.count("<script") == 0
    assert "\x1b" not in page.partition("<body>")[2]
    assert "\u202e" not in page.partition("<body>")[2]
    assert '<a href="/&quot;&gt;%3Cscript&gt;">' in page


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "https://evil.example"])
def test_other_links(url: str) -> None:
    """Only URLs of this machine can be links."""
    with pytest.raises(ValueError, match="not an HTTP URL"):
        link(url)
