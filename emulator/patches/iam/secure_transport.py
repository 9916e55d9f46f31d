"""What reaches the emulator counts as sent over TLS: it has not left the machine."""

from __future__ import annotations

from collections.abc import Callable

from emulator import ministack


def close() -> None:
    """Say so to every policy that asks for aws:SecureTransport."""
    ministack.swap(ministack.app, "pin_request_origin", _over_tls)


def _over_tls(pin: Callable[[str, bool], None]) -> Callable[..., None]:
    def pinning(address: str, *_secure: bool, **_named: bool) -> None:
        pin(address, True)  # noqa: FBT003  The emulator's signature.

    return pinning
