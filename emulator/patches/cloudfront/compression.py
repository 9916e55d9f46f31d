"""Compress responses of distributions with gzip, if the cache behavior and its policy enable it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from emulator.ministack import lookup, services
from emulator.ministack.context import Response
from emulator.ministack.hooks import Function
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "CloudFront compresses texts of 1,000 to 10,000,000 bytes if the cache behavior and its "
        "cache policy allow that, and the ETag becomes a weak one.",
        source="CloudFront developer guide, Serve compressed files",
        ministack="Never.",
        test="test_gzip",
    ),
    Difference(
        "CloudFront also compresses with Brotli, fonts and some rarer types of texts too, and may "
        "skip the compression if it is busy.",
        source="CloudFront developer guide, Serve compressed files",
        ministack="Only with gzip, only the types that sites use, and always.",
        consequence="Transfers are about a sixth smaller on AWS.",
    ),
)

_BYTES = range(1_000, 10_000_001)
_STATUSES = (200, 403, 404)
_TYPES = {
    "application/javascript",
    "application/json",
    "application/wasm",
    "application/xml",
    "image/svg+xml",
    "text/css",
    "text/html",
    "text/javascript",
    "text/plain",
    "text/xml",
}

Behavior = dict[str, Any]

_cloudfront = services.cloudfront
_parse_behavior: Function[..., Behavior] = Function("_dataplane_behavior", _cloudfront)
_parse_config: Function[[dict[str, Any]], dict[str, Any]] = Function(
    "parse_distribution_dataplane_config", _cloudfront
)
_match_behavior: Callable[[dict[str, Any], str], Behavior | None] = lookup.attribute(
    _cloudfront, "_match_behavior"
)
_text: Callable[[Any, str], str] = lookup.attribute(_cloudfront, "_text")
_cache_policy: Callable[[str | None], dict[str, Any] | None] = lookup.attribute(
    _cloudfront, "cache_policy_params"
)


def install() -> None:
    """Install the patch."""
    _parse_behavior.after(_add_compress)


def _add_compress(behavior: Behavior, element: Any, _path_pattern: str | None = None) -> Behavior:
    """Add the setting `Compress`, which MiniStack does not read."""
    return {**behavior, "compress": _text(element, "Compress") == "true"}


def with_strong_etags(headers: dict[str, str]) -> dict[str, str]:
    """Return the headers of a request with strong ETags: the origin has no weak ones."""
    etag = headers.get("if-none-match")
    return headers if etag is None else {**headers, "if-none-match": etag.replace('W/"', '"')}


def compressed(
    response: Response, distribution: dict[str, Any], path: str, request: dict[str, str]
) -> Response:
    """Return the response to a GET request for *path*, compressed if CloudFront compresses it."""
    status, headers, body = response
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if (
        "gzip" not in request.get("accept-encoding", "")
        or "Content-Encoding" in headers
        or status not in _STATUSES
        or kind not in _TYPES
        or len(body) not in _BYTES
        or not _is_enabled(distribution, path)
    ):
        return response
    content = _gzip(body)
    added = {"Content-Encoding": "gzip", "Content-Length": str(len(content))}
    added["Vary"] = ", ".join(filter(None, (headers.get("Vary"), "Accept-Encoding")))
    if headers.get("Etag", "").startswith('"'):
        added["Etag"] = f"W/{headers['Etag']}"
    return status, {**headers, **added}, content


def _is_enabled(distribution: dict[str, Any], path: str) -> bool:
    behavior = _match_behavior(_parse_config(distribution), path) or {}
    policy = _cache_policy(behavior.get("cache_policy_id")) or {}
    return bool(behavior.get("compress") and policy.get("EnableAcceptEncodingGzip"))


@lru_cache(maxsize=64)
def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)
