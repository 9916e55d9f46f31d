"""Which web pages may send requests: those of the local site.

A browser says in Origin, or in Sec-Fetch-Site, which page has sent a request. Any page on the
internet can send one to 127.0.0.1, so a page that is not of the local site is refused everywhere,
also where AWS would let the CORS rules of a resource decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.embedded.access.destinations import Destination, is_local_origin
from deployer.embedded.access.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Collection

    from deployer.embedded.access.request import Request


def check(request: Request, destination: Destination, more_origins: Collection[str]) -> None:
    """Raise RefusedError if a page that is not of the local site has sent *request*."""
    if origin := request.header("origin"):
        if not is_local_origin(origin, more_origins):
            raise RefusedError(
                f"Origin {origin}: not an origin of the local site; "
                "CRUDDUR_ORIGINS adds origins when the embedded AWS is started"
            )
        return
    site = request.header("sec-fetch-site")
    if destination is Destination.DISTRIBUTION and _is_followed_link(request):
        return
    if site == "cross-site" or (site == "same-site" and destination is Destination.AWS):
        raise RefusedError(f"Sec-Fetch-Site: {site}: sent by a page that is not of the local site")


def _is_followed_link(request: Request) -> bool:
    """Say whether the user has opened the page itself, not another page that has it in a frame."""
    return (
        request.method in {"GET", "HEAD"}
        and request.header("sec-fetch-mode") == "navigate"
        and request.header("sec-fetch-dest") == "document"
    )
