"""CloudFront: private origins, TLS, and headers that a browser keeps to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployer.policy.model import Resource, Templates, Violation, each
from deployer.policy.values import get, many, text

_TLS = ("TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025")
_SAFE = ("https-only", "redirect-to-https")

modern_tls = each(
    "CloudFront::Distribution",
    ok=lambda one: (
        get(_certificate(one), "MinimumProtocolVersion") in _TLS
        and get(_certificate(one), "SslSupportMethod") == "sni-only"
    ),
    message="speaks older TLS than TLSv1.2_2021, or to browsers without SNI",
)
signing = each(
    "CloudFront::OriginAccessControl",
    ok=lambda one: one.get("OriginAccessControlConfig", "SigningBehavior") == "always",
    message="does not sign every request",
)
strict_headers = each(
    "CloudFront::ResponseHeadersPolicy",
    ok=lambda one: all(
        one.get("ResponseHeadersPolicyConfig", "SecurityHeadersConfig", header)
        for header in ("ContentTypeOptions", "StrictTransportSecurity")
    ),
    message="does not send nosniff and HSTS",
)


def private_origins(templates: Templates) -> Iterator[Violation]:
    """A bucket behind a distribution is read by it, signed, and by nobody else."""
    for one in templates.of("CloudFront::Distribution"):
        for origin in many(one.get("DistributionConfig", "Origins")):
            if _is_bucket(templates, one, origin) and not get(origin, "OriginAccessControlId"):
                yield one.found("reads a bucket without access control", text(get(origin, "Id")))


def _is_bucket(templates: Templates, one: Resource, origin: Any) -> bool:
    named = templates.reached(one.stack, get(origin, "DomainName"))
    return get(origin, "S3OriginConfig") is not None or any(
        target.type == "AWS::S3::Bucket" for target in named
    )


def only_https(templates: Templates) -> Iterator[Violation]:
    """Whoever comes in the clear is sent to HTTPS."""
    for one, behaviour in _behaviours(templates):
        if get(behaviour, "ViewerProtocolPolicy") not in _SAFE:
            yield one.found("serves in the clear", _name(behaviour))


def with_headers(templates: Templates) -> Iterator[Violation]:
    """What the headers are is asked of their policy."""
    for one, behaviour in _behaviours(templates):
        if not get(behaviour, "ResponseHeadersPolicyId"):
            yield one.found("answers without security headers", _name(behaviour))


def _certificate(one: Resource) -> Any:
    return one.get("DistributionConfig", "ViewerCertificate")


def _behaviours(templates: Templates) -> Iterator[tuple[Resource, Any]]:
    for one in templates.of("CloudFront::Distribution"):
        config = one.get("DistributionConfig")
        for behaviour in [
            get(config, "DefaultCacheBehavior"),
            *many(get(config, "CacheBehaviors")),
        ]:
            yield one, behaviour


def _name(behaviour: Any) -> str:
    return text(get(behaviour, "PathPattern")) or "default"
