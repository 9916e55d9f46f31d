"""Statements that allow actions under conditions: region, tags, boundary, service, host."""

from __future__ import annotations

from collections.abc import Sequence

from awacs import awslambda, iam, route53
from awacs.aws import (
    Action,
    ArnLike,
    Condition,
    ForAllValuesStringEquals,
    ForAllValuesStringLike,
    Null,
    Statement,
    StringEquals,
)

from deployer.model import Env, Value
from stacks.parts.iam import allow
from stacks.parts.names import arn, resource_name
from stacks.permissions import actions, resources

RECORD_TYPES = ["A", "AAAA", "CNAME"]


def create(env: Env, create_actions: Sequence[Action]) -> Statement:
    """Allow creating resources, whatever their names and tags, in the regions of the environment.

    IAM has no name or tag to compare for a resource that does not exist yet.
    """
    condition = Condition(StringEquals({"aws:RequestedRegion": resources.regions(env)}))
    return allow("CreateResources", create_actions, "*", condition=condition)


def update_tagged(env: Env, update_actions: Sequence[Action]) -> Statement:
    """Allow changing resources with the tags that the deployer adds to each stack."""
    condition = Condition(StringEquals(_owner_tags("aws:ResourceTag", env)))
    return allow("UpdateTaggedResources", update_actions, "*", condition=condition)


def tag_new(env: Env, tag_actions: Sequence[Action]) -> Statement:
    """Allow adding the tags of this environment to resources that have no owner tags yet."""
    condition = Condition(
        [
            StringEquals(_owner_tags("aws:RequestTag", env)),
            Null({"aws:ResourceTag/project": "true", "aws:ResourceTag/env": "true"}),
        ]
    )
    return allow("TagNewResources", tag_actions, "*", condition=condition)


def _owner_tags(key: str, env: Env) -> dict[str, str]:
    return {f"{key}/project": env.project, f"{key}/env": env.name}


def write_roles_with_boundary(env: Env, boundary: Value) -> Statement:
    """Allow creating roles and extending their permissions, if they have the boundary."""
    condition = Condition(StringEquals({"iam:PermissionsBoundary": boundary}))
    return allow(
        "WriteRolesWithBoundary",
        actions.GRANT_UNDER_BOUNDARY,
        *resources.roles(env),
        condition=condition,
    )


def pass_roles(env: Env) -> Statement:
    """Allow passing the roles of a release to the services that use them."""
    condition = Condition(StringEquals({"iam:PassedToService": resources.ROLE_SERVICES}))
    return allow("PassRoles", [iam.PassRole], *resources.roles(env), condition=condition)


def create_service_linked_roles() -> Statement:
    """Allow creating the roles that AWS needs once per account, at the first use of a service."""
    services = [
        "ecs.amazonaws.com",
        "ecs.application-autoscaling.amazonaws.com",
        "elasticloadbalancing.amazonaws.com",
        "email.cognito-idp.amazonaws.com",
        "rds.amazonaws.com",
    ]
    return allow(
        "CreateServiceLinkedRoles",
        [iam.CreateServiceLinkedRole],
        *(arn("iam", f"role/aws-service-role/{service}/*") for service in services),
        condition=Condition(StringEquals({"iam:AWSServiceName": services})),
    )


def grant_invoke_to_services(env: Env) -> Statement:
    """Allow granting AWS services, but no other account or anonymous caller, to invoke a function."""
    return allow(
        "GrantInvokeToServices",
        [awslambda.AddPermission],
        arn("lambda", f"function:{resource_name(env, '*')}"),
        condition=Condition(StringEquals({"lambda:Principal": resources.INVOKING_SERVICES})),
    )


def manage_event_source_mappings(env: Env) -> Statement:
    """Allow event source mappings for functions of this environment.

    AWS generates the id of a mapping, so the condition compares the name of the function.
    """
    function = arn("lambda", f"function:{resource_name(env, 'messages-*')}")
    return allow(
        "ManageEventSourceMappings",
        actions.EVENT_SOURCE_MAPPINGS,
        "*",
        condition=Condition(ArnLike({"lambda:FunctionArn": function})),
    )


def manage_dns_records(env: Env) -> list[Statement]:
    """Allow changes of the hosts' records, and of the records with which ACM validates the hosts.

    Mail and the delegation of the domain use other record types.
    """
    zone, hosts = resources.hosted_zone(env), resources.hosts(env)
    validations = [f"_{'?' * 32}.{host}" for host in hosts]  # ACM generates 32 letters.
    key = "route53:ChangeResourceRecordSets"
    return [
        allow("ReadDnsRecords", actions.READ_DNS_RECORDS, zone),
        allow(
            "ChangeDnsRecords",
            [route53.ChangeResourceRecordSets],
            zone,
            condition=Condition(
                [
                    ForAllValuesStringEquals({f"{key}RecordTypes": RECORD_TYPES}),
                    ForAllValuesStringLike({f"{key}NormalizedRecordNames": hosts + validations}),
                    Null({f"{key}RecordTypes": "false", f"{key}NormalizedRecordNames": "false"}),
                ]
            ),
        ),
    ]
