"""Find a template in S3 by every form of URL that S3 has, and in the version in the URL."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from emulator import ministack

_VIRTUAL_HOST = re.compile(
    r"https://(?P<bucket>[^/]+?)\.s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com/(?P<key>[^?]+)"
    r"(?:\?(?P<query>.*))?"
)
_PATH = re.compile(
    r"https://s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com/(?P<bucket>[^/]+)/(?P<key>[^?]+)"
    r"(?:\?(?P<query>.*))?"
)


def close() -> None:
    """Rewrite the form the emulator misreads into the one it reads (BUCKET/KEY as the path).

    It ignores versions: a template with a version is read here, and passed on as TemplateBody.
    """
    ministack.wrap("_resolve_document", _by_bucket_name)


def _by_bucket_name(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def resolving(params: ministack.Params, body_key: str, url_key: str, label: str) -> Any:
        url = ministack.param(params, url_key)
        found = _PATH.fullmatch(url) or _VIRTUAL_HOST.fullmatch(url)
        if found and not ministack.param(params, body_key):
            bucket, key = found["bucket"], found["key"]
            params = {**params, url_key: [f"https://s3.amazonaws.com/{bucket}/{key}"]}
            if version := parse_qs(found["query"] or "").get("versionId"):
                text = ministack.object_body(bucket, key, version[0])
                if text is None:
                    return None, ministack.refuse("ValidationError", f"{label} not found at {url}")
                params[body_key] = [text.decode()]
        return resolve(params, body_key, url_key, label)

    return resolving
