"""The start page and the outbox as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.pages.html import document, element, link, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.message import Message
    from emulator.pages.contents import Contents

_OUTBOX_COMMAND = "./inv emulator.outbox"


def start_page(contents: Contents, *, messages: int) -> bytes:
    """Return the page that lists *contents* and the number of *messages* in the outbox."""
    addresses = [(kind, link(url)) for kind, url in contents.addresses]
    stacks = [(stack.name, stack.status, stack.region, stack.account) for stack in contents.stacks]
    return document(
        "Emulator of AWS",
        element("p", f"AWS tools use the endpoint {contents.endpoint}: see ./inv emulator.env."),
        element("h2", "Addresses"),
        table(("resource", "address"), addresses)
        if addresses
        else element("p", "None: deploy first."),
        element("h2", "Outbox"),
        element(
            "p",
            f"Messages: {messages}. {_OUTBOX_COMMAND} prints them, and the address of their page.",
        ),
        element("h2", "Stacks"),
        table(("stack", "status", "region", "account"), stacks)
        if stacks
        else element("p", "None: run ./inv deploy."),
        element("h2", "Data"),
        table(("data", "path"), contents.folders),
    )


def outbox_page(messages: Sequence[Message]) -> bytes:
    """Return the page of *messages*, the newest first; only HTTP links can be opened."""
    rows = [
        (
            message.sent,
            message.to,
            message.about,
            link(message.secret) if message.secret.startswith("http://") else message.secret,
        )
        for message in sorted(messages, key=lambda message: message.sent, reverse=True)
    ]
    return document(
        "Outbox",
        element(
            "p", "Messages that AWS would have sent, the newest first. A restart deletes them."
        ),
        table(("sent", "to", "about", "code or link"), rows)
        if rows
        else element("p", "No messages."),
    )


def refusal_page() -> bytes:
    """Return the page for a request without the key of the outbox."""
    text = f"The address of this page has a key: run {_OUTBOX_COMMAND}, which prints the address."
    return document("Outbox", element("p", text))
