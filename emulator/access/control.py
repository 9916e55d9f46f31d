"""Access control: authenticate each request, or refuse it."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from emulator.access import (
    admin_requests,
    anonymous,
    destinations,
    operation_names,
    origins,
    payloads,
    signatures,
)
from emulator.access.body import Body, DisconnectedError
from emulator.access.destinations import Destination
from emulator.access.errors import AwsRefusalError, RefusedError
from emulator.access.request import Request
from emulator.containers import credentials as task_credentials
from emulator.ministack import asgi, credentials

if TYPE_CHECKING:
    from emulator.asgi_types import Asgi, Receive, Scope, Send

_ROOT_ACCESS_KEY = re.compile(r"\d{12}")
# A body must be read to verify its hash; Lambda has the largest ones, 67 MiB.
_MAX_BYTES = 80 * 1024 * 1024
_MAX_ANONYMOUS_BYTES = 64 * 1024


async def require_authentication(
    application: Asgi, scope: Scope, receive: Receive, send: Send
) -> None:
    """Pass to MiniStack only requests that `AccessControl` has authenticated; refuse others with 404.

    Requests for a distribution, a load balancer or an API are not authenticated, and the patches of
    these resources handle them before this function is called. Such a request is received here only
    if its resource was deleted meanwhile.
    """
    if scope["type"] == "lifespan" or scope.get(asgi.AUTHENTICATED):
        await application(scope, receive, send)
        return
    headers = {"Content-Type": "application/json"}
    await asgi.send_response(send, 404, headers, b'{"message": "Not Found"}')


class AccessControl:
    """Passes permitted requests to *application*, and responds to all others with an error.

    Permitted are requests that have a valid signature, that AWS serves without credentials, or that
    are for a distribution, a load balancer or an API.
    """

    def __init__(self, application: Asgi, *, port: int) -> None:
        self._application, self._port = application, port
        self._hosts: set[str] = set()
        self._origins: set[str] = set()

    def allow(self, request: dict[str, Any]) -> None:
        """Accept the hosts and origins in *request* as well, until the server stops."""
        self._hosts |= {host.lower() for host in request["hosts"]}
        self._origins |= {origin.lower() for origin in request["origins"]}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
        elif scope["type"] == "http":
            await self._handle_http(scope, receive, send)
        else:  # No stack uses WebSockets. Closing before accepting responds with 403.
            await send({"type": "websocket.close", "code": 1008})

    async def _handle_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, body = Request.from_scope(scope), Body(receive)
        try:
            destination = destinations.find(request, self._port, self._hosts)
            origins.check(request, destination, self._origins)
            if destination is Destination.AWS:
                await self._authenticate(request, body)
                scope[asgi.AUTHENTICATED] = True
        except RefusedError as refused:
            text = json.dumps({"message": str(refused)}).encode()
            response = (refused.status, {"Content-Type": "application/json"}, text)
        except AwsRefusalError as refused:
            response = credentials.refusal_response(
                refused.code, refused.message, refused.service, request
            )
        except DisconnectedError:
            return
        else:
            await self._application(scope, body.replay, send)
            return
        if not request.header("expect"):
            await body.drain()
        status, headers, text = response
        head = request.method == "HEAD"
        await asgi.send_response(send, status, headers, b"" if head else text, head=head)

    async def _authenticate(self, request: Request, body: Body) -> None:
        """Raise an error unless *request* is signed, or AWS serves it without credentials."""
        if task_credentials.is_permitted(request) or anonymous.is_preflight(request):
            return
        parsed = signatures.parse(request)
        if parsed is None:
            await self._check_anonymous(request, body)
            return
        if request.path.startswith("/_"):
            _check_admin_request(request, parsed)
        elif parsed.service == admin_requests.SERVICE:
            message = "Credential should be scoped to correct service."
            raise AwsRefusalError("SignatureDoesNotMatch", message)
        await self._verify(request, parsed, body)

    async def _check_anonymous(self, request: Request, body: Body) -> None:
        """Raise an error unless AWS serves *request* without credentials."""
        if anonymous.is_served(request):
            return
        form = b""
        if anonymous.may_be_web_identity(request):
            form = await body.read(_MAX_ANONYMOUS_BYTES)
            if anonymous.is_web_identity(form):
                return
        if request.path.startswith("/_"):
            raise RefusedError(f"{request.path}: needs a signature with the folder's secret key")
        message = "Request is missing Authentication Token"
        service = credentials.service_of(request, form)
        raise AwsRefusalError("MissingAuthenticationToken", message, service=service)

    async def _verify(
        self, request: Request, parsed: signatures.RequestSignature, body: Body
    ) -> None:
        """Verify key, time, signature and body, in this order; then check the operation."""
        key = credentials.find_credentials(parsed.access_key, parsed.token)
        if isinstance(key, credentials.Refusal):
            raise AwsRefusalError(key.code, key.message, service=parsed.service)
        secret = key.secret_access_key
        signatures.check_time(parsed, datetime.now(UTC))
        payload = payloads.signed_payload(parsed)
        if payload is None:  # The request does not contain the hash of its body.
            payload = hashlib.sha256(await body.read(_MAX_BYTES)).hexdigest()
        signatures.check(request, parsed, secret, payload)
        content = await body.read()
        payloads.check(parsed, payload, content, secret)
        if payloads.is_unsigned(payload):
            _check_service(request, content)
        operation_names.check(request, content)


def _check_admin_request(request: Request, parsed: signatures.RequestSignature) -> None:
    """Raise RefusedError unless *request* is for the admin API and signed by a root user."""
    if not request.path.startswith(admin_requests.PATH):
        raise RefusedError(f"{request.path}: not a path of the admin API")
    if (
        not _ROOT_ACCESS_KEY.fullmatch(parsed.access_key)
        or parsed.service != admin_requests.SERVICE
    ):
        raise RefusedError(
            f"{request.path}: needs a signature with the folder's secret key for the service "
            f"{admin_requests.SERVICE}"
        )


def _check_service(request: Request, body: bytes) -> None:
    """Raise AwsRefusalError unless MiniStack routes *request* to S3: others need a signed body."""
    if credentials.service_of(request, body) != signatures.S3:
        message = "Credential should be scoped to correct service."
        raise AwsRefusalError("SignatureDoesNotMatch", message, service=signatures.S3)
