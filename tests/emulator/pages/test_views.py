"""The start page and the outbox as HTML."""

from __future__ import annotations

from emulator.message import Message
from emulator.pages.contents import Contents
from emulator.pages.views import outbox_page, start_page

EMPTY = Contents("http://127.0.0.1:1", (), (), ())


def test_an_empty_emulator() -> None:
    """Without stacks and addresses, the page says so."""
    text = start_page(EMPTY, messages=0).decode()

    assert "<p>None: deploy first.</p>" in text
    assert "<p>None: run ./inv deploy.</p>" in text
    assert "Messages: 0." in text


def test_the_newest_message_is_first() -> None:
    """A code is shown as text, and an HTTP link can be opened."""
    old = Message("ada@x.example", "confirmation", "123456", "2026-01-01T00:00:00.000+00:00")
    new = Message("bob@x.example", "<b>", "http://127.0.0.1:1/?a=1&b=2", "2026-01-02")

    text = outbox_page([old, new]).decode()

    assert text.index("bob@x.example") < text.index("ada@x.example")
    assert "<td>123456</td>" in text
    assert '<a href="http://127.0.0.1:1/?a=1&amp;b=2">' in text
    assert "<td>&lt;b&gt;</td>" in text


def test_other_links_are_text() -> None:
    """A secret that is not an HTTP URL is text."""
    text = outbox_page([Message("a", "b", "javascript:alert(1)", "c")]).decode()

    assert "<a " not in text
