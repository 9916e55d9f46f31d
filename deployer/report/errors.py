"""Format errors as lines, without tracebacks."""

from __future__ import annotations

from collections.abc import Iterator

from deployer.errors import DeployError
from deployer.report.style import Emphasis, Style
from deployer.report.text import escaped


def error_text(error: DeployError, *, style: Style | None = None) -> str:
    """Return the message and the hint of *error* for a stream with this *style*."""
    style = style or Style()
    return "".join(f"{style.fit(line)}\n" for line in error_lines(error, style))


def error_lines(error: DeployError, style: Style, label: str = "error") -> Iterator[str]:
    """Yield the lines of *error*; the lines after the first are aligned with the text of the first."""
    colour: Emphasis = "yellow" if label == "warning" else "red"
    yield from _labelled(style(colour, f"{label}:"), error.message, len(label) + 2)
    if error.hint:
        hint = f"{'hint:':{len(label) + 1}}"
        yield from _labelled(style("cyan", hint), error.hint, len(hint) + 1)


def _labelled(label: str, text: str, indent: int) -> Iterator[str]:
    lines = (escaped(line.expandtabs()) for line in text.splitlines() if line.strip())
    yield f"{label} {next(lines, '')}".rstrip()
    for line in lines:
        yield f"{' ' * indent}{line}"
