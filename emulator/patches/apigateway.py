"""HTTP APIs: found by AWS's host name in any account, with the CORS rules their stack gave them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from emulator import ministack

Asgi = Callable[..., Awaitable[None]]
Made = tuple[str, dict[str, Any]]

_AWS_HOST = re.compile(r"([a-f0-9]{8})\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?::\d+)?")


def close() -> None:
    """Write the rules as an API call would have, and read AWS's names."""
    for verb in ("create", "update"):
        ministack.wrap_type("AWS::ApiGatewayV2::Api", verb, _in_its_words)
    ministack.swap(ministack.app, "_parse_execute_api_url", _by_any_name)
    ministack.swap(ministack, "ASGI", _routed)


def _in_its_words(make: Callable[..., Made]) -> Callable[..., Made]:
    def making(*args: Any) -> Made:
        made, attributes = make(*args)
        api = ministack.store(ministack.http_apis, "_apis")[made]
        if cors := api.get("corsConfiguration"):
            api["corsConfiguration"] = ministack.to_camel(cors)
        return made, attributes

    return making


def _by_any_name(parse: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
    def parsing(host: str, path: str) -> Any:
        name = host.lower()
        found = _AWS_HOST.fullmatch(name)
        return parse(f"{found[1]}.execute-api.localhost" if found else name, path)

    return parsing


def _routed(emulator: Asgi) -> Asgi:
    """Handle requests to APIs before MiniStack reads the path, which may equal one of its own.

    The requests have no credentials, so account and region are found by the API.
    """

    async def routing(scope: dict[str, Any], receive: Any, send: Any) -> None:
        headers = ministack.headers_of(scope) if scope["type"] == "http" else {}
        host = headers.get("host", "")
        found = find(host, scope.get("path", ""), scope.get("method", ""))
        if found is None:
            await emulator(scope, receive, send)
            return
        query = scope["query_string"].decode("latin-1")
        body = await ministack.body_of(receive)
        with ministack.scope(*found):
            answer = await ministack.call_api(
                host,
                scope["path"],
                scope["method"],
                headers,
                body,
                parse_qs(query, keep_blank_values=True),
                raw_path=scope["raw_path"].decode("latin-1"),
                raw_query_string=query,
            )
            await ministack.send_any(send, answer, receive)

    return routing


def find(host: str, path: str, method: str) -> tuple[str, str] | None:
    """Return account and region of the HTTP API that handles a request; None if there is none.

    A route with IAM authorization is not found: MiniStack handles such a request, after it was
    verified like every other signed request.
    """
    parsed = ministack.store(ministack.app, "_parse_execute_api_url")(host, path)
    if not parsed:
        return None
    api_id, stage, rest = parsed
    kept = ministack.everywhere(ministack.store(ministack.http_apis, "_apis"))
    for (account, region, key), api in kept:
        if key == api_id and api.get("protocolType") == "HTTP":
            with ministack.scope(account, region):
                signed = ministack.is_iam_route(api_id, stage, method, rest)
            return None if signed or rest.startswith("/@connections") else (account, region)
    return None
