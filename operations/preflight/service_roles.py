"""Check the service-linked roles: ECS refuses a cluster while the role is being created."""

from __future__ import annotations

from collections.abc import Iterator

from deployer.errors import CloudError
from operations.preflight.checks import Finding, Planned

# For each service: the name of its role, and the resource types that need it. The user guide of
# each service names the role, on the page about service-linked roles.
ROLES = {
    "ecs.amazonaws.com": (
        "AWSServiceRoleForECS",
        {"AWS::ECS::Cluster", "AWS::ECS::Service"},
    ),
    "ecs.application-autoscaling.amazonaws.com": (
        "AWSServiceRoleForApplicationAutoScaling_ECSService",
        {"AWS::ApplicationAutoScaling::ScalableTarget"},
    ),
    "elasticloadbalancing.amazonaws.com": (
        "AWSServiceRoleForElasticLoadBalancing",
        {"AWS::ElasticLoadBalancingV2::LoadBalancer"},
    ),
    "rds.amazonaws.com": ("AWSServiceRoleForRDS", {"AWS::RDS::DBInstance"}),
}


def service_roles(planned: Planned) -> Iterator[Finding]:
    """Find the service-linked roles that planned resources need and the account does not have."""
    types = {resource.type for resource in planned.resources}
    client = planned.target.client("iam")
    for service, (role, needed_by) in ROLES.items():
        if not types & needed_by:
            continue
        try:
            client.get_role(RoleName=role)
        except CloudError as error:
            if error.aws_code != "NoSuchEntity":
                raise
            yield Finding(
                "command",
                f"the role {role} does not exist",
                f"aws iam create-service-linked-role --aws-service-name {service}",
            )
