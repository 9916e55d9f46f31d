"""Rules for CloudFront distributions: private origins, TLS and security headers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployer.policy.model import Resource, Templates, Violation, for_each_resource
from deployer.policy.values import as_list, get, is_true, text

_TLS = ("TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025")
_HTTPS_ONLY = ("https-only", "redirect-to-https")

modern_tls = for_each_resource(
    "CloudFront::Distribution",
    is_valid=lambda distribution: (
        get(_certificate(distribution), "MinimumProtocolVersion") in _TLS
        and get(_certificate(distribution), "SslSupportMethod") == "sni-only"
        # With the certificate of cloudfront.net, CloudFront ignores the version and allows TLSv1.
        and not is_true(get(_certificate(distribution), "CloudFrontDefaultCertificate"))
    ),
    message="allows TLS versions before TLSv1.2_2021, or clients without SNI",
)
always_signing = for_each_resource(
    "CloudFront::OriginAccessControl",
    is_valid=lambda access_control: (
        access_control.get("OriginAccessControlConfig", "SigningBehavior") == "always"
    ),
    message="does not sign every request",
)
strict_headers = for_each_resource(
    "CloudFront::ResponseHeadersPolicy",
    is_valid=lambda headers_policy: all(
        headers_policy.get("ResponseHeadersPolicyConfig", "SecurityHeadersConfig", header)
        for header in ("ContentTypeOptions", "StrictTransportSecurity")
    ),
    message="does not set X-Content-Type-Options and Strict-Transport-Security",
)


def private_origins(templates: Templates) -> Iterator[Violation]:
    """An S3 origin has an origin access control, so that its bucket is not public."""
    for distribution in templates.of_type("CloudFront::Distribution"):
        for origin in as_list(distribution.get("DistributionConfig", "Origins")):
            if _is_bucket(templates, distribution, origin) and not get(
                origin, "OriginAccessControlId"
            ):
                yield distribution.violation(
                    "has an S3 origin without origin access control", text(get(origin, "Id"))
                )


def _is_bucket(templates: Templates, distribution: Resource, origin: Any) -> bool:
    targets = templates.referenced(distribution.stack, get(origin, "DomainName"))
    return get(origin, "S3OriginConfig") is not None or any(
        target.type == "AWS::S3::Bucket" for target in targets
    )


def only_https(templates: Templates) -> Iterator[Violation]:
    """HTTP requests are redirected to HTTPS, or refused."""
    for distribution, behavior in _behaviors(templates):
        if get(behavior, "ViewerProtocolPolicy") not in _HTTPS_ONLY:
            yield distribution.violation("serves requests over HTTP", _name(behavior))


def with_headers(templates: Templates) -> Iterator[Violation]:
    """Every cache behavior has a response headers policy; `strict_headers` checks the policy."""
    for distribution, behavior in _behaviors(templates):
        if not get(behavior, "ResponseHeadersPolicyId"):
            yield distribution.violation("has no response headers policy", _name(behavior))


def _certificate(distribution: Resource) -> Any:
    return distribution.get("DistributionConfig", "ViewerCertificate")


def _behaviors(templates: Templates) -> Iterator[tuple[Resource, Any]]:
    for distribution in templates.of_type("CloudFront::Distribution"):
        config = distribution.get("DistributionConfig")
        for behavior in [
            get(config, "DefaultCacheBehavior"),
            *as_list(get(config, "CacheBehaviors")),
        ]:
            yield distribution, behavior


def _name(behavior: Any) -> str:
    return text(get(behavior, "PathPattern")) or "default"
