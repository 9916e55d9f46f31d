"""The end of a deploy: addresses and next commands."""

from __future__ import annotations

from deployer.report import Address, NextCommand, Style, next_steps

ADDRESSES = [
    Address("site", "http://a.localhost:1"),
    Address("API", "http://api.a.localhost:1", "503: no tasks"),
]
COMMANDS = [NextCommand("./inv status", "shows the stacks"), NextCommand("./inv x", "y" * 100)]


def test_addresses_and_commands() -> None:
    """The lines fit the width; errors follow the addresses."""
    text = next_steps(ADDRESSES, COMMANDS, style=Style(width=40))

    assert text.splitlines() == [
        "open in a browser:",
        "  site  http://a.localhost:1",
        "  API   http://api.a.localhost:1 (503: no tasks)",
        "next:",
        "  ./inv status  shows the stacks",
        f"  ./inv x       {'y' * 12}…{'y' * 11}",
    ]


def test_without_commands() -> None:
    """A deploy without changes prints only the addresses."""
    assert "next:" not in next_steps(ADDRESSES, (), style=Style())


def test_nothing() -> None:
    """Without addresses and commands the text is empty."""
    assert next_steps((), (), style=Style()) == ""


def test_control_characters() -> None:
    """Text from AWS cannot control the terminal."""
    text = next_steps([Address("\x1b[1m", "\x9b")], [NextCommand("\x1b", "\n")], style=Style())

    assert "\x1b" not in text
    assert "\x9b" not in text
