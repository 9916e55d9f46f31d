"""Emptying the buckets that are deleted with their stacks."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from deployer.aws.cloud import STACK, DeployedStack, StackResource
from deployer.bucket_cleanup import empty_buckets
from tests.fakes import REGION, FakeClock, FakeCloud

BUCKET = "AWS::S3::Bucket"
OUTER = DeployedStack("outer", "arn:outer", REGION, "CREATE_COMPLETE")
INNER = DeployedStack("inner", "arn:inner", REGION, "CREATE_COMPLETE", is_nested=True)


@dataclass
class FakeS3:
    """Object versions by bucket, in two pages, and the deleted keys and versions."""

    versions: dict[str, list[dict[str, Any]]]
    deleted: dict[str, list[dict[str, str]]] = field(default_factory=lambda: defaultdict(list))

    def get_paginator(self, name: str) -> FakeS3:
        assert name == "list_object_versions"
        return self

    def paginate(self, Bucket: str) -> Iterator[dict[str, Any]]:  # noqa: N803  # AWS's name
        yield from self.versions.get(Bucket, [{}])

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> None:  # noqa: N803
        assert Delete["Objects"]
        self.deleted[Bucket] += Delete["Objects"]


class Account(FakeCloud):
    """An account in memory with S3."""

    s3 = FakeS3({})

    def client(self, service: str, region: str) -> FakeS3:
        assert (service, region) == ("s3", REGION)
        return self.s3


def account(resources: dict[str, dict[str, Any]], s3: FakeS3, **inner: dict[str, Any]) -> Account:
    """Return an account with a stack of *resources*, in which a stack of *inner* is nested."""
    account = Account(FakeClock())
    account.s3 = s3
    account.put(OUTER)
    account.put(INNER)
    account.templates = {
        OUTER.id: json.dumps({"Resources": resources}),
        INNER.id: json.dumps({"Resources": inner}),
    }
    account.listed = {
        OUTER.id: tuple(listed(title, body["Type"]) for title, body in resources.items()),
        INNER.id: tuple(listed(title, body["Type"]) for title, body in inner.items()),
    }
    return account


def listed(title: str, type_: str) -> StackResource:
    """Return a resource whose physical id is its title in lower case, and an ARN for a stack."""
    physical_id = f"arn:{title.lower()}" if type_ == STACK else title.lower()
    return StackResource(title, physical_id, type_, "CREATE_COMPLETE")


def test_all_versions_and_delete_markers_are_deleted() -> None:
    """All pages of a bucket are read, and an empty page needs no call."""
    s3 = FakeS3(
        {
            "site": [
                {"Versions": [{"Key": "a", "VersionId": "1", "Size": 9}]},
                {},
                {"DeleteMarkers": [{"Key": "b", "VersionId": "2"}]},
            ]
        }
    )

    empty_buckets(account({"Site": {"Type": BUCKET}}, s3), [OUTER])

    assert s3.deleted == {"site": [{"Key": "a", "VersionId": "1"}, {"Key": "b", "VersionId": "2"}]}


def test_only_buckets_that_are_deleted_are_emptied() -> None:
    """A bucket that its DeletionPolicy keeps is not emptied, and other resources are ignored."""
    page = [{"Versions": [{"Key": "a", "VersionId": "1"}]}]
    s3 = FakeS3({"deleted": page, "kept": page, "queue": page})
    resources = {
        "Deleted": {"Type": BUCKET, "DeletionPolicy": "Delete"},
        "Kept": {"Type": BUCKET, "DeletionPolicy": "RetainExceptOnCreate"},
        "Queue": {"Type": "AWS::SQS::Queue"},
    }

    empty_buckets(account(resources, s3), [OUTER])

    assert list(s3.deleted) == ["deleted"]


def test_buckets_of_nested_stacks_are_emptied() -> None:
    """Buckets of a nested stack are emptied, unless the nested stack is kept."""
    page = [{"Versions": [{"Key": "a", "VersionId": "1"}]}]
    inner = {"Type": STACK, "Properties": {"TemplateURL": "u"}}

    deleted, kept = FakeS3({"site": page}), FakeS3({"site": page})
    empty_buckets(account({"Inner": inner}, deleted, Site={"Type": BUCKET}), [OUTER])
    retained = {"Inner": inner | {"DeletionPolicy": "Retain"}}
    empty_buckets(account(retained, kept, Site={"Type": BUCKET}), [OUTER])

    assert list(deleted.deleted) == ["site"]
    assert kept.deleted == {}
