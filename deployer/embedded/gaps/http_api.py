"""HTTP APIs: found by AWS's host name in any account, with the CORS rules their stack gave them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from deployer.embedded import ministack

Made = tuple[str, dict[str, Any]]

_AWS_HOST = re.compile(r"([a-f0-9]{8})\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?::\d+)?")


def close() -> None:
    """Write the rules as an API call would have, and read AWS's names."""
    for verb in ("create", "update"):
        ministack.wrap_type("AWS::ApiGatewayV2::Api", verb, _in_its_words)
    ministack.swap(ministack.app, "_parse_execute_api_url", _by_any_name)
    ministack.swap(ministack.app, "_handle_execute_api_request", _in_its_account)


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
        found = _AWS_HOST.fullmatch(host)
        return parse(f"{found[1]}.execute-api.localhost" if found else host, path)

    return parsing


def _in_its_account(handle: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """A caller of an API has no credentials that would say whose it is."""

    async def handling(host: str, path: str, *rest: Any, **more: Any) -> Any:
        parsed = ministack.store(ministack.app, "_parse_execute_api_url")(host, path)
        for account, region, api in _apis() if parsed else ():
            if api == parsed[0]:
                with ministack.scope(account, region):
                    return await handle(host, path, *rest, **more)
        return await handle(host, path, *rest, **more)

    return handling


def _apis() -> list[tuple[str, ...]]:
    kept = ministack.everywhere(ministack.store(ministack.http_apis, "_apis"))
    return [key for key, _ in kept]
