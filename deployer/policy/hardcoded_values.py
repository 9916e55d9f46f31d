"""Rules against hardcoded account ids, availability zones, hosted zones, domain names and secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployer.policy.model import Resource, Stack, Templates, Violation
from deployer.policy.values import all_strings, as_list, as_mapping, get, text
from deployer.secret_detection import CREDENTIAL, find, is_password

# Twelve digits, alone or in a name, but not the last twelve of a UUID, and no telephone number.
_ACCOUNT = re.compile(
    r"(?<![0-9+])(?<!-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-)[0-9]{12}(?![0-9])", re.ASCII
)
_DIGEST = re.compile(r"[0-9a-f]{16,}")
_WORD = re.compile(r"[0-9A-Za-z]*")
# ca-central-1a, us-west-2-lax-1a (a local zone), us-east-1-wl1-bos-wlz-1, usw2-lax1-az1 (an id).
_AVAILABILITY_ZONE = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"[a-z]{2}-(?:gov-|iso[a-z]?-)?(?:north|south|east|west|central){1,2}-[0-9]"
    r"(?:[a-z]|-[a-z]{3}-[0-9][a-z]|-wl[0-9]-[a-z]{3}-wlz-[0-9])"
    r"|[a-z]{2}g?[nsewc]{1,2}[0-9]-(?:[a-z]{3}[0-9]{1,2}-|wl[0-9]-[a-z]{3}[0-9]?-)?az[0-9]"
    r")(?![0-9A-Za-z])"
)
_CLOUDFRONT_HOSTED_ZONE = "Z2FDTNDATAQYW2"  # The hosted zone of all distributions.
_SECRET = re.compile(rf"{CREDENTIAL.pattern}|://[^\s/@:]*:(?!\*)[^\s/@]+@")
_DYNAMIC_REFERENCE = re.compile(r"\{\{resolve:.*?\}\}")
_SECRET_REFERENCE = re.compile(r"\{\{resolve:(secretsmanager|ssm-secure):")
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}")
# Keys that are recognized by their form, in addition to CREDENTIAL.
_KEYS = {"an AWS secret access key", "a JSON web token"}
_STORES = {"AWS::SecretsManager::Secret", "AWS::SSM::Parameter"}  # Ref returns their ARN or name.
_HOST = re.compile(r"(?:https?://)?([^/:?#]+)(?::\d+)?(?:[/?#].*)?")
_LOOPBACK = {"localhost", "127.0.0.1"}

# The properties that have domain names; * is each element of a list.
_DOMAIN_NAMES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "Route53::RecordSet": (("Name",),),
    "Route53::RecordSetGroup": (("RecordSets", "*", "Name"),),
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
    "Lambda::Url": (("Cors", "AllowOrigins", "*"),),
    "CloudFront::ResponseHeadersPolicy": (
        (
            *("ResponseHeadersPolicyConfig", "CorsConfig"),
            *("AccessControlAllowOrigins", "Items", "*"),
        ),
    ),
    "Cognito::UserPoolClient": (
        ("CallbackURLs", "*"),
        ("LogoutURLs", "*"),
        ("DefaultRedirectURI",),
    ),
}
_HOSTED_ZONES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "Route53::RecordSet": (("HostedZoneId",), ("AliasTarget", "HostedZoneId")),
    "Route53::RecordSetGroup": (
        ("HostedZoneId",),
        ("RecordSets", "*", "HostedZoneId"),
        ("RecordSets", "*", "AliasTarget", "HostedZoneId"),
    ),
    "CertificateManager::Certificate": (("DomainValidationOptions", "*", "HostedZoneId"),),
}


def no_account_ids(templates: Templates) -> Iterator[Violation]:
    """No account id is hardcoded: use AWS::AccountId, or add an exemption for the id of another account."""
    for definition in _definitions(templates):
        accounts = (
            match[0]
            for string in definition.strings
            for match in _ACCOUNT.finditer(string)
            if not _is_in_digest(match)
        )
        yield from (
            definition.violation(f"has the account id {account}")
            for account in dict.fromkeys(accounts)
        )


def _is_in_digest(match: re.Match[str]) -> bool:
    """Return whether the digits are part of a longer hexadecimal number."""
    before = _WORD.match(match.string[: match.start()][::-1])
    after = _WORD.match(match.string, match.end())
    word = f"{before[0][::-1] if before else ''}{match[0]}{after[0] if after else ''}"
    return _DIGEST.fullmatch(word) is not None


def no_zone_names(templates: Templates) -> Iterator[Violation]:
    """No availability zone is hardcoded: a name means another zone in another account."""
    for definition in _definitions(templates):
        zones = (
            match[0]
            for string in definition.strings
            for match in _AVAILABILITY_ZONE.finditer(string)
        )
        yield from (
            definition.violation(f"has the availability zone {zone}")
            for zone in dict.fromkeys(zones)
        )


def configured_hosted_zone(templates: Templates) -> Iterator[Violation]:
    """A hosted zone is the one in the config, or a reference to a resource."""
    for resource, zone in _values(templates, _HOSTED_ZONES):
        if isinstance(zone, str) and zone not in {
            templates.env.hosted_zone,
            _CLOUDFRONT_HOSTED_ZONE,
        }:
            yield resource.violation(f"has the hosted zone {zone}, which is not in the config")


def configured_domain(templates: Templates) -> Iterator[Violation]:
    """A domain name is the one in the config or a subdomain; unprotected environments may use localhost."""
    domain = templates.env.domain
    for resource, name in (*_values(templates, _DOMAIN_NAMES), *_host_headers(templates)):
        host = _host(name)
        is_local = host in _LOOPBACK and not templates.env.protect
        if host and not (is_local or f".{host}".endswith(f".{domain}")):
            yield resource.violation(
                f"has {name}, which is not the domain of the config or a subdomain"
            )


def _host(value: Any) -> str:
    """Return the host of a URL or name; empty for a reference and for a wildcard."""
    name = value.lower().removeprefix("*.").rstrip(".") if isinstance(value, str) else ""
    match = _HOST.fullmatch(name)
    return "" if "*" in name else match[1] if match else name


def no_secrets(templates: Templates) -> Iterator[Violation]:
    """No template contains a secret, alone or in a URL; a dynamic reference is not a secret.

    A parameter or mapping is reported if no resource or output of its stack has its value.
    """
    used = [definition for definition in _definitions(templates) if _has_secret(definition)]
    stacks = {definition.stack for definition in used}
    unused = [
        definition
        for stack in templates.stacks
        if stack not in stacks
        for section in ("Parameters", "Mappings", "Metadata")
        for definition in _in_section(stack, section)
        if _has_secret(definition)
    ]
    for definition in (*used, *unused):
        yield definition.violation("has a secret, or a URL with a password")


def _has_secret(definition: _Definition) -> bool:
    texts = (_DYNAMIC_REFERENCE.sub("", string) for string in definition.strings)
    return any(_SECRET.search(string) for string in texts)


def no_secret_variables(templates: Templates) -> Iterator[Violation]:
    """No environment variable is a secret: every user who may describe the resource can read it."""
    for resource, name, value in _variables(templates):
        strings = [*all_strings(value)]
        resolved = any(map(_SECRET_REFERENCE.search, strings))
        is_key = any(secret.kind in _KEYS for string in strings for secret in find(string))
        if (
            resolved
            or is_key
            or (is_password(name, _known(value)) and not _is_name(resource, value))
        ):
            yield resource.violation(f"has a secret in its environment: {name}", name)


def _known(value: Any) -> str:
    """Return *value* with "x" for each reference, so that the names of secrets are recognized."""
    return _PLACEHOLDER.sub("x", text(value)) or "x" * bool(value)


def _is_name(resource: Resource, value: Any) -> bool:
    """Return whether *value* is a reference to the name or ARN of a secret or parameter."""
    match value:
        case {"Ref": str(title)} | {"Fn::GetAtt": [str(title), "Id"]}:
            target = resource.stack.resources.get(title)
            return target is not None and target.type in _STORES
        case {"Fn::GetAtt": [_, str(attribute)]}:
            return attribute.endswith("Arn")
        case _:
            return False


def _variables(templates: Templates) -> Iterator[tuple[Resource, str, Any]]:
    for resource in templates.of_type("Lambda::Function"):
        for name, value in as_mapping(resource.get("Environment", "Variables")).items():
            yield resource, name, value
    for resource in templates.of_type("ECS::TaskDefinition"):
        for container in as_list(resource.get("ContainerDefinitions")):
            for variable in as_list(get(container, "Environment")):
                yield resource, text(get(variable, "Name")), get(variable, "Value")
    for resource in templates.of_type("CodeBuild::Project"):
        for variable in as_list(resource.get("Environment", "EnvironmentVariables")):
            if get(variable, "Type") in (None, "PLAINTEXT"):
                yield resource, text(get(variable, "Name")), get(variable, "Value")


@dataclass(frozen=True, eq=False)
class _Definition:
    """A resource, an output, or another definition in a section of a template."""

    stack: Stack
    path: tuple[str, str]
    strings: Sequence[str]

    def violation(self, message: str) -> Violation:
        return self.stack.violation(self.path, message)


def _definitions(templates: Templates) -> Iterator[_Definition]:
    """Yield every resource and output."""
    for resource in templates.resources:
        yield _Definition(resource.stack, ("Resources", resource.title), resource.all_strings)
    for stack in templates.stacks:
        yield from _in_section(stack, "Outputs")


def _in_section(stack: Stack, section: str) -> Iterator[_Definition]:
    for title, content in as_mapping(stack.template.get(section)).items():
        yield _Definition(stack, (section, str(title)), tuple(all_strings(content)))


def _host_headers(templates: Templates) -> Iterator[tuple[Resource, Any]]:
    """Yield the host names of listener rules that have them in Values, with the field host-header."""
    for rule in templates.of_type("ElasticLoadBalancingV2::ListenerRule"):
        for condition in as_list(rule.get("Conditions")):
            if get(condition, "Field") == "host-header":
                for value in as_list(get(condition, "Values")):
                    yield rule, value


def _values(
    templates: Templates, paths_by_type: Mapping[str, tuple[tuple[str, ...], ...]]
) -> Iterator[tuple[Resource, Any]]:
    for type_, paths in paths_by_type.items():
        for resource in templates.of_type(type_):
            for path in paths:
                for value in _at(resource.properties, path):
                    yield resource, value


def _at(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    match path:
        case ("*", *rest):
            for item in as_list(value):
                yield from _at(item, tuple(rest))
        case (key, *rest):
            yield from _at(get(value, key), tuple(rest))
        case _ if value is not None:
            yield value
