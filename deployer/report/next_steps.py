"""Format the end of a finished deploy: addresses to open in a browser, and the next commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from deployer.report.style import Style
from deployer.report.text import clean, columns, shorten

_MIN_PURPOSE_WIDTH = 20  # The purpose of a long command is cut to this length, and the line wraps.


@dataclass(frozen=True)
class Address:
    """An address of the deployed system. *error* is the HTTP error that it returns now, or empty."""

    name: str
    url: str
    error: str = ""


@dataclass(frozen=True)
class NextCommand:
    """A command that an operator may run next, and its purpose or the fact that requires it."""

    command: str
    purpose: str


def next_steps(
    addresses: Iterable[Address], commands: Iterable[NextCommand], *, style: Style
) -> str:
    """Return the addresses and commands as text for a stream with this *style*."""
    lines = [*_address_lines(addresses, style), *_command_lines(commands, style)]
    return "".join(f"{style.fit(line)}\n" for line in lines)


def _address_lines(addresses: Iterable[Address], style: Style) -> Iterator[str]:
    rows = [(clean(address.name), _with_error(address)) for address in addresses]
    if rows:
        yield style("bold", "open in a browser:")
        yield from (f"  {name}  {url}" for name, url in columns(rows))


def _with_error(address: Address) -> str:
    error = f" ({clean(address.error)})" if address.error else ""
    return clean(address.url) + error


def _command_lines(commands: Iterable[NextCommand], style: Style) -> Iterator[str]:
    rows = [(clean(command.command), clean(command.purpose)) for command in commands]
    if rows:
        yield style("bold", "next:")
        for command, purpose in columns(rows):
            limit = max(style.width - len(f"  {command}  "), _MIN_PURPOSE_WIDTH)
            yield f"  {style('cyan', command)}  {shorten(purpose, limit)}"
