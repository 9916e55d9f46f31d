"""Print text from AWS or a function without characters that control the terminal."""

from __future__ import annotations


def show(text: str, *, flush: bool = False) -> None:
    """Print the lines of *text*, with control characters escaped and likely secrets masked."""
    print(shown(text), flush=flush)


def shown(text: str) -> str:
    """Return *text* as `show` prints it."""
    from deployer.report.text import escaped

    return "\n".join(escaped(line) for line in text.split("\n"))
