"""Respond to requests for a page."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

from emulator import outbox
from emulator.access.request import Request
from emulator.pages import contents, requests, views

if TYPE_CHECKING:
    from emulator.asgi_types import Scope, Send
    from emulator.paths import EmulatorPaths

# Other pages must not embed these pages or receive their addresses, which may contain the key.
_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Pages:
    """The pages of the emulator on *port*, whose files are in *paths*."""

    def __init__(self, paths: EmulatorPaths, *, secret: str, port: int) -> None:
        self._paths, self._secret, self._port = paths, secret, port

    async def respond(self, scope: Scope, send: Send) -> bool:
        """Respond to a request for a page; return False if it is for something else."""
        request = Request.from_scope(scope)
        if not requests.is_page(request):
            return False
        status, body = self._page(request)
        headers = {**_HEADERS, "content-length": str(len(body))}
        raw_headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw_headers})
        sent = b"" if request.method == "HEAD" else body
        await send({"type": "http.response.body", "body": sent})
        return True

    def _page(self, request: Request) -> tuple[int, bytes]:
        messages = outbox.all_messages()
        if request.path == requests.START:
            found = contents.find(self._paths, port=self._port)
            return http.client.OK, views.start_page(found, messages=len(messages))
        if not requests.has_key(request, self._secret):
            return http.client.FORBIDDEN, views.refusal_page()
        return http.client.OK, views.outbox_page(messages)
