"""Refuse requests of web pages that do not belong to the local site.

A browser sends the origin of the page in Origin or Sec-Fetch-Site. Any page on the internet can
send requests to 127.0.0.1, so other pages are refused on every path, also where AWS would apply the
CORS rules of a resource.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.access.destinations import Destination, is_local_origin
from emulator.access.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Collection

    from emulator.access.request import Request


def check(request: Request, destination: Destination, extra_origins: Collection[str]) -> None:
    """Raise RefusedError if *request* comes from a page that is not of the local site."""
    if origin := request.header("origin"):
        if not is_local_origin(origin, extra_origins):
            raise RefusedError(
                f"Origin {origin}: not an origin of the local site; "
                "CRUDDUR_ORIGINS adds origins when the emulator is started"
            )
        return
    site = request.header("sec-fetch-site")
    if destination is Destination.DISTRIBUTION and _is_followed_link(request):
        return
    if site == "cross-site" or (site == "same-site" and destination is Destination.AWS):
        raise RefusedError(f"Sec-Fetch-Site: {site}: sent by a page that is not of the local site")


def _is_followed_link(request: Request) -> bool:
    """Return whether the user opened the page, and no other page shows it in a frame."""
    return (
        request.method in {"GET", "HEAD"}
        and request.header("sec-fetch-mode") == "navigate"
        and request.header("sec-fetch-dest") == "document"
    )
