"""Check that the names that the templates give resources are free.

Names that must be unique are found in two ways. Cloud Control API reads a resource of most types by
its primary identifier, with the same handlers as CloudFormation. For types whose identifier AWS
generates, `name_lookups` asks the service.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from deployer import registry
from deployer.errors import CloudError
from operations.preflight.checks import Finding, Planned, PlannedResource, Refusals
from operations.preflight.name_lookups import DELETE_OR_IMPORT, LOOKUPS

BUCKET = "AWS::S3::Bucket"
PROVIDER = "AWS::IAM::OIDCProvider"
_FREE = "ResourceNotFoundException"


def names(planned: Planned) -> Iterator[Finding]:
    """Find resources of the account that have the name of a planned one.

    They block the creation: often an earlier stack retained them when it was deleted. Names whose
    lookup AWS refuses are listed in one finding for each reason.
    """
    refusals = Refusals()
    for resource in planned.resources:
        with refusals.of(resource.place):
            for name in _taken(planned, resource):
                yield _conflict(resource, name)
    yield from refusals.findings("whether the names of {} are free")
    yield from _providers(planned)


def primary_identifier(resource: PlannedResource, account: str) -> str | None:
    """Return the name that the template gives *resource*; None if AWS generates it.

    The registry's schema lists the properties that identify a resource. A name that depends on
    another resource is not known before the deploy. A bucket with a prefix in the regional
    namespace of its account has the name PREFIX-ACCOUNT-REGION-an (S3 user guide, Namespaces for
    general purpose buckets).
    """
    prefix = resource.properties.get("BucketNamePrefix")
    if resource.type == BUCKET and isinstance(prefix, str):
        return f"{prefix}-{account}-{resource.region}-an"
    schema = registry.schema(resource.type) or {}
    values = [
        _value(resource.properties, pointer.split("/")[2:])
        for pointer in schema.get("primaryIdentifier", ())
    ]
    if not values or not all(isinstance(value, str) for value in values):
        return None
    return "|".join(values)


def _taken(planned: Planned, resource: PlannedResource) -> Iterator[str]:
    """Yield the names of *resource* that another resource has."""
    if lookup := LOOKUPS.get(resource.type):
        value = _value(resource.properties, lookup.path)
        for name in value if isinstance(value, list) else [value]:
            if isinstance(name, str) and lookup.exists(planned, resource, name):
                yield name
        return
    identifier = primary_identifier(resource, planned.target.env.account)
    if identifier is not None and _is_readable(planned, resource, identifier):
        yield identifier


def _is_readable(planned: Planned, resource: PlannedResource, identifier: str) -> bool:
    client = planned.target.account.client("cloudcontrol", resource.region)
    try:
        client.get_resource(TypeName=resource.type, Identifier=identifier)
    except CloudError as error:
        if error.aws_code != _FREE:
            raise
        return False
    return True


def _conflict(resource: PlannedResource, name: str) -> Finding:
    lookup = LOOKUPS.get(resource.type)
    return Finding(
        "manual",
        f"{resource.place}: {resource.type} {name} exists",
        lookup.action if lookup else DELETE_OR_IMPORT,
    )


def _value(properties: Any, path: Sequence[str]) -> Any:
    for key in path:
        properties = properties.get(key) if isinstance(properties, dict) else None
    return properties


def _providers(planned: Planned) -> Iterator[Finding]:
    """Find an OIDC provider with the URL of a planned one: an account has one for each URL."""
    for resource in planned.of(PROVIDER):
        host = resource.properties["Url"].removeprefix("https://")
        response = planned.target.client("iam").list_open_id_connect_providers()
        arns = [provider["Arn"] for provider in response["OpenIDConnectProviderList"]]
        if any(arn.endswith(f":oidc-provider/{host}") for arn in arns):
            yield Finding(
                "manual",
                f"the account has the OIDC provider of {host}",
                'set oidc_provider = "reuse" in [site_publisher]',
            )
