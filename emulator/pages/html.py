"""Documents in HTML, built as trees, so that every text and attribute is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET

_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; }
th, td { padding: .25rem 1rem .25rem 0; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
code { font-size: 1.1em; }
"""


def document(title: str, *parts: ET.Element) -> bytes:
    """Return a page with *title* as its heading, then *parts*."""
    root = ET.Element("html", lang="en")
    head, body = ET.SubElement(root, "head"), ET.SubElement(root, "body")
    ET.SubElement(head, "meta", charset="utf-8")
    ET.SubElement(head, "meta", name="viewport", content="width=device-width")
    ET.SubElement(head, "title").text = title
    ET.SubElement(head, "style").text = _STYLE
    main = ET.SubElement(body, "main")
    main.append(element("h1", title))
    main.extend(parts)
    content: bytes = ET.tostring(root, "utf-8", method="html")
    return b"<!doctype html>\n" + content


def element(tag: str, text: str) -> ET.Element:
    """Return an element with *text*."""
    created = ET.Element(tag)
    created.text = _visible(text)
    return created


def link(url: str, text: str = "") -> ET.Element:
    """Return a link to *url*, which must be an HTTP URL or a path."""
    if not url.startswith(("http://", "/")):
        raise ValueError(f"{url}: not an HTTP URL and not a path")
    created = ET.Element("a", href=url.replace("<", "%3C"))
    created.text = _visible(text or url)
    return created


def table(columns: Sequence[str], rows: Iterable[Sequence[str | ET.Element]]) -> ET.Element:
    """Return a table of *rows*, whose cells are texts or elements."""
    created = ET.Element("table")
    head = ET.SubElement(ET.SubElement(created, "thead"), "tr")
    head.extend(element("th", column) for column in columns)
    body = ET.SubElement(created, "tbody")
    for row in rows:
        line = ET.SubElement(body, "tr")
        for cell in row:
            content = ET.SubElement(line, "td")
            if isinstance(cell, str):
                content.text = _visible(cell)
            else:
                content.append(cell)
    return created


def _visible(text: str) -> str:
    """Return *text* with each invisible character in its escaped form."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
