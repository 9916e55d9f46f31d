"""CloudFront refuses a distribution that names what is not there, or names of somebody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from emulator import ministack
from emulator.ministack import Props
from emulator.patches.cloudfront.distributions import HOME, aliases

Made = tuple[str, dict[str, Any]]

_DISTRIBUTION = "AWS::CloudFront::Distribution"
_POLICIES = (
    ("CachePolicyId", "_cache_policies", "_MANAGED_CACHE_POLICIES", "cache"),
    (
        "OriginRequestPolicyId",
        "_origin_request_policies",
        "_MANAGED_ORIGIN_REQUEST_POLICIES",
        "origin request",
    ),
    (
        "ResponseHeadersPolicyId",
        "_response_headers_policies",
        "_MANAGED_RESPONSE_HEADERS_POLICIES",
        "response headers",
    ),
)


def close() -> None:
    """Check a distribution before it is made or changed."""
    ministack.wrap_type(_DISTRIBUTION, "create", _checked)
    ministack.wrap_type(_DISTRIBUTION, "update", _checked_again)


def _checked(create: Callable[..., Made]) -> Callable[..., Made]:
    def creating(title: str, props: Props, stack: str) -> Made:
        _check(props, "")
        return create(title, props, stack)

    return creating


def _checked_again(update: Callable[..., Made]) -> Callable[..., Made]:
    def updating(made: str, old: Props, new: Props, *rest: Any) -> Made:
        _check(new, made)
        return update(made, old, new, *rest)

    return updating


def _check(props: Props, own_id: str) -> None:
    config = props["DistributionConfig"]
    for problem in (
        *_behaviours(config),
        *_origins(config),
        *_names(config),
        *_taken(config, own_id),
    ):
        raise ValueError(f"{problem} (Service: CloudFront)")


def _behaviours(config: Props) -> Iterator[str]:
    known = {origin["Id"] for origin in config.get("Origins", [])}
    groups = (config.get("OriginGroups") or {}).get("Items") or []
    for behaviour in (config["DefaultCacheBehavior"], *config.get("CacheBehaviors", [])):
        if behaviour["TargetOriginId"] not in known | {group["Id"] for group in groups}:
            yield "The specified origin does not exist for this cache behavior."
        for key, own, managed, name in _POLICIES:
            wanted = behaviour.get(key)
            stores = [ministack.store(ministack.cloudfront, one) for one in (own, managed)]
            if wanted and not any(wanted in one for one in stores):
                yield f"The specified {name} policy does not exist."
        for association in behaviour.get("FunctionAssociations", []):
            arn = association["FunctionARN"]
            if ministack.cloudfront.live_function_code(arn) is None:
                yield f"The function {arn} does not exist or is not published."


def _origins(config: Props) -> Iterator[str]:
    controls = ministack.store(ministack.cloudfront, "_oacs")
    for origin in config.get("Origins", []):
        control = origin.get("OriginAccessControlId")
        if control and control not in controls:
            yield "The specified origin access control does not exist."


def _names(config: Props) -> Iterator[str]:
    wanted = config.get("Aliases", [])
    arn = (config.get("ViewerCertificate") or {}).get("AcmCertificateArn")
    if wanted and not arn:
        yield (
            "To add an alternate domain name (CNAME) to a CloudFront distribution, you must attach "
            "a trusted certificate that validates your authorization to use the domain name."
        )
        return
    with ministack.scope(ministack.account(), HOME):
        certificate = ministack.store(ministack.acm, "_certificates").get(arn)
    if arn and certificate is None:
        yield (
            "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, "
            "or doesn't include a valid certificate chain."
        )
    elif certificate:
        covered = {certificate["DomainName"], *certificate.get("SubjectAlternativeNames", [])}
        for name in wanted:
            if not {name, "*." + name.partition(".")[2]} & covered:
                yield (
                    "The certificate that is attached to your distribution doesn't cover the "
                    f"alternate domain name (CNAME) that you're trying to add: {name}"
                )


def _taken(config: Props, own_id: str) -> Iterator[str]:
    wanted = {name.lower() for name in config.get("Aliases", [])}
    kept = ministack.everywhere(ministack.store(ministack.cloudfront, "_distributions"))
    for _, other in kept:
        if other["Id"] != own_id and wanted & set(aliases(other)):
            yield (
                "One or more of the CNAMEs you provided are already associated with a different "
                "resource."
            )
