"""A name that a resource of another stack has already is refused, where AWS refuses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator import ministack

# What names a resource in its account and region. (S3 and CloudFront look for themselves.)
_NAMES = {
    "AWS::CloudWatch::Alarm": ("AlarmName",),
    "AWS::CloudFront::CachePolicy": ("CachePolicyConfig", "Name"),
    "AWS::CloudFront::OriginAccessControl": ("OriginAccessControlConfig", "Name"),
    "AWS::CloudFront::OriginRequestPolicy": ("OriginRequestPolicyConfig", "Name"),
    "AWS::CloudFront::ResponseHeadersPolicy": ("ResponseHeadersPolicyConfig", "Name"),
    "AWS::DynamoDB::Table": ("TableName",),
    "AWS::ECR::Repository": ("RepositoryName",),
    "AWS::ECS::Cluster": ("ClusterName",),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("Name",),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ("Name",),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName",),
    "AWS::IAM::Role": ("RoleName",),
    "AWS::IAM::User": ("UserName",),
    "AWS::Lambda::Function": ("FunctionName",),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::RDS::DBInstance": ("DBInstanceIdentifier",),
    "AWS::SNS::Topic": ("TopicName",),
    "AWS::SQS::Queue": ("QueueName",),
    "AWS::SSM::Parameter": ("Name",),
}
_GONE = {"DELETE_COMPLETE", "REVIEW_IN_PROGRESS"}


def close() -> None:
    """Look through the stacks of the account and region before a named resource is made."""
    ministack.wrap("_provision_resource", _refused_if_taken)


def _refused_if_taken(create: Callable[..., Any]) -> Callable[..., Any]:
    def creating(kind: str, title: str, props: Any, stack: str) -> Any:
        name = _name(kind, props)
        if name and _is_taken(kind, name, stack):
            message = f"Resource of type '{kind}' with identifier '{name}' already exists."
            raise ValueError(message)
        return create(kind, title, props, stack)

    return creating


def _name(kind: str, props: Any) -> Any:
    found = props if kind in _NAMES else None
    for key in _NAMES.get(kind, ()):
        found = (found or {}).get(key)
    return found


def _is_taken(kind: str, name: str, stack: str) -> bool:
    for other, kept in ministack.stacks.items():
        if other == stack or kept["StackStatus"] in _GONE:
            continue
        for resource in kept["_resources"].values():
            if resource["ResourceType"] == kind and _name(kind, resource["Properties"]) == name:
                return True
    return False
