"""Empties the buckets of the emulator that are about to go: nobody will miss what is in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deployer.aws.account import Account
    from deployer.aws.cloud import DeployedStack


def empty_buckets(account: Account, stacks: Iterable[DeployedStack]) -> None:
    """Delete every object, in every version, from the buckets that go with *stacks*.

    CloudFormation deletes only empty buckets. A bucket that its template keeps is not emptied, nor
    are the buckets of a nested stack that is kept.
    """
    for stack in stacks:
        client: Any = account.client("s3", stack.region)
        for bucket in _buckets(account, stack):
            _empty(client, bucket)


def _empty(client: Any, bucket: str) -> None:
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        keys = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in versions]
        if keys:
            client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


def _buckets(account: Account, stack: DeployedStack) -> list[str]:
    """Return the buckets that are deleted with the stack, or with one nested in it."""
    from deployer.model import template_tree

    return [
        resource.physical_id
        for tree in template_tree.deployed_templates(
            account, stack.region, stack.id
        ).deleted_trees()
        for resource in account.resources(stack.region, tree.stack_id)
        if resource.type == "AWS::S3::Bucket"
        and resource.status != "DELETE_COMPLETE"
        and tree.resources[resource.logical_id].get("DeletionPolicy", "Delete") == "Delete"
    ]
