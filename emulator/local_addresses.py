"""Serve the HTTPS addresses of the local site over plain HTTP, so that a browser can open them.

Browsers resolve every name below `localhost` to this machine, but the emulator has no TLS and one
port. A request for `http://NAME.localhost:PORT`, with that port, becomes one for
`https://NAME.localhost`, and its Origin `http://NAME.localhost:ANY_PORT` becomes the HTTPS origin,
which the CORS rules in the templates contain. Redirects and Access-Control-Allow-Origin in the
response are translated back.

Access control comes first and sees the request as it was sent, so a translation does not permit
any other request: it only selects the HTTPS listener. Names without a distribution or load balancer
are not translated, nor are names outside of `localhost`: another machine could serve these.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emulator.patches import elb
from emulator.patches.cloudfront import distributions

if TYPE_CHECKING:
    from emulator.asgi_types import Asgi, Message, Receive, Scope, Send

_NAME = rb"((?:[a-z0-9-]+\.)+localhost)"
_HOST = re.compile(_NAME + rb":(\d{1,5})")
_ORIGIN = re.compile(rb"http://" + _NAME + rb"(?::\d{1,5})?")
_LOCATION = re.compile(rb"https://" + _NAME + rb"(?::443)?(?![^/?#])", re.IGNORECASE)
_HTTPS_PORT = b":443"


class LocalAddresses:
    """Translates the addresses in requests to *application*, and in its responses."""

    def __init__(self, application: Asgi, *, port: int) -> None:
        self._application, self._port = application, str(port).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection that access control has permitted."""
        sent = dict(scope.get("headers", ()))
        translated = self._https_host(sent) | _https_origin(sent)
        if not translated:
            await self._application(scope, receive, send)
            return

        async def send_translated(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [
                    (name, self._response_header(name.lower(), value, sent, translated))
                    for name, value in message["headers"]
                ]
                message = {**message, "headers": headers}
            await send(message)

        headers = [(name, translated.get(name, value)) for name, value in scope["headers"]]
        await self._application({**scope, "headers": headers}, receive, send_translated)

    def _https_host(self, sent: dict[bytes, bytes]) -> dict[bytes, bytes]:
        """Return the Host header with the port of HTTPS, if the request is for a local address."""
        match = _HOST.fullmatch(sent.get(b"host", b"").lower())
        if match and match[2] == self._port and _has_resource(match[1]):
            return {b"host": match[1] + _HTTPS_PORT}
        return {}

    def _response_header(
        self, name: bytes, value: bytes, sent: dict[bytes, bytes], translated: dict[bytes, bytes]
    ) -> bytes:
        """Return the value of a response header with the addresses that the browser uses."""
        origin = translated.get(b"origin")
        if name == b"access-control-allow-origin" and value == origin:
            return sent[b"origin"]
        if name == b"location" and b"host" in translated:
            match = _LOCATION.match(value)
            if match and _has_resource(match[1].lower()):
                return b"http://" + match[1] + b":" + self._port + value[match.end() :]
        return value


def _https_origin(sent: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the Origin header with the HTTPS origin, if it is of the local site."""
    match = _ORIGIN.fullmatch(sent.get(b"origin", b"").lower())
    if match and distributions.find(match[1].decode()):
        return {b"origin": b"https://" + match[1]}
    return {}


def _has_resource(name: bytes) -> bool:
    """Return whether a distribution or a load balancer has *name*."""
    text = name.decode()
    return bool(distributions.find(text) or elb.find(text))
