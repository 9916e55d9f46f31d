"""A template in S3 is found by every form of address S3 has."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from deployer.embedded import ministack

_VIRTUAL_HOST = re.compile(
    r"https://(?P<bucket>[^/]+?)\.s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com/(?P<key>.+)"
)


def close() -> None:
    """Rewrite the form the emulator misreads into the one it reads (BUCKET/KEY as the path)."""
    ministack.wrap("_resolve_document", _by_bucket_name)


def _by_bucket_name(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def resolving(params: ministack.Params, body_key: str, url_key: str, label: str) -> Any:
        found = _VIRTUAL_HOST.fullmatch(ministack.param(params, url_key))
        if found and not ministack.param(params, body_key):
            url = f"https://s3.amazonaws.com/{found['bucket']}/{found['key']}"
            params = {**params, url_key: [url]}
        return resolve(params, body_key, url_key, label)

    return resolving
