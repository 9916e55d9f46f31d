"""Print text that AWS or a Lambda function returned, with control characters escaped."""

from __future__ import annotations


def show(text: str, *, flush: bool = False) -> None:
    """Print *text* with control characters escaped and likely secrets masked."""
    print(escape(text), flush=flush)


def escape(text: str) -> str:
    """Return *text*, in which only line feeds remain, with likely secrets masked."""
    from deployer.report.text import escaped

    return "\n".join(escaped(line) for line in text.split("\n"))
