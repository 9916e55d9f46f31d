"""CloudFront: a request with a distribution's name or alias as Host is answered by it.

`Host: NAME:443` or `X-Forwarded-Proto: https` is a request over TLS; without them it came to port
80. There is no TLS here, and no cache: every answer comes fresh from the origin.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from emulator import ministack
from emulator.ministack import Answer

Asgi = Callable[..., Awaitable[None]]
Fetch = Callable[..., Awaitable[tuple[int, str, dict[str, Any], bytes]]]
Origin = dict[str, Any]

HOME = "us-east-1"
_SERVICE = "cloudfront.amazonaws.com"
_READING = {"GET", "HEAD", "OPTIONS"}  # Only these go on to an origin group's second origin.


@dataclass(frozen=True)
class _Found:
    account: str
    distribution: dict[str, Any]


def close() -> None:
    """Answer for distributions before the emulator looks at path and credentials."""
    ministack.swap(ministack, "ASGI", _routed)
    ministack.swap(ministack.cloudfront, "parse_distribution_dataplane_config", _with_groups)
    ministack.swap(ministack.cloudfront, "_dataplane_origin", _signed_if_told)
    ministack.swap(ministack.cloudfront, "_fetch_from_origin", _from_group)
    ministack.swap(ministack.cloudfront, "urlencode", lambda _: _joined)
    ministack.swap(ministack.s3, "serve_cloudfront_origin_fetch", _as_its_policy_says)


def aliases(distribution: dict[str, Any]) -> tuple[str, ...]:
    """Return the alternate domain names of a distribution, in lower case."""
    return _aliases(distribution["config_xml"])


@lru_cache(maxsize=256)
def _aliases(config: str) -> tuple[str, ...]:
    return tuple(name.lower() for name in ministack.distribution_aliases({"config_xml": config}))


def _routed(emulator: Asgi) -> Asgi:
    async def routing(scope: dict[str, Any], receive: Any, send: Any) -> None:
        headers = ministack.headers_of(scope) if scope["type"] == "http" else {}
        found = find(headers.get("host", ""))
        if found is None:
            await emulator(scope, receive, send)
            return
        body = await ministack.body_of(receive)
        with ministack.scope(found.account, HOME):
            status, answered, content = await _serve(found.distribution, scope, headers, body)
        head = scope["method"] == "HEAD"
        await ministack.send_answer(send, status, answered, b"" if head else content, head=head)

    return routing


def find(host: str) -> _Found | None:
    """Return whose distribution a client at *host* would reach."""
    name = host.partition(":")[0].lower()
    if not name or name.replace(".", "").isdigit() or name == "localhost":
        return None
    wildcard = "*." + name.partition(".")[2]
    kept = ministack.everywhere(ministack.store(ministack.cloudfront, "_distributions"))
    for wanted in (name, wildcard):
        for (account, *_), distribution in kept:
            if wanted == distribution["DomainName"] or wanted in aliases(distribution):
                return _Found(account, distribution)
    return None


async def _serve(
    distribution: dict[str, Any], scope: dict[str, Any], headers: dict[str, str], body: bytes
) -> Answer:
    query = scope["query_string"].decode("latin-1")
    headers["x-forwarded-proto"] = _protocol(headers)
    headers["host"] = headers["host"].partition(":")[0]
    answer: Answer = await ministack.cloudfront.handle_viewer_request(
        distribution,
        scope["method"],
        scope["path"],
        scope["raw_path"].decode("latin-1"),
        query,
        headers,
        body,
        _parameters(query),
    )
    return answer


def _parameters(query: str) -> dict[str, list[str]]:
    """The values of each name as the viewer has sent them: what is encoded stays so."""
    found: dict[str, list[str]] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        found.setdefault(name, []).append(value)
    return found


def _joined(parameters: list[tuple[str, str]], **_: Any) -> str:
    """What goes on to the origin; `_parameters` has left it encoded."""
    return "&".join(f"{name}={value}" for name, value in parameters)


def _protocol(headers: dict[str, str]) -> str:
    if headers["host"].endswith(":443"):
        return "https"
    return headers.get("x-forwarded-proto", "http")


# Origin groups --------------------------------------------------------------------------------


def _with_groups(parse: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Let a behaviour find a group of origins where it looks for an origin."""

    def parsing(distribution: dict[str, Any]) -> dict[str, Any]:
        parsed = parse(distribution)
        origins: dict[str, Origin] = parsed["origins"]
        root = ministack.distribution_config(distribution)
        for group in _elements(root, "OriginGroups", "Items"):
            name = ministack.text_of(group, "Id")
            codes = [int(code.text) for code in _elements(group, "StatusCodes", "Items")]
            members = [
                origins[ministack.text_of(member, "OriginId")]
                for member in _elements(group, "Members", "Items")
            ]
            origins[name] = {**members[0], "id": name, "_members": members, "_codes": codes}
        return parsed

    return parsing


