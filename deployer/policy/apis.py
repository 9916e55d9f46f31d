"""Rules for HTTP APIs and for CORS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployer.policy import distributions
from deployer.policy.model import Resource, Templates, Violation, for_each_resource
from deployer.policy.values import as_int, as_list, get, text

_IMPORTED = ("Body", "BodyS3Location", "RouteKey", "Target")
_CORS = {
    "ApiGatewayV2::Api": ("CorsConfiguration", "AllowOrigins"),
    "Lambda::Url": ("Cors", "AllowOrigins"),
    "CloudFront::ResponseHeadersPolicy": (
        *("ResponseHeadersPolicyConfig", "CorsConfig"),
        *("AccessControlAllowOrigins", "Items"),
    ),
}

logged = for_each_resource(
    "ApiGatewayV2::Stage",
    is_valid=lambda resource: all(
        resource.get("AccessLogSettings", key) for key in ("DestinationArn", "Format")
    ),
    message="has no access log: AccessLogSettings needs DestinationArn and Format",
)
throttled = for_each_resource(
    "ApiGatewayV2::Stage",
    is_valid=lambda resource: all(
        resource.get("DefaultRouteSettings", f"Throttling{limit}Limit") not in (None, "0")
        for limit in ("Rate", "Burst")
    ),
    message="does not limit requests: no ThrottlingRateLimit or ThrottlingBurstLimit",
)


def routes_authorized(templates: Templates) -> Iterator[Violation]:
    """Every route has an authorizer, except for the OPTIONS route of CORS preflight requests.

    A WebSocket API authorizes only the connection.
    """
    for resource in templates.of_type("ApiGatewayV2::Route"):
        route_key = text(resource.get("RouteKey"))
        apis = [*templates.referenced(resource.stack, resource.get("ApiId"))]
        is_message = route_key != "$connect" and bool(apis) and all(map(is_web_socket, apis))
        is_exempt = is_message or route_key.startswith("OPTIONS ")
        if not is_exempt and not _has_authorizer(resource):
            yield resource.violation(f"{route_key} has no authorizer")
    for resource in templates.of_type("ApiGatewayV2::Api"):
        if unchecked := [key for key in _IMPORTED if resource.get(key)]:
            yield resource.violation(
                f"defines routes that cannot be checked: {', '.join(unchecked)}"
            )


def is_web_socket(api: Resource) -> bool:
    """Return whether *api* is a WebSocket API."""
    return bool(api.get("ProtocolType") == "WEBSOCKET")


def _has_authorizer(route: Resource) -> bool:
    kind = route.get("AuthorizationType")
    return kind == "AWS_IAM" or (kind in ("JWT", "CUSTOM") and bool(route.get("AuthorizerId")))


def short_authorizer_cache(templates: Templates) -> Iterator[Violation]:
    """An authorizer caches results for at most five minutes, with one cache key per caller.

    So the API rejects a revoked token after five minutes at the latest.
    """
    for resource in templates.of_type("ApiGatewayV2::Authorizer"):
        if resource.get("AuthorizerType") == "REQUEST":
            if not _is_short(resource.get("AuthorizerResultTtlInSeconds")):
                yield resource.violation(
                    "caches results too long: AuthorizerResultTtlInSeconds is not between 0 and 300"
                )
            if not as_list(resource.get("IdentitySource")):
                yield resource.violation("has no IdentitySource")


def _is_short(seconds: Any) -> bool:
    value = as_int(seconds)
    return value is not None and 0 <= value <= 300


def no_cors_wildcards(templates: Templates) -> Iterator[Violation]:
    """CORS allows specific origins only: no wildcard, and not null."""
    for resource in templates.of_type("S3::Bucket"):
        for rule in as_list(resource.get("CorsConfiguration", "CorsRules")):
            yield from _wildcards(resource, get(rule, "AllowedOrigins"))
    for type_, path in _CORS.items():
        for resource in templates.of_type(type_):
            yield from _wildcards(resource, resource.get(*path))
    yield from distributions.managed_cors(templates)


def _wildcards(resource: Resource, origins: Any) -> Iterator[Violation]:
    for origin in map(text, as_list(origins)):
        if "*" in origin or origin == "null":
            yield resource.violation(f"allows every site to call it: CORS origin {origin!r}")
