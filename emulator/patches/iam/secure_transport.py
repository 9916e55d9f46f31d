"""Treat every request as sent over TLS: requests to the emulator do not leave the machine."""

from __future__ import annotations

from collections.abc import Callable

from emulator.ministack import asgi
from emulator.ministack.hooks import Function
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A policy that denies requests without TLS (aws:SecureTransport) permits those with TLS.",
        source="IAM user guide, aws:SecureTransport; the denial of plain HTTP is tested in the "
        "template only",
        ministack="Denied to all but the account itself, since there is no TLS here.",
        test="test_tls",
    ),
)

_set_origin: Function[..., None] = Function("pin_request_origin", asgi.app)


def install() -> None:
    """Install the patch."""
    _set_origin.around(_set_secure)


def _set_secure(
    set_origin: Callable[[str, bool], None], address: str, *_secure: bool, **_more: bool
) -> None:
    set_origin(address, True)  # noqa: FBT003  MiniStack's signature.
