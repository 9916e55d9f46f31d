"""Name the changes of a template that AWS refuses in the middle of an update.

Predicted from the deployed template and the new one. CloudFormation creates what is new before it
deletes what is gone, so a fixed name is taken as long as its old owner is there. A resource that
moves into a nested stack, or out of one, is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from deployer.model.template_tree import LogicalIds, TemplateTree, format_path
from deployer.registry import ResourceType, resource_type

Resource: TypeAlias = Mapping[str, Any]
Lookup: TypeAlias = Callable[[str], ResourceType | None]

HINT = "give it another name or its old logical id, or deploy the change in two steps"

# The properties that have to be unique together in an account and region, by type.
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


def refusals(
    old: TemplateTree, new: TemplateTree, lookup: Lookup = resource_type
) -> tuple[str, ...]:
    """Return what AWS would refuse of an update from *old* to *new*: the resource and the fact."""
    found: list[str] = []
    for path, tree in old.walk():
        if after := new.at(path):
            found += _of(tree, after, path, lookup)
    return tuple(found)


def _of(old: TemplateTree, new: TemplateTree, path: LogicalIds, lookup: Lookup) -> Iterator[str]:
    owners = {
        owned: logical_id
        for logical_id, resource in old.resources.items()
        if (owned := _fixed_name(resource))
    }
    for logical_id, after in new.resources.items():
        place = f"{format_path((*path, logical_id))} ({after['Type']})"
        before = old.resources.get(logical_id)
        owned = _fixed_name(after)
        if owned and owned in owners and owners[owned] != logical_id:
            owner = format_path((*path, owners[owned]))
            yield f"{place}: {owner} has its name, {owned[1]}, until the update ends"
        if before is None or before["Type"] != after["Type"]:
            continue
        replaced = _replaced_by(before, after, lookup)
        if replaced and owned and owned == _fixed_name(before):
            yield f"{place}: {replaced} changes, so a new one is created, and its name is taken"
        if after["Type"] == _TABLE and not replaced:
            yield from (f"{place}: {fact}" for fact in _index_changes(before, after))


def _fixed_name(resource: Resource) -> tuple[str, str] | None:
    """The type and the name that an author gave; None if CloudFormation makes one up."""
    keys = _NAMES.get(resource["Type"], ())
    properties = resource.get("Properties") or {}
    values = [properties[key] for key in keys if properties.get(key) is not None]
    if not values or (properties.get(keys[0]) is None and keys[0] != "BucketName"):
        return None
    return resource["Type"], ", ".join(map(str, values))


def _replaced_by(before: Resource, after: Resource, lookup: Lookup) -> str:
    """The property whose change makes a resource anew; empty if there is none."""
    known = lookup(before["Type"])
    was, becomes = (each.get("Properties") or {} for each in (before, after))
    paths = known.create_only if known else frozenset()
    return next((p[0] for p in sorted(paths) if was.get(p[0]) != becomes.get(p[0])), "")


def _index_changes(before: Resource, after: Resource) -> Iterator[str]:
    """DynamoDB adds or deletes one global secondary index in an update, and changes none."""
    was, becomes = _indexes(before), _indexes(after)
    changes = sorted(was.keys() ^ becomes.keys())
    if len(changes) > 1:
        yield (
            f"{len(changes)} global secondary indexes are added or deleted"
            f" ({', '.join(changes)}); DynamoDB takes one in an update"
        )
    for name in sorted(was.keys() & becomes.keys()):
        for key in ("KeySchema", "Projection"):
            if was[name].get(key) != becomes[name].get(key):
                yield f"{key} of the index {name} changes; DynamoDB takes only a new index"


def _indexes(table: Resource) -> Mapping[str, Mapping[str, Any]]:
    properties = table.get("Properties") or {}
    indexes = properties.get("GlobalSecondaryIndexes") or []
    known = [one for one in indexes if isinstance(one, dict)] if isinstance(indexes, list) else []
    return {str(one.get("IndexName")): one for one in known}
