"""Refuse a resource with the name of a resource in another stack."""

from __future__ import annotations

from typing import Any

from emulator.ministack import cloudformation
from emulator.ministack.cloudformation import Created
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "Names are unique: a second stack with a resource of the same name fails.",
        source="user guide, Name type; the emulator checks only names in templates",
        ministack="The second stack takes over the resource.",
        test="test_existing_name",
    ),
)
UPSTREAM = True

# The path of the property with the name, which is unique in an account and region. MiniStack itself
# refuses existing names of other types, such as buckets and CloudFront functions.
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
_WITHOUT_RESOURCES = {"DELETE_COMPLETE", "REVIEW_IN_PROGRESS"}


def install() -> None:
    """Install the patch."""
    cloudformation.provision_resource.before(_refuse_existing_name)


def _refuse_existing_name(kind: str, _title: str, props: Any, stack: str) -> Created | None:
    name = _name(kind, props)
    if name and _name_exists(kind, name, stack):
        message = f"Resource of type '{kind}' with identifier '{name}' already exists."
        raise ValueError(message)
    return None


def _name(kind: str, props: Any) -> Any:
    value = props if kind in _NAMES else None
    for key in _NAMES.get(kind, ()):
        value = (value or {}).get(key)
    return value


def _name_exists(kind: str, name: str, stack_name: str) -> bool:
    for other_name, other in cloudformation.stacks.items():
        if other_name == stack_name or other["StackStatus"] in _WITHOUT_RESOURCES:
            continue
        for resource in other["_resources"].values():
            if resource["ResourceType"] == kind and _name(kind, resource["Properties"]) == name:
                return True
    return False
