"""Requests of a browser to the domains of a load balancer or of a CloudFront distribution."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from emulator import Endpoint


@dataclass(frozen=True)
class ViewerResponse:
    """The response to a viewer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


def view(
    endpoint: Endpoint, url: str, method: str = "GET", body: bytes = b"", **headers: str
) -> ViewerResponse:
    """Send a request for *url* to the emulator, as a browser sends it to CloudFront."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(urlsplit(endpoint.url).netloc, timeout=60)
    host = parts.netloc + (":443" if parts.scheme == "https" else "")
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    connection.request(method, path, body or None, headers={"Host": host, **more})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return ViewerResponse(response.status, response.headers, content)