def _elements(root: Any, *path: str) -> list[Any]:
    """Return what stands below the first element of each name, namespaces aside."""
    for tag in path:
        root = next((one for one in root.iter() if one.tag.rpartition("}")[2] == tag), None)
        if root is None:
            return []
    return list(root)


def _from_group(fetch: Fetch) -> Fetch:
    """Ask the second origin when the first fails in a way the group names, or not at all."""
    failed = (ministack.cloudfront.OriginTimeout, ministack.cloudfront.OriginUnreachable)

    async def fetching(origin: Origin, method: str, *rest: Any) -> Any:
        members = origin.get("_members")
        if not members or method not in _READING:
            return await fetch(origin, method, *rest)
        first, second = members
        try:
            answer = await fetch(first, method, *rest)
        except failed:
            return await fetch(second, method, *rest)
        return await fetch(second, method, *rest) if answer[0] in origin["_codes"] else answer

    return fetching


# S3 as an origin --------------------------------------------------------------------------------


def _signed_if_told(parse: Callable[[Any], Origin]) -> Callable[[Any], Origin]:
    """Sign requests for an origin only if its origin access control says so."""

    def parsing(element: Any) -> Origin:
        origin = parse(element)
        controls = ministack.store(ministack.cloudfront, "_oacs")
        if controls.get(origin["oac_id"], {}).get("SigningBehavior") == "never":
            origin["oac_id"] = ""
        return origin

    return parsing


def _as_its_policy_says(_fetch: Callable[..., Answer]) -> Callable[..., Answer]:
    """Let the bucket's policy decide what CloudFront may read, and what it learns of the rest.

    Who may list a bucket learns that an object is missing (404); who may not, does not (403).
    """

    def fetching(
        bucket: str,
        key: str,
        method: str,
        headers: dict[str, str],
        *,
        source_arn: str = "",
        oai_id: str = "",
    ) -> Answer:
        del oai_id  # Origin access identities are what origin access control replaced.
        owner = ministack.store(ministack.s3, "_bucket_owner_account")(bucket)
        if owner is None:
            return ministack.refuse_s3("NoSuchBucket", "The specified bucket does not exist", 404)
        policy = ministack.store(ministack.s3, "_bucket_policies").get_scoped(owner, None, bucket)

        def allowed(action: str, resource: str) -> bool:
            if not source_arn:
                anonymous = ministack.store(ministack.s3, "_foreign_bucket_allows")
                return bool(anonymous(owner, bucket, key, "GET", {}, ""))
            return ministack.policy_allows(
                policy, action, resource, service=_SERVICE, source=source_arn
            )

        if not allowed("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}"):
            return ministack.refuse_s3("AccessDenied", "Access Denied", 403)
        with ministack.scope(owner, ministack.region()):
            if key in ministack.store(ministack.s3, "_buckets")[bucket]["objects"]:
                return _read(bucket, key, method, headers)
        if source_arn and allowed("s3:ListBucket", f"arn:aws:s3:::{bucket}"):
            return ministack.refuse_s3("NoSuchKey", "The specified key does not exist.", 404)
        return ministack.refuse_s3("AccessDenied", "Access Denied", 403)

    return fetching


def _read(bucket: str, key: str, method: str, headers: dict[str, str]) -> Answer:
    name = "_head_object" if method == "HEAD" else "_get_object"
    answer: Answer = ministack.store(ministack.s3, name)(bucket, key, dict(headers), {})
    return answer
