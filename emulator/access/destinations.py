"""Find the resource that a request is for, and refuse a Host header that names no resource.

This prevents DNS rebinding: a page whose host name resolves to 127.0.0.1 still sends that name in
the Host header. Names for browsers, such as `http://NAME.localhost:PORT`, are checked in the same
way before `local_addresses` translates them.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from emulator.access.errors import RefusedError
from emulator.patches import elb
from emulator.patches.apigateway import http_apis
from emulator.patches.cloudfront import distributions

if TYPE_CHECKING:
    from collections.abc import Collection

    from emulator.access.request import Request

_ORIGIN = re.compile(r"https?://([a-z0-9.-]+)(?::\d{1,5})?")
_LOOPBACK = ("127.0.0.1", "localhost")
_ENDPOINT = re.compile(
    r"(?:[a-z0-9][a-z0-9.-]*\.)?[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)(?::\d{1,5})?"
)
_MAX_HOST_LENGTH = 255
_API_PATH = "/_aws/execute-api/"


class Destination(Enum):
    """The kind of resource that handles a request."""

    AWS = "an AWS service"
    DISTRIBUTION = "a CloudFront distribution"
    LOAD_BALANCER = "a load balancer"
    API = "an HTTP API"


def find(request: Request, port: int, extra_hosts: Collection[str]) -> Destination:
    """Return the destination of *request*; raise RefusedError if its Host is unknown."""
    host = request.host
    if len(host) > _MAX_HOST_LENGTH:
        raise RefusedError(f"Host: longer than {_MAX_HOST_LENGTH} characters")
    if host in {f"{name}:{port}" for name in _LOOPBACK} or host in extra_hosts:
        api = request.path.startswith(_API_PATH) and http_apis.find(*_api_route(request))
        return Destination.API if api else Destination.AWS
    if distributions.find(host):
        return Destination.DISTRIBUTION
    if elb.find(host):
        return Destination.LOAD_BALANCER
    if http_apis.find(*_api_route(request)):
        return Destination.API
    if _ENDPOINT.fullmatch(host):
        return Destination.AWS
    raise RefusedError(
        f"Host {host or '(none)'}: not this server, not an AWS endpoint, and not the name "
        f"of a distribution, load balancer or HTTP API; send the request to 127.0.0.1:{port}"
    )


def is_local_origin(origin: str, extra_origins: Collection[str]) -> bool:
    """Return whether *origin* is in *extra_origins* or the name of a distribution, on any port."""
    if origin.lower() in extra_origins:
        return True
    match = _ORIGIN.fullmatch(origin.lower())
    return match is not None and distributions.find(match[1]) is not None


def _api_route(request: Request) -> tuple[str, str, str]:
    """Return the parts of a request that identify an HTTP API and its route."""
    return request.host, request.path, request.method
