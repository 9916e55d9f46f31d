"""Roles, trust policies and policy statements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from awacs import ec2 as ec2_actions
from awacs.aws import (
    Action,
    Allow,
    Bool,
    Condition,
    Deny,
    Null,
    PolicyDocument,
    Principal,
    Statement,
)
from troposphere import iam

from deployer.model import Template, Value
from stacks.parts.names import arn


def role(
    t: Template,
    title: str,
    *,
    service: str,
    boundary: Value | None,
    statements: Sequence[Statement],
    condition: Condition | None = None,
) -> iam.Role:
    """Add a role for one AWS *service*, with *statements* as its only policy.

    *boundary* is the permissions boundary of the role, None only in stacks that an administrator
    deploys. *condition* limits who can assume the role.
    """
    limits: dict[str, Any] = {"PermissionsBoundary": boundary} if boundary else {}
    return t.add_resource(
        iam.Role(
            title,
            AssumeRolePolicyDocument=trust_policy(service, condition),
            **limits,
            Policies=[
                iam.Policy(
                    PolicyName=title.removesuffix("Role"),
                    PolicyDocument=PolicyDocument(Version="2012-10-17", Statement=list(statements)),
                )
            ],
        )
    )


def trust_policy(service: str, condition: Condition | None = None) -> PolicyDocument:
    """Allow one AWS *service* to assume a role, under *condition*."""
    return PolicyDocument(
        Version="2012-10-17",
        Statement=[
            Statement(
                Effect=Allow,
                Principal=Principal("Service", f"{service}.amazonaws.com"),
                Action=[Action("sts", "AssumeRole")],
                **({"Condition": condition} if condition else {}),
            )
        ],
    )


def allow(
    sid: str,
    actions: Sequence[Action],
    *resources: Value,
    condition: Condition | None = None,
) -> Statement:
    """Allow *actions* on *resources*, under *condition*."""
    return Statement(
        Sid=sid,
        Effect=Allow,
        Action=list(actions),
        Resource=list(resources),
        **({"Condition": condition} if condition else {}),
    )


def deny_insecure_transport(action: Action, *resources: Value) -> Statement:
    """Deny access without TLS to every principal; every resource-based policy has this statement."""
    return Statement(
        Sid="DenyInsecureTransport",
        Effect=Deny,
        Principal=Principal("*"),
        Action=[action],
        Resource=list(resources),
        Condition=Condition(Bool({"aws:SecureTransport": "false"})),
    )


def vpc_access() -> list[Statement]:
    """Allow Lambda, but not the code of the function, to attach a function to a VPC.

    Lambda creates the network interfaces with the execution role of the function. Requests of the
    function's code have lambda:SourceFunctionArn; requests of Lambda itself do not (Lambda
    developer guide, Using source function ARN). The actions are those of the managed policy
    AWSLambdaVPCAccessExecutionRole. Lambda checks the permission to delete interfaces before it
    creates one, so the resource cannot be narrowed.
    """
    by_lambda = Condition(Null({"lambda:SourceFunctionArn": "true"}))
    return [
        allow(
            "ManageNetworkInterfaces",
            [
                ec2_actions.AssignPrivateIpAddresses,
                ec2_actions.CreateNetworkInterface,
                ec2_actions.DeleteNetworkInterface,
                ec2_actions.UnassignPrivateIpAddresses,
            ],
            arn("ec2", "*/*"),
            condition=by_lambda,
        ),
        allow(
            "DescribeNetwork",
            [ec2_actions.DescribeNetworkInterfaces, ec2_actions.DescribeSubnets],
            "*",  # These actions support no narrower resource.
            condition=by_lambda,
        ),
    ]
