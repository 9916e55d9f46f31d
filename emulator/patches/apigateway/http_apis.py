"""Find HTTP APIs by AWS's host names in any account, and apply the CORS rules of their stacks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from emulator.ministack import asgi, cloudformation, context, lookup, services
from emulator.ministack.cloudformation import Props, ResourceType
from emulator.ministack.hooks import Function
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "An HTTP API of a stack has the CORS rules of its template.",
        source="AWS::ApiGatewayV2::Api, CorsConfiguration; that another origin gets 403 is not "
        "verified",
        ministack="Lost, since the keys are stored in the wrong case.",
        test="apigateway/test_permissions.py::test_cors",
    ),
)

_API = ResourceType("AWS::ApiGatewayV2::Api")
_AWS_HOST = re.compile(r"([a-f0-9]{8})\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?::\d+)?")

_apis: Any = lookup.attribute(services.apigateway, "_apis")
_parse_url: Function[[str, str], Any] = Function("_parse_execute_api_url", asgi.app)
_resolve_path: Callable[[str, str, str], Any] = lookup.attribute(
    asgi.app, "_resolve_stage_and_path"
)
_authorization_type: Callable[[str, str, str, str], str] = lookup.attribute(
    services.apigateway, "route_authorization_type"
)


def install() -> None:
    """Install the patch."""
    _API.after(_convert_cors)
    _parse_url.around(_parse_any_host)
    asgi.application.around(_route)


def _convert_cors(api_id: str, _props: Props) -> None:
    api = _apis[api_id]
    if cors := api.get("corsConfiguration"):
        api["corsConfiguration"] = cloudformation.to_camel(cors)


def _parse_any_host(parse: Callable[[str, str], Any], host: str, path: str) -> Any:
    name = host.lower()
    match = _AWS_HOST.fullmatch(name)
    return parse(f"{match[1]}.execute-api.localhost" if match else name, path)


async def _route(
    application: asgi.Application, scope: dict[str, Any], receive: Any, send: Any
) -> None:
    """Handle requests to HTTP APIs before MiniStack, which uses some of the paths itself.

    The requests have no credentials, so the API id determines account and region.
    """
    headers = asgi.request_headers(scope) if scope["type"] == "http" else {}
    host = headers.get("host", "")
    account_and_region = find(host, scope.get("path", ""), scope.get("method", ""))
    if account_and_region is None:
        await application(scope, receive, send)
        return
    query = scope["query_string"].decode("latin-1")
    body = await asgi.read_body(receive)
    with context.scope(*account_and_region):
        response = await asgi.call_api(
            host,
            scope["path"],
            scope["method"],
            headers,
            body,
            parse_qs(query, keep_blank_values=True),
            raw_path=scope["raw_path"].decode("latin-1"),
            raw_query_string=query,
        )
        await asgi.send_response_or_stream(send, response, receive)


def find(host: str, path: str, method: str) -> tuple[str, str] | None:
    """Return account and region of the HTTP API that handles a request; None if there is none.

    Return None for a route with IAM authorization, too: access control verifies the signature of
    such a request, and then MiniStack handles it.
    """
    parsed = _parse_url(host, path)
    if not parsed:
        return None
    api_id, stage, rest = parsed
    for (account, region, key), api in context.items_of_all_accounts(_apis):
        if key == api_id and api.get("protocolType") == "HTTP":
            with context.scope(account, region):
                is_signed = _requires_signature(api_id, stage, method, rest)
            if is_signed or rest.startswith("/@connections"):
                return None
            return account, region
    return None


def ids() -> list[str]:
    """Return the ids of all HTTP APIs."""
    apis = context.items_of_all_accounts(_apis)
    return sorted(key for (_, _, key), api in apis if api.get("protocolType") == "HTTP")


def _requires_signature(api_id: str, stage: str, method: str, path: str) -> bool:
    resolved = _resolve_path(api_id, stage, path)
    return _authorization_type(api_id, resolved[0], method, resolved[1]) == "AWS_IAM"
