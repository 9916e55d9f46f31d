"""MiniStack's ASGI application: headers, bodies and answers of requests."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from emulator.ministack import names
from emulator.ministack.context import Answer
from emulator.ministack.hooks import Function

Application = Callable[..., Awaitable[None]]

AUTHENTICATED = "emulator.authenticated"  # In the scope of requests that were verified.

app = names.module("app")
# MiniStack's own name for it stays unchanged, for its calls to itself.
application: Function[..., Awaitable[None]] = Function("app", {"app": names.name(app, "app")})

decompress: Function[..., Any] = Function("_decompress_request_body", app)
send_answer: Callable[..., Coroutine[Any, Any, None]] = names.name(app, "_send_response")
_send_if_handled: Callable[..., Awaitable[None]] = names.name(app, "_send_if_handled")
_call_api: Callable[..., Awaitable[Answer]] = names.name(app, "_handle_execute_api_request")
_with_data_plane_headers: Callable[..., Answer] = names.name(app, "_with_data_plane_headers")


def headers_of(scope: dict[str, Any]) -> dict[str, str]:
    """Return the headers of an ASGI request, each once."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joint = "; " if name == "cookie" else ", "
        headers[name] = headers[name] + joint + value if name in headers else value
    return headers


async def body_of(receive: Callable[[], Awaitable[dict[str, Any]]]) -> bytes:
    """Return the whole body of an ASGI request."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def send_any(send: Any, answer: Answer, receive: Any) -> None:
    """Send an answer whose body may be a stream."""
    await _send_if_handled(send, answer, receive)


async def call_api(*request: Any, **more: Any) -> Answer:
    """Call an HTTP API of the account and region in scope, and complete its answer's headers."""
    answer = await _call_api(*request, **more)
    return _with_data_plane_headers(answer, str(uuid.uuid4()), wildcard_cors=False)
