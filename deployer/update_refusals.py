"""Predict the changes of a template that AWS refuses during an update.

The deployed template and the new one are compared. CloudFormation creates new resources before it
deletes old ones, so a fixed name is in use until the old resource is deleted. A resource that moves
into a nested stack, or out of one, is not recognized.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from deployer.model.template_tree import LogicalIds, TemplateTree, format_path
from deployer.registry import Lookup, resource_type

Resource: TypeAlias = Mapping[str, Any]

HINT = "give it another name or its old logical id, or deploy the change in two steps"

# By type: the properties whose combination must be unique in an account and region.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "AWS::CloudFront::Function": ("Name",),
    "AWS::CloudWatch::Alarm": ("AlarmName",),
    "AWS::CloudWatch::Dashboard": ("DashboardName",),
    "AWS::CodeBuild::Project": ("Name",),
    "AWS::CodePipeline::Pipeline": ("Name",),
    "AWS::DynamoDB::Table": ("TableName",),
    "AWS::EC2::SecurityGroup": ("GroupName",),
    "AWS::ECR::Repository": ("RepositoryName",),
    "AWS::ECS::Cluster": ("ClusterName",),
    "AWS::ECS::Service": ("ServiceName", "Cluster"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("Name",),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ("Name",),
    "AWS::Events::Rule": ("Name",),
    "AWS::IAM::Group": ("GroupName",),
    "AWS::IAM::InstanceProfile": ("InstanceProfileName",),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName",),
    "AWS::IAM::Role": ("RoleName",),
    "AWS::IAM::User": ("UserName",),
    "AWS::Lambda::Function": ("FunctionName",),
    "AWS::Logs::DeliveryDestination": ("Name",),
    "AWS::Logs::DeliverySource": ("Name",),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::RDS::DBInstance": ("DBInstanceIdentifier",),
    "AWS::Route53::RecordSet": ("Name", "Type", "HostedZoneId"),
    "AWS::S3::Bucket": ("BucketName", "BucketNamePrefix"),
    "AWS::SecretsManager::Secret": ("Name",),
    "AWS::SNS::Topic": ("TopicName",),
    "AWS::SQS::Queue": ("QueueName",),
    "AWS::SSM::Parameter": ("Name",),
    "AWS::XRay::Group": ("GroupName",),
}
_TABLE = "AWS::DynamoDB::Table"


def find_update_refusals(
    old: TemplateTree, new: TemplateTree, lookup: Lookup = resource_type
) -> tuple[str, ...]:
    """Return each change that AWS refuses in an update from *old* to *new*, as `resource: fact`."""
    refusals: list[str] = []
    for path, tree in old.walk():
        if after := new.at(path):
            refusals += _refusals(tree, after, path, lookup)
    return tuple(refusals)


def _refusals(
    old: TemplateTree, new: TemplateTree, path: LogicalIds, lookup: Lookup
) -> Iterator[str]:
    owners = {
        fixed_name: logical_id
        for logical_id, resource in old.resources.items()
        if (fixed_name := fixed_name_of(resource))
    }
    for logical_id, after in new.resources.items():
        place = f"{format_path((*path, logical_id))} ({after['Type']})"
        before = old.resources.get(logical_id)
        fixed_name = fixed_name_of(after)
        if fixed_name and fixed_name in owners and owners[fixed_name] != logical_id:
            owner = format_path((*path, owners[fixed_name]))
            yield f"{place}: {owner} has its name, {fixed_name[1]}, until the update ends"
        if before is None or before["Type"] != after["Type"]:
            continue
        replaced = _replacing_property(before, after, lookup)
        if replaced and fixed_name and fixed_name == fixed_name_of(before):
            yield f"{place}: {replaced} changes, so a new one is created, and its name is in use"
        if after["Type"] == _TABLE and not replaced:
            yield from (f"{place}: {fact}" for fact in _index_changes(before, after))


def fixed_name_of(resource: Resource) -> tuple[str, str] | None:
    """Return the type and the name of *resource*; None if CloudFormation generates the name."""
    keys = _NAMES.get(resource["Type"], ())
    properties = resource.get("Properties") or {}
    values = [properties[key] for key in keys if properties.get(key) is not None]
    if not values or (properties.get(keys[0]) is None and keys[0] != "BucketName"):
        return None
    return resource["Type"], ", ".join(map(str, values))


def _replacing_property(before: Resource, after: Resource, lookup: Lookup) -> str:
    """Return the changed property that replaces the resource; empty if there is none."""
    known = lookup(before["Type"])
    was, becomes = (resource.get("Properties") or {} for resource in (before, after))
    paths = known.create_only if known else frozenset()
    return next((p[0] for p in sorted(paths) if was.get(p[0]) != becomes.get(p[0])), "")


def _index_changes(before: Resource, after: Resource) -> Iterator[str]:
    """Yield refused changes of indexes: an update can only add or delete one index."""
    was, becomes = _indexes(before), _indexes(after)
    changes = sorted(was.keys() ^ becomes.keys())
    if len(changes) > 1:
        yield (
            f"{len(changes)} global secondary indexes are added or deleted"
            f" ({', '.join(changes)}); DynamoDB accepts one per update"
        )
    for name in sorted(was.keys() & becomes.keys()):
        for key in ("KeySchema", "Projection"):
            if was[name].get(key) != becomes[name].get(key):
                yield f"{key} of the index {name} changes; DynamoDB requires a new index"


def _indexes(table: Resource) -> Mapping[str, Mapping[str, Any]]:
    properties = table.get("Properties") or {}
    indexes = properties.get("GlobalSecondaryIndexes") or []
    known = (
        [index for index in indexes if isinstance(index, dict)] if isinstance(indexes, list) else []
    )
    return {str(index.get("IndexName")): index for index in known}
