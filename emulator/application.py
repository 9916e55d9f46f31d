"""The ASGI application of the server: access control, pages, the admin API, and MiniStack."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from deployer.errors import EmulatorError
from emulator import hosted_zones, outbox, resource_delay, sns_signing, strictness
from emulator.access import secret as secrets
from emulator.access.admin_requests import PATH
from emulator.access.control import AccessControl
from emulator.autosave import Autosave
from emulator.containers import credentials as task_credentials
from emulator.containers import runtime
from emulator.local_addresses import LocalAddresses
from emulator.ministack import asgi
from emulator.pages.server import Pages
from emulator.state import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.asgi_types import Message, Receive, Scope, Send
    from emulator.paths import EmulatorPaths

_READ_ACTION = re.compile(rb"(?:^|&)Action=(?:Describe|List|Get|Validate|Detect|Estimate)")
_STACK_ACTION = re.compile(
    rb"(?:^|&)Action=(?:CreateChangeSet|DeleteChangeSet|UpdateTerminationProtection)(?:&|$)"
)
_ACTION_BYTES = 64 * 1024  # In the body, Action is before the template.


class Application:
    """The ASGI application that hypercorn serves."""

    def __init__(self, paths: EmulatorPaths, *, secret: str, port: int) -> None:
        self._secret = secret
        self._control = AccessControl(LocalAddresses(self._handle, port=port), port=port)
        self.autosave = Autosave(State(paths))
        self._change_handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "access": self._control.allow,
            "pause-autosave": self.autosave.pause,
            "prerequisites": hosted_zones.create,
            "resource-delay": resource_delay.set_delay,
            "strict": strictness.set_strict,
            "weeks": strictness.let_weeks_pass,
        }
        self._pages = Pages(paths, secret=secret, port=port)
        self._query_handlers: dict[str, Callable[[dict[str, Any]], Any]] = {
            "container": runtime.describe_sandbox,
            "messages": outbox.read,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection, if access control permits it."""
        await self._control(scope, receive, send)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get(asgi.AUTHENTICATED) and await self._pages.respond(scope, send):
            return
        if scope["type"] == "http" and _is_admin_request(scope):
            await self._handle_admin(scope, receive, send)
        elif scope["type"] == "http":
            await self._handle_aws(scope, receive, send)
        else:
            await asgi.application(scope, receive, send)

    async def _handle_aws(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to MiniStack; if it changes stacks, save the state before the response."""
        body = b""

        async def receive_and_record() -> Message:
            nonlocal body
            message = await receive()
            if len(body) < _ACTION_BYTES:
                body += message.get("body", b"")[:_ACTION_BYTES]
            return message

        async def save_and_send(message: Message) -> None:
            if message["type"] == "http.response.start" and _STACK_ACTION.search(body):
                self.autosave.save_now()
            await send(message)

        await asgi.application(scope, receive_and_record, save_and_send)
        if scope["method"] not in {"GET", "HEAD", "OPTIONS"} and not _READ_ACTION.search(body):
            self.autosave.save_soon()

    async def _handle_admin(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a request to the admin API."""
        operation = scope["path"].removeprefix(PATH).strip("/")
        if scope["method"] == "GET" and not operation:
            query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
            proof = secrets.proof(self._secret, query.get("challenge", ""))
            await _respond(send, 200 if proof else 400, json.dumps({"proof": proof}))
        elif scope["method"] == "GET" and scope["path"] == sns_signing.CERTIFICATE_PATH:
            await _respond(send, 200, sns_signing.signer().certificate.decode())
        elif scope["method"] == "GET" and scope["path"].startswith(task_credentials.PATH):
            await _respond(send, 200, task_credentials.response(scope["path"]))
        elif scope["method"] == "POST" and operation in self._query_handlers:
            try:
                result = self._query_handlers[operation](json.loads(await asgi.read_body(receive)))
            except EmulatorError as error:
                await _respond(send, 400, str(error))
                return
            await _respond(send, 200, json.dumps(result))
        elif scope["method"] == "POST" and operation in self._change_handlers:
            self._change_handlers[operation](json.loads(await asgi.read_body(receive)))
            self.autosave.save_now()
            await _respond(send, 200, "done")
        else:
            await _respond(send, 404, f"unknown operation {operation}")


def _is_admin_request(scope: Scope) -> bool:
    """Return whether a request is for the admin API, and not for a resource with the same path."""
    return bool(scope["path"].startswith(PATH) and scope.get(asgi.AUTHENTICATED))


async def _respond(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
