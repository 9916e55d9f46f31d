"""Nothing is a literal that config or another stack can give, and no secret is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from deployer.policy.model import Resource, Templates, Violation
from deployer.policy.values import get, many, mapping, strings, text
from deployer.secret_detection import CREDENTIAL, is_password

# Twelve digits, alone or in a name; not those of a UUID.
_ACCOUNT = re.compile(
    r"(?<![0-9])(?<!-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-)[0-9]{12}(?![0-9])", re.ASCII
)
_DIGEST = re.compile(r"[0-9a-f]{16,}")
_WORD = re.compile(r"[0-9A-Za-z]*")
# ca-central-1a, us-west-2-lax-1a (a local zone), us-east-1-wl1-bos-wlz-1, usw2-lax1-az1 (an id).
_ZONE = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"[a-z]{2}-(?:gov-|iso[a-z]?-)?(?:north|south|east|west|central){1,2}-[0-9]"
    r"(?:[a-z]|-[a-z]{3}-[0-9][a-z]|-wl[0-9]-[a-z]{3}-wlz-[0-9])"
    r"|[a-z]{2}g?[nsewc]{1,2}[0-9]-(?:[a-z]{3}[0-9]{1,2}-|wl[0-9]-[a-z]{3}[0-9]?-)?az[0-9]"
    r")(?![0-9A-Za-z])"
)
_CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"  # Of every distribution there is.
_SECRET = re.compile(rf"{CREDENTIAL.pattern}|://[^\s/@:]*:(?!\*)[^\s/@]+@")
_RESOLVED = re.compile(r"\{\{resolve:(secretsmanager|ssm-secure):")
_HOST = re.compile(r"(?:https?://)?([^/:]+)(?::\d+)?(?:/.*)?")
_LOOPBACK = {"localhost", "127.0.0.1"}

# Where a domain name stands; a * is each element of a list.
_NAMES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "Route53::RecordSet": (("Name",),),
    "CertificateManager::Certificate": (
        ("DomainName",),
        ("SubjectAlternativeNames", "*"),
        ("DomainValidationOptions", "*", "DomainName"),
    ),
    "CloudFront::Distribution": (("DistributionConfig", "Aliases", "*"),),
    "ElasticLoadBalancingV2::ListenerRule": (
        ("Conditions", "*", "HostHeaderConfig", "Values", "*"),
    ),
    "ApiGatewayV2::Api": (("CorsConfiguration", "AllowOrigins", "*"),),
    "ApiGatewayV2::DomainName": (("DomainName",),),
    "S3::Bucket": (("CorsConfiguration", "CorsRules", "*", "AllowedOrigins", "*"),),
    "Cognito::UserPoolClient": (("CallbackURLs", "*"), ("LogoutURLs", "*")),
}
_ZONES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "Route53::RecordSet": (("HostedZoneId",), ("AliasTarget", "HostedZoneId")),
    "CertificateManager::Certificate": (("DomainValidationOptions", "*", "HostedZoneId"),),
}


def no_account_ids(templates: Templates) -> Iterator[Violation]:
    """AWS::AccountId knows it; another environment's is a fault, anyone else's needs a reason."""
    for one in templates.resources:
        found = (
            match[0]
            for said in one.strings
            for match in _ACCOUNT.finditer(said)
            if not _is_in_digest(match)
        )
        yield from (one.found(f"names the account {said}") for said in dict.fromkeys(found))


def _is_in_digest(match: re.Match[str]) -> bool:
    """Whether the digits are a part of a longer number in hexadecimal."""
    before = _WORD.match(match.string[: match.start()][::-1])
    after = _WORD.match(match.string, match.end())
    word = f"{before[0][::-1] if before else ''}{match[0]}{after[0] if after else ''}"
    return _DIGEST.fullmatch(word) is not None


def no_zone_names(templates: Templates) -> Iterator[Violation]:
    """The region knows its zones, and calls them differently in each account."""
    for one, said in _matches(templates, _ZONE):
        yield one.found(f"names the availability zone {said}")


def own_hosted_zone(templates: Templates) -> Iterator[Violation]:
    """The one of config, or what another resource gives."""
    for one, said in _said(templates, _ZONES):
        if isinstance(said, str) and said not in {templates.env.hosted_zone, _CLOUDFRONT_ZONE}:
            yield one.found(f"names the hosted zone {said}, not that of config")


def own_domain(templates: Templates) -> Iterator[Violation]:
    """Config's, and what stands before it; a developer's machine unless protected."""
    domain = templates.env.domain
    for one, said in _said(templates, _NAMES):
        host = _host(said)
        near = host in _LOOPBACK and not templates.env.protect
        if host and not (near or f".{host}".endswith(f".{domain}")):
            yield one.found(f"names {said}, which is not of the domain in config")


def _host(said: Any) -> str:
    """The host of a URL or name; nothing for what another resource says, or for any site."""
    name = said.lower().removeprefix("*.").rstrip(".") if isinstance(said, str) else ""
    match = _HOST.fullmatch(name)
    return "" if "*" in name else match[1] if match else name


def no_secrets(templates: Templates) -> Iterator[Violation]:
    """Nor a URL that has one put into it: what is not said cannot leak."""
    for one in {one: None for one, _ in _matches(templates, _SECRET)}:
        yield one.found("holds a secret, or a URL with one")


def no_secret_variables(templates: Templates) -> Iterator[Violation]:
    """Whoever may look at a function, a task or a build reads them."""
    for one, name, value in _variables(templates):
        resolved = any(_RESOLVED.search(said) for said in strings(value))
        if resolved or is_password(name, text(value) or "${}" * bool(value)):
            yield one.found(f"has a secret in its environment: {name}", name)


def _variables(templates: Templates) -> Iterator[tuple[Resource, str, Any]]:
    for one in templates.of("Lambda::Function"):
        for name, value in mapping(one.get("Environment", "Variables")).items():
            yield one, name, value
    for one in templates.of("ECS::TaskDefinition"):
        for container in many(one.get("ContainerDefinitions")):
            for variable in many(get(container, "Environment")):
                yield one, text(get(variable, "Name")), get(variable, "Value")
    for one in templates.of("CodeBuild::Project"):
        for variable in many(one.get("Environment", "EnvironmentVariables")):
            if get(variable, "Type") in (None, "PLAINTEXT"):
                yield one, text(get(variable, "Name")), get(variable, "Value")


def _said(
    templates: Templates, places: Mapping[str, tuple[tuple[str, ...], ...]]
) -> Iterator[tuple[Resource, Any]]:
    for type_, paths in places.items():
        for one in templates.of(type_):
            for path in paths:
                for value in _at(one.properties, path):
                    yield one, value


def _at(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    match path:
        case ("*", *rest):
            for one in many(value):
                yield from _at(one, tuple(rest))
        case (key, *rest):
            yield from _at(get(value, key), tuple(rest))
        case _ if value is not None:
            yield value


def _matches(templates: Templates, pattern: re.Pattern[str]) -> Iterator[tuple[Resource, str]]:
    """Each thing that matches, once a resource."""
    for one in templates.resources:
        found = (match[0] for said in one.strings for match in pattern.finditer(said))
        yield from ((one, said) for said in dict.fromkeys(found))
