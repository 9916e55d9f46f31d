"""Check the service-linked roles: ECS refuses a cluster while the role is being created."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from deployer.errors import CloudError
from operations.preflight.checks import Finding, Planned, PlannedResource, Refusals


def sends_with_ses(resource: PlannedResource) -> bool:
    """Return whether *resource* is a user pool that sends emails with SES."""
    email = resource.properties.get("EmailConfiguration", {})
    is_pool = resource.type == "AWS::Cognito::UserPool"
    return is_pool and email.get("EmailSendingAccount") == "DEVELOPER"


def _of_type(*types: str) -> Callable[[PlannedResource], bool]:
    return lambda resource: resource.type in types


# For each service: the name of its role, and whether a resource needs it. The user guide of each
# service names the role, on the page about service-linked roles.
ROLES: dict[str, tuple[str, Callable[[PlannedResource], bool]]] = {
    "ecs.amazonaws.com": (
        "AWSServiceRoleForECS",
        _of_type("AWS::ECS::Cluster", "AWS::ECS::Service"),
    ),
    "ecs.application-autoscaling.amazonaws.com": (
        "AWSServiceRoleForApplicationAutoScaling_ECSService",
        _of_type("AWS::ApplicationAutoScaling::ScalableTarget"),
    ),
    "elasticloadbalancing.amazonaws.com": (
        "AWSServiceRoleForElasticLoadBalancing",
        _of_type("AWS::ElasticLoadBalancingV2::LoadBalancer"),
    ),
    "email.cognito-idp.amazonaws.com": (
        "AWSServiceRoleForAmazonCognitoIdpEmailService",
        sends_with_ses,
    ),
    "rds.amazonaws.com": ("AWSServiceRoleForRDS", _of_type("AWS::RDS::DBInstance")),
}


def service_roles(planned: Planned) -> Iterator[Finding]:
    """Find the service-linked roles that planned resources need and the account does not have."""
    client, refusals = planned.target.client("iam"), Refusals()
    for service, (role, is_needed_by) in ROLES.items():
        if not any(map(is_needed_by, planned.resources)):
            continue
        with refusals.of(role):
            if not _exists(client, role):
                yield Finding(
                    "command",
                    f"the role {role} does not exist",
                    f"aws iam create-service-linked-role --aws-service-name {service}",
                )
    yield from refusals.findings("whether these roles exist: {}")


def _exists(client: Any, role: str) -> bool:
    try:
        client.get_role(RoleName=role)
    except CloudError as error:
        if error.aws_code != "NoSuchEntity":
            raise
        return False
    return True
