"""Invoke the functions of an HTTP API only if their resource policies permit it."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from emulator.ministack import context, lookup, services
from emulator.ministack.context import Response
from emulator.ministack.hooks import Function
from emulator.patches.differences import Difference
from emulator.patches.lambda_.permissions import can_invoke

DIFFERENCES = (
    Difference(
        "An HTTP API invokes a function or an authorizer only with a Lambda::Permission; without "
        "one the response is 500.",
        source="API Gateway developer guide, Troubleshooting issues with HTTP API Lambda "
        "integrations",
        ministack="Invoked.",
        test="test_http_api",
    ),
)
UPSTREAM = True

_SERVICE = "apigateway.amazonaws.com"
_log = logging.getLogger("emulator.permissions")

_function_of_uri: Callable[[str], str] = lookup.attribute(
    services.apigateway, "_extract_lambda_ref_from_integration_uri"
)
_invoke_integration: Function[..., Awaitable[Response]] = Function(
    "_invoke_lambda_proxy", services.apigateway
)
_invoke_authorizer: Function[..., Awaitable[Any]] = Function(
    "_invoke_request_authorizer_lambda", services.apigateway
)


def install() -> None:
    """Install the patch."""
    _invoke_integration.around(_invoke_permitted_integration)
    _invoke_authorizer.around(_invoke_permitted_authorizer)


async def _invoke_permitted_integration(  # noqa: PLR0917  MiniStack's signature.
    invoke: Callable[..., Awaitable[Response]],
    integration: dict[str, Any],
    api: str,
    stage: str,
    path: str,
    method: str,
    *rest: Any,
    **options: Any,
) -> Response:
    source = f"{_api_arn(api)}/{stage}/{method}{path}"
    if not _is_permitted(integration.get("integrationUri", ""), source):
        return _internal_error()
    return await invoke(integration, api, stage, path, method, *rest, **options)


async def _invoke_permitted_authorizer(
    invoke: Callable[..., Awaitable[Any]],
    authorizer: dict[str, Any],
    event: dict[str, Any],
    *rest: str,
) -> Any:
    """Return None if not permitted: the caller then responds with 500, as if the authorizer failed."""
    api = event["requestContext"]["apiId"]
    source = f"{_api_arn(api)}/authorizers/{authorizer['authorizerId']}"
    if not _is_permitted(authorizer.get("authorizerUri", ""), source):
        return None
    return await invoke(authorizer, event, *rest)


def _is_permitted(uri: str, source: str) -> bool:
    function = _function_of_uri(uri)
    permitted = can_invoke(function, service=_SERVICE, source=source)
    if not permitted:
        _log.warning("%s does not permit %s to invoke it", function, source)
    return permitted


def _api_arn(api: str) -> str:
    return f"arn:aws:execute-api:{context.region()}:{context.account()}:{api}"


def _internal_error() -> Response:
    body = json.dumps({"message": "Internal Server Error"}).encode()
    return 500, {"Content-Type": "application/json"}, body
