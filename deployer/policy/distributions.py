"""Rules for CloudFront distributions: private origins, TLS and security headers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from deployer.policy.model import Resource, Templates, Violation, for_each_resource
from deployer.policy.values import as_int, as_list, get, is_true, text

_TLS = ("TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025")
# Domain names of a bucket, or of its website, in any region and endpoint.
_BUCKET_DOMAIN = re.compile(r"(.+\.)?s3[.-](.+\.)?amazonaws\.com(\.cn)?", re.IGNORECASE)
# CloudFront developer guide, managed response headers policies: each allows every site.
_MANAGED_CORS = {
    "e61eb60c-9c35-4d20-a928-2b84e02af89c": "CORS-and-SecurityHeadersPolicy",
    "eaab4381-ed33-4a86-88ca-d9558dc6cd63": "CORS-with-preflight-and-SecurityHeadersPolicy",
    "60669652-455b-4ae9-85a4-c4c02393f86c": "SimpleCORS",
    "5cc3b908-e619-4b99-88e5-2cf7f45965bd": "CORS-With-Preflight",
}
_WITHOUT_SECURITY_HEADERS = ("SimpleCORS", "CORS-With-Preflight")
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
        # With max-age=0, a browser no longer applies Strict-Transport-Security.
        security and as_int(get(security, "AccessControlMaxAgeSec")) != 0
        for header in ("ContentTypeOptions", "StrictTransportSecurity")
        for security in [
            headers_policy.get("ResponseHeadersPolicyConfig", "SecurityHeadersConfig", header)
        ]
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
    domain = get(origin, "DomainName")
    return (
        get(origin, "S3OriginConfig") is not None
        or _BUCKET_DOMAIN.fullmatch(text(domain)) is not None
        or any(
            target.type == "AWS::S3::Bucket"
            for target in templates.referenced(distribution.stack, domain)
        )
    )


def only_https(templates: Templates) -> Iterator[Violation]:
    """HTTP requests are redirected to HTTPS, or refused."""
    for distribution, behavior in _behaviors(templates):
        if get(behavior, "ViewerProtocolPolicy") not in _HTTPS_ONLY:
            yield distribution.violation("serves requests over HTTP", _name(behavior))


def with_headers(templates: Templates) -> Iterator[Violation]:
    """Every cache behavior has a response headers policy; `strict_headers` checks the policy."""
    for distribution, behavior in _behaviors(templates):
        policy = get(behavior, "ResponseHeadersPolicyId")
        if not policy:
            yield distribution.violation("has no response headers policy", _name(behavior))
        elif (managed := _MANAGED_CORS.get(text(policy))) in _WITHOUT_SECURITY_HEADERS:
            yield distribution.violation(f"{managed} sets no security headers", _name(behavior))


def managed_cors(templates: Templates) -> Iterator[Violation]:
    """No cache behavior has a managed response headers policy that allows every site."""
    for distribution, behavior in _behaviors(templates):
        if policy := _MANAGED_CORS.get(text(get(behavior, "ResponseHeadersPolicyId"))):
            yield distribution.violation(f"allows every site to call it: {policy}", _name(behavior))


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
