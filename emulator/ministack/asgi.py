"""MiniStack's ASGI application: headers, bodies and responses of requests."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any

from emulator.ministack import lookup
from emulator.ministack.context import Response
from emulator.ministack.hooks import Function

Application = Callable[..., Awaitable[None]]

AUTHENTICATED = "emulator.authenticated"  # In the scope of requests that were verified.

app = lookup.module("app")
# Patches change only this reference: MiniStack's own calls use the unpatched function.
application: Function[..., Awaitable[None]] = Function("app", {"app": lookup.attribute(app, "app")})

decompress: Function[..., Any] = Function("_decompress_request_body", app)
send_response: Callable[..., Coroutine[Any, Any, None]] = lookup.attribute(app, "_send_response")
_send_if_handled: Callable[..., Awaitable[None]] = lookup.attribute(app, "_send_if_handled")
_call_api: Callable[..., Awaitable[Response]] = lookup.attribute(app, "_handle_execute_api_request")
_with_data_plane_headers: Callable[..., Response] = lookup.attribute(
    app, "_with_data_plane_headers"
)


def request_headers(scope: dict[str, Any]) -> dict[str, str]:
    """Return the headers of an ASGI request, with the values of a repeated header joined."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        separator = "; " if name == "cookie" else ", "
        headers[name] = headers[name] + separator + value if name in headers else value
    return headers


def resource_name(host: str) -> str:
    """Return the name in a Host header, in lower case; "" for `localhost` and IP addresses.

    No load balancer or distribution has such a name.
    """
    name = host.partition(":")[0].lower()
    return "" if name == "localhost" or name.replace(".", "").isdigit() else name


async def read_body(receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> bytes:
    """Return the whole body of an ASGI request."""
    body, has_more = b"", True
    while has_more:
        message = await receive()
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
    return body


async def send_response_or_stream(send: Any, response: Response, receive: Any) -> None:
    """Send a response whose body may be a stream."""
    await _send_if_handled(send, response, receive)


async def call_api(*request: Any, **options: Any) -> Response:
    """Call an HTTP API of the account and region in scope; return the response with all headers."""
    response = await _call_api(*request, **options)
    return _with_data_plane_headers(response, str(uuid.uuid4()), wildcard_cors=False)
