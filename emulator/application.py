"""What stands in front of the emulator: who we are, our own orders, and when to save."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from emulator import hosted_zones, ministack, outbox, resource_delay, sns_signing
from emulator.access import secret as secrets
from emulator.access.admin_requests import PATH
from emulator.access.anonymous import CERTIFICATE
from emulator.access.control import AccessControl
from emulator.autosave import Saver
from emulator.state import State

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from emulator.paths import Folder

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_READS = re.compile(rb"(?:^|&)Action=(?:Describe|List|Get|Validate|Detect|Estimate)")
_ASKS = {"mail": outbox.read}


class Application:
    """The ASGI application hypercorn serves."""

    def __init__(self, folder: Folder, *, secret: str, port: int) -> None:
        self._secret = secret
        self._control = AccessControl(self._permitted, port=port)
        self._changes: dict[str, Callable[[dict[str, Any]], None]] = {
            "access": self._control.allow,
            "by-hand": hosted_zones.make,
            "pace": resource_delay.set_pace,
        }
        self.saver = Saver(State(folder))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection, if access control permits it."""
        await self._control(scope, receive, send)

    async def _permitted(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_ours(scope):
            await self._ours(scope, receive, send)
        elif scope["type"] == "http":
            await self._aws(scope, receive, send)
        else:
            await ministack.ASGI(scope, receive, send)

    async def _aws(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; hold its answer back until what it changed in stacks is saved."""
        body = b""

        async def receiving() -> MutableMapping[str, Any]:
            nonlocal body
            message = await receive()
            if len(body) < _ENOUGH_BYTES:
                body += message.get("body", b"")[:_ENOUGH_BYTES]
            return message

        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start" and _changes_stacks(body):
                self.saver.save_now()
            await send(message)

        await ministack.ASGI(scope, receiving, sending)
        if scope["method"] not in {"GET", "HEAD", "OPTIONS"} and not _READS.search(body):
            self.saver.save_soon()

    async def _ours(self, scope: Scope, receive: Receive, send: Send) -> None:
        order = scope["path"].removeprefix(PATH).strip("/")
        if scope["method"] == "GET" and not order:
            query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
            proof = secrets.proof(self._secret, query.get("challenge", ""))
            await _answer(send, 200 if proof else 400, json.dumps({"proof": proof}))
            return
        if scope["method"] == "GET" and scope["path"] == CERTIFICATE:
            await _answer(send, 200, sns_signing.signer().certificate.decode())
            return
        if scope["method"] != "POST" or order not in {**self._changes, **_ASKS}:
            await _answer(send, 404, f"unknown order {order}")
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if order in _ASKS:
            await _answer(send, 200, json.dumps(_ASKS[order](json.loads(body))))
            return
        self._changes[order](json.loads(body))
        self.saver.save_now()
        await _answer(send, 200, "done")


_ENOUGH_BYTES = 64 * 1024  # The Action stands in the first bytes, before the template.
_SAVED_AT_ONCE = re.compile(
    rb"(?:^|&)Action=(?:CreateChangeSet|DeleteChangeSet|UpdateTerminationProtection)(?:&|$)"
)


def _is_ours(scope: Scope) -> bool:
    """Say whether a request is for our own endpoints: not one for a resource, which may be anonymous."""
    return bool(scope["path"].startswith(PATH) and scope.get(ministack.AUTHENTICATED))


def _changes_stacks(body: bytes) -> bool:
    return _SAVED_AT_ONCE.search(body) is not None


async def _answer(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
