"""The URLs of a deployed environment that a browser opens."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from operations import assets

if TYPE_CHECKING:
    from deployer.report import Address
    from operations.target import Target

_LOCALHOST_SUFFIX = ".localhost"  # Browsers resolve these names to this machine.


def addresses(
    target: Target, stacks: Collection[str], pending: Collection[str]
) -> Iterator[Address]:
    """Yield the addresses that *stacks* serve.

    *stacks* are short names such as `cdn`; *pending* are the names of the pending manual steps. In
    the emulator, yield no address if the domain does not end in `.localhost`, because browsers could
    not resolve it.
    """
    from deployer.report import Address

    is_local = target.environment.is_local
    if is_local and not target.env.domain.endswith(_LOCALHOST_SUFFIX):
        return
    if "cdn" in stacks:
        unpublished = "404: nothing is published" if "site" in pending else ""
        yield Address("site", url(target), unpublished)
    if "service" in stacks:
        error = "503: no image is released" if is_local and "image" in pending else ""
        yield Address("API", url(target, "api."), error)
    if "cdn" in stacks:
        yield Address("assets", f"{url(target, 'assets.')}/{assets.BANNER}")


def url(target: Target, prefix: str = "") -> str:
    """Return the URL of the domain with *prefix*; in the emulator, an HTTP URL with its port."""
    host = f"{prefix}{target.env.domain}"
    if target.environment.is_local:
        endpoint = target.account.url or ""  # The URL of the emulator.
        return f"http://{host}:{urlsplit(endpoint).port}"
    return f"https://{host}"
