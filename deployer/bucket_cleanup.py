"""Empty the buckets of stacks that are about to be deleted in the emulator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deployer.aws.account import Account
from deployer.aws.cloud import DeployedStack
from deployer.model.template_tree import deployed_templates


def empty_buckets(account: Account, stacks: Iterable[DeployedStack]) -> None:
    """Delete every version of every object from the buckets that are deleted with *stacks*.

    CloudFormation deletes only empty buckets. A bucket that its DeletionPolicy keeps is not emptied,
    nor are the buckets of a nested stack that is kept.
    """
    for stack in stacks:
        client: Any = account.client("s3", stack.region)
        for bucket in _deleted_buckets(account, stack):
            _empty(client, bucket)


def _empty(client: Any, bucket: str) -> None:
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        keys = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
        if keys:
            client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


def _deleted_buckets(account: Account, stack: DeployedStack) -> list[str]:
    """Return the buckets that are deleted with the stack, or with one nested in it."""
    templates = deployed_templates(account, stack.region, stack.id)
    return [
        resource.physical_id
        for tree in templates.deleted_trees()
        for resource in account.resources(stack.region, tree.stack_id)
        if resource.type == "AWS::S3::Bucket"
        and resource.status != "DELETE_COMPLETE"
        and tree.resources[resource.logical_id].get("DeletionPolicy", "Delete") == "Delete"
    ]
