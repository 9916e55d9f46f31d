"""Print what AWS or a function says, so that a terminal shows it and does not obey it."""

from __future__ import annotations


def show(text: str, *, flush: bool = False) -> None:
    """Print the lines of *text*, control characters as escapes; what looks secret is masked."""
    print(shown(text), flush=flush)


def shown(text: str) -> str:
    """Return *text* as `show` prints it."""
    from deployer.report.words import escaped

    return "\n".join(escaped(line) for line in text.split("\n"))
