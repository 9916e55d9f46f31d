"""Respond to a request with the name or alias of a distribution as Host, in any account.

A request with `Host: NAME:443` or `X-Forwarded-Proto: https` counts as sent over TLS, any other as
sent to port 80. There is no TLS here, and no cache: every response comes from the origin.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from emulator.ministack import asgi, context, lookup, policies, services
from emulator.ministack.context import Response
from emulator.ministack.hooks import Function
from emulator.patches.cloudfront import compression
from emulator.patches.differences import Difference

Fetch = Callable[..., Awaitable[tuple[int, str, dict[str, Any], bytes]]]
Origin = dict[str, Any]

DIFFERENCES = (
    Difference(
        "A distribution responds to requests for its domain name or an alias, over TLS if required.",
        source="CloudFront developer guide, Use custom URLs, Require HTTPS",
        ministack="Only for its domain name, in the default account.",
        test="test_domain_names",
    ),
    Difference(
        "The bucket policy decides what CloudFront may read; the status of a missing object is 404 if "
        "CloudFront may list the bucket.",
        source="CloudFront developer guide, Restrict access to an Amazon S3 origin; GetObject, "
        "Permissions",
        ministack="The status of a missing object is always 403.",
        test="test_bucket_policy",
    ),
    Difference(
        "An origin group sends a request to its second origin when the first one fails.",
        source="CloudFront developer guide, origin failover",
        ministack="502.",
        test="test_origin_group",
    ),
    Difference(
        "A function gets the names and values of the query as the viewer sent them, encoded.",
        source="KensioSoftware/yulin#1024; itamarwe/fpv-drone-strikes-lebanon-dataset#17",
        ministack="Decoded: a redirect that keeps the query fails here only.",
        test="cloudfront/test_functions.py::test_query",
    ),
)

GLOBAL_REGION = "us-east-1"
_SERVICE = "cloudfront.amazonaws.com"
# Only requests with these methods are sent to the second origin of an origin group.
_FAILOVER_METHODS = {"GET", "HEAD", "OPTIONS"}

_cloudfront = services.cloudfront
_distribution_aliases: Callable[[dict[str, Any]], list[str]] = lookup.attribute(
    _cloudfront, "_get_distribution_aliases"
)
_config_element: Callable[[dict[str, Any]], Any] = lookup.attribute(_cloudfront, "_dist_config_el")
_handle_request: Callable[..., Awaitable[Response]] = lookup.attribute(
    _cloudfront, "handle_viewer_request"
)
_ORIGIN_FAILURES: tuple[type[Exception], ...] = (
    lookup.attribute(_cloudfront, "OriginTimeout"),
    lookup.attribute(_cloudfront, "OriginUnreachable"),
)
_parse_config: Function[[dict[str, Any]], dict[str, Any]] = Function(
    "parse_distribution_dataplane_config", _cloudfront
)
_parse_origin: Function[[Any], Origin] = Function("_dataplane_origin", _cloudfront)
_fetch_from_origin: Function[..., Awaitable[Any]] = Function("_fetch_from_origin", _cloudfront)
_encode_query: Function[..., str] = Function("urlencode", _cloudfront)

_fetch_from_bucket: Function[..., Response] = Function("serve_cloudfront_origin_fetch", services.s3)
_bucket_policies: Any = lookup.attribute(services.s3, "_bucket_policies")
_get_object: Callable[..., Response] = lookup.attribute(services.s3, "_get_object")
_head_object: Callable[..., Response] = lookup.attribute(services.s3, "_head_object")


@dataclass(frozen=True)
class _Match:
    """A distribution that a client requested."""

    account: str
    distribution: dict[str, Any]


def install() -> None:
    """Install the patch."""
    asgi.application.around(_route)
    _parse_config.after(_add_origin_groups)
    _parse_origin.after(_remove_signing)
    _fetch_from_origin.around(_fetch_from_group)
    _encode_query.replace(_join_query)
    _fetch_from_bucket.replace(_fetch_as_permitted)


def aliases(distribution: dict[str, Any]) -> tuple[str, ...]:
    """Return the alternate domain names of a distribution, in lower case."""
    return _aliases(distribution["config_xml"])


def names() -> list[str]:
    """Return the alternate domain names of all distributions."""
    distributions = context.items_of_all_accounts(services.distributions)
    return sorted({name for _, distribution in distributions for name in aliases(distribution)})


@lru_cache(maxsize=256)
def _aliases(config: str) -> tuple[str, ...]:
    return tuple(name.lower() for name in _distribution_aliases({"config_xml": config}))


async def _route(
    application: asgi.Application, scope: dict[str, Any], receive: Any, send: Any
) -> None:
    """Handle requests to distributions before MiniStack reads the path and the credentials."""
    headers = asgi.request_headers(scope) if scope["type"] == "http" else {}
    match = find(headers.get("host", ""))
    if match is None:
        await application(scope, receive, send)
        return
    body = await asgi.read_body(receive)
    with context.scope(match.account, GLOBAL_REGION):
        status, response_headers, content = await _serve(match.distribution, scope, headers, body)
    head = scope["method"] == "HEAD"
    await asgi.send_response(send, status, response_headers, b"" if head else content, head=head)


def find(host: str) -> _Match | None:
    """Return the distribution that a client reaches at *host*, with its account."""
    name = asgi.resource_name(host)
    if not name:
        return None
    wildcard = "*." + name.partition(".")[2]
    distributions = context.items_of_all_accounts(services.distributions)
    for alias in (name, wildcard):
        for (account, *_), distribution in distributions:
            if alias == distribution["DomainName"] or alias in aliases(distribution):
                return _Match(account, distribution)
    return None


async def _serve(
    distribution: dict[str, Any], scope: dict[str, Any], headers: dict[str, str], body: bytes
) -> Response:
    query = scope["query_string"].decode("latin-1")
    headers["x-forwarded-proto"] = _protocol(headers)
    headers["host"] = headers["host"].partition(":")[0]
    response = await _handle_request(
        distribution,
        scope["method"],
        scope["path"],
        scope["raw_path"].decode("latin-1"),
        query,
        compression.with_strong_etags(headers),
        body,
        _parameters(query),
    )
    if scope["method"] != "GET":
        return response
    return compression.compressed(response, distribution, scope["path"], headers)


def _parameters(query: str) -> dict[str, list[str]]:
    """Return the values of each name in the query as the viewer sent them: encoded."""
    parameters: dict[str, list[str]] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        parameters.setdefault(name, []).append(value)
    return parameters


def _join_query(parameters: list[tuple[str, str]], **_: Any) -> str:
    """Return the query for the origin; `_parameters` has left the values encoded."""
    return "&".join(f"{name}={value}" for name, value in parameters)


def _protocol(headers: dict[str, str]) -> str:
    if headers["host"].endswith(":443"):
        return "https"
    return headers.get("x-forwarded-proto", "http")


# Origin groups --------------------------------------------------------------------------------


def _add_origin_groups(parsed: dict[str, Any], distribution: dict[str, Any]) -> dict[str, Any]:
    """Add the origin groups to the origins, in which MiniStack looks up the target of a behavior."""
    origins: dict[str, Origin] = parsed["origins"]
    root = _config_element(distribution)
    for group in _children(root, "OriginGroups", "Items"):
        name = context.text_of(group, "Id")
        codes = [int(code.text) for code in _children(group, "StatusCodes", "Items")]
        members = [
            origins[context.text_of(member, "OriginId")]
            for member in _children(group, "Members", "Items")
        ]
        origins[name] = {**members[0], "id": name, "_members": members, "_codes": codes}
    return parsed


def _children(root: Any, *path: str) -> list[Any]:
    """Return the children of the first element at *path*, in any namespace."""
    for tag in path:
        matches = context.elements(root, tag)
        if not matches:
            return []
        root = matches[0]
    return list(root)


async def _fetch_from_group(fetch: Fetch, origin: Origin, method: str, *rest: Any) -> Any:
    """Fetch from the second origin if the first one fails or returns a failover status code."""
    members = origin.get("_members")
    if not members or method not in _FAILOVER_METHODS:
        return await fetch(origin, method, *rest)
    first, second = members
    try:
        response = await fetch(first, method, *rest)
    except _ORIGIN_FAILURES:
        return await fetch(second, method, *rest)
    return await fetch(second, method, *rest) if response[0] in origin["_codes"] else response


# S3 as an origin --------------------------------------------------------------------------------


def _remove_signing(origin: Origin, _element: Any) -> Origin:
    """Do not sign requests for an origin if its access control has the signing behavior `never`."""
    if services.origin_access_controls.get(origin["oac_id"], {}).get("SigningBehavior") == "never":
        origin["oac_id"] = ""
    return origin


def _fetch_as_permitted(
    bucket: str,
    key: str,
    method: str,
    headers: dict[str, str],
    *,
    source_arn: str = "",
    oai_id: str = "",
) -> Response:
    """Fetch an object if the bucket policy permits it.

    The response for a missing object is 404 if CloudFront may list the bucket, otherwise 403.
    """
    del oai_id  # Origin access control has replaced origin access identities.
    owner = services.bucket_owner(bucket)
    if owner is None:
        return services.s3_error("NoSuchBucket", "The specified bucket does not exist", 404)
    policy = _bucket_policies.get_scoped(owner, None, bucket)

    def is_allowed(action: str, resource: str) -> bool:
        if not source_arn:
            return bool(services.bucket_allows(owner, bucket, key, "GET", {}, ""))
        return policies.policy_allows(policy, action, resource, service=_SERVICE, source=source_arn)

    if not is_allowed("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}"):
        return services.s3_error("AccessDenied", "Access Denied", 403)
    with context.scope(owner, context.region()):
        if key in services.buckets[bucket]["objects"]:
            read = _head_object if method == "HEAD" else _get_object
            return read(bucket, key, dict(headers), {})
    if source_arn and is_allowed("s3:ListBucket", f"arn:aws:s3:::{bucket}"):
        return services.s3_error("NoSuchKey", "The specified key does not exist.", 404)
    return services.s3_error("AccessDenied", "Access Denied", 403)
