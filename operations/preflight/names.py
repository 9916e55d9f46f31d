"""Check that the names that the templates give resources are free.

Cloud Control API reads a resource of most types by its primary identifier, with the same handlers
as CloudFormation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployer import registry
from deployer.errors import CloudError
from operations.preflight.checks import Finding, Planned, PlannedResource

PROVIDER = "AWS::IAM::OIDCProvider"
_FREE = {"ResourceNotFoundException"}
# Cloud Control API cannot read every type.
_UNREADABLE = {"UnsupportedActionException", "TypeNotFoundException"}


def names(planned: Planned) -> Iterator[Finding]:
    """Find resources of the account that have the name of a planned one.

    They block the creation: often an earlier stack retained them when it was deleted.
    """
    for resource in planned.resources:
        identifier = primary_identifier(resource)
        if identifier is None:
            continue
        client = planned.target.account.client("cloudcontrol", resource.region)
        try:
            client.get_resource(TypeName=resource.type, Identifier=identifier)
        except CloudError as error:
            if error.aws_code in _FREE | _UNREADABLE:
                continue
            raise
        place = f"{resource.stack}/{resource.logical_id}"
        yield Finding(
            "manual",
            f"{place}: {resource.type} {identifier} exists",
            "import it into the stack (aws cloudformation create-change-set"
            " --change-set-type IMPORT), or delete it",
        )
    yield from _providers(planned)


def primary_identifier(resource: PlannedResource) -> str | None:
    """Return the name that the template gives *resource*; None if AWS generates it.

    The registry's schema lists the properties that identify a resource. A name that depends on
    another resource is not known before the deploy.
    """
    schema = registry.schema(resource.type) or {}
    values = [
        _value(resource.properties, pointer.split("/")[2:])
        for pointer in schema.get("primaryIdentifier", ())
    ]
    if not values or not all(isinstance(value, str) for value in values):
        return None
    return "|".join(values)


def _value(properties: Any, path: list[str]) -> Any:
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
