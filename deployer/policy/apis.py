"""HTTP APIs, and which sites may call anything of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployer.policy.model import Resource, Templates, Violation, each
from deployer.policy.values import get, many, number, text

_IMPORTED = ("Body", "BodyS3Location", "RouteKey", "Target")
_CORS = {
    "ApiGatewayV2::Api": ("CorsConfiguration", "AllowOrigins"),
    "Lambda::Url": ("Cors", "AllowOrigins"),
    "CloudFront::ResponseHeadersPolicy": (
        *("ResponseHeadersPolicyConfig", "CorsConfig"),
        *("AccessControlAllowOrigins", "Items"),
    ),
}

logged = each(
    "ApiGatewayV2::Stage",
    ok=lambda one: all(one.get("AccessLogSettings", key) for key in ("DestinationArn", "Format")),
    message="does not log who called",
)
throttled = each(
    "ApiGatewayV2::Stage",
    ok=lambda one: all(
        one.get("DefaultRouteSettings", f"Throttling{limit}Limit") not in (None, "0")
        for limit in ("Rate", "Burst")
    ),
    message="takes as many calls as anyone sends: no throttling",
)


def routes_authorized(templates: Templates) -> Iterator[Violation]:
    """Every route but the browser's own question before it asks."""
    for one in templates.of("ApiGatewayV2::Route"):
        if not text(one.get("RouteKey")).startswith("OPTIONS ") and not _authorized(one):
            yield one.found(f"{text(one.get('RouteKey'))} has no authorizer")
    for one in templates.of("ApiGatewayV2::Api"):
        if hidden := [key for key in _IMPORTED if one.get(key)]:
            yield one.found(f"has routes that no rule sees: {', '.join(hidden)}")


def _authorized(route: Resource) -> bool:
    kind = route.get("AuthorizationType")
    return kind == "AWS_IAM" or (kind in ("JWT", "CUSTOM") and bool(route.get("AuthorizerId")))


def short_memory(templates: Templates) -> Iterator[Violation]:
    """A token taken back is else good for an hour, and one answer is everyone's."""
    for one in templates.of("ApiGatewayV2::Authorizer"):
        if one.get("AuthorizerType") == "REQUEST":
            if not _short(one.get("AuthorizerResultTtlInSeconds")):
                yield one.found("remembers its answers: AuthorizerResultTtlInSeconds not 0 to 300")
            if not many(one.get("IdentitySource")):
                yield one.found("does not say who asks: no IdentitySource")


def _short(seconds: Any) -> bool:
    known = number(seconds)
    return known is not None and 0 <= known <= 300


def known_sites(templates: Templates) -> Iterator[Violation]:
    """Neither every site, nor every site of a pattern, nor a page without one."""
    for one in templates.of("S3::Bucket"):
        for rule in many(one.get("CorsConfiguration", "CorsRules")):
            yield from _open(one, get(rule, "AllowedOrigins"))
    for type_, path in _CORS.items():
        for one in templates.of(type_):
            yield from _open(one, one.get(*path))


def _open(one: Resource, origins: Any) -> Iterator[Violation]:
    for origin in map(text, many(origins)):
        if "*" in origin or origin == "null":
            yield one.found(f"may be called from any site: CORS origin {origin!r}")
