"""Protections and retention periods that an update weakens."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployer.weakened_protections import weakened_protections


def weakened(type_: str, before: Any, after: Any, policy: str = "Retain") -> list[str]:
    """Return the facts of an update of the properties of a resource, in both directions."""

    def resource(properties: Any) -> dict[str, Any]:
        return {"Type": f"AWS::{type_}", "Properties": properties, "DeletionPolicy": policy}

    assert [*weakened_protections(resource(after), resource(after))] == []
    assert [*weakened_protections(resource(after), resource(before))] == []
    return [fact for fact, _ in weakened_protections(resource(before), resource(after))]


@pytest.mark.parametrize(
    ("type_", "before", "after"),
    [
        ("Logs::LogGroup", {"RetentionInDays": 90}, {"RetentionInDays": 30}),
        ("Logs::LogGroup", {}, {"RetentionInDays": 30}),
        ("KMS::Key", {}, {"PendingWindowInDays": 7}),
        ("SQS::Queue", {"MessageRetentionPeriod": "1209600"}, {}),
    ],
)
def test_a_shorter_retention_period_of_what_is_retained(
    type_: str, before: Any, after: Any
) -> None:
    """A shorter period deletes older data, which is a loss if a policy retains the resource."""
    (fact,) = weakened(type_, before, after)

    assert fact.startswith("loses ")
    assert weakened(type_, before, after, "Delete") == []


@pytest.mark.parametrize(
    ("type_", "before", "after", "name"),
    [
        ("RDS::DBInstance", {"DeleteAutomatedBackups": False}, {}, "DeleteAutomatedBackups"),
        (
            "RDS::DBCluster",
            {"DeleteAutomatedBackups": False},
            {"DeleteAutomatedBackups": True},
            "DeleteAutomatedBackups",
        ),
        ("ECR::Repository", {}, {"EmptyOnDelete": "true"}, "EmptyOnDelete"),
    ],
)
def test_data_that_a_deletion_would_delete(type_: str, before: Any, after: Any, name: str) -> None:
    """Backups and images are lost with their database and repository if a property says so."""
    assert weakened(type_, before, after) == [f"gets {name} true"]


def images(**numbers: int) -> dict[str, Any]:
    """Return a lifecycle policy that keeps these numbers of images, by the status of their tags."""
    rules = [
        {
            "rulePriority": 1,
            "action": {"type": "expire"},
            "selection": {
                "tagStatus": status,
                "countType": "imageCountMoreThan",
                "countNumber": number,
            },
        }
        for status, number in numbers.items()
    ]
    return {"LifecyclePolicy": {"LifecyclePolicyText": json.dumps({"rules": rules})}}


def objects(*rules: Any) -> dict[str, Any]:
    """Return the rules of a bucket, all of them enabled unless they say otherwise."""
    return {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled"} | rule for rule in rules]}}


@pytest.mark.parametrize(
    ("type_", "before", "after", "name"),
    [
        ("ECR::Repository", images(any=20), images(any=10), "LifecyclePolicy"),
        ("ECR::Repository", images(any=20), images(any=20, untagged=1), "LifecyclePolicy"),
        ("ECR::Repository", {}, images(any=20), "LifecyclePolicy"),
        (
            "S3::Bucket",
            objects({"ExpirationInDays": 30}),
            objects({"ExpirationInDays": 7}),
            "LifecycleConfiguration",
        ),
        (
            "S3::Bucket",
            objects({"NoncurrentVersionExpiration": {"NoncurrentDays": 30}}),
            objects({"NoncurrentVersionExpiration": {"NoncurrentDays": 29}}),
            "LifecycleConfiguration",
        ),
        (
            "S3::Bucket",
            objects({"Prefix": "a/", "ExpirationInDays": 7}, {"Status": "Disabled"}),
            objects({"Prefix": "a/", "ExpirationInDays": 7}, {"ExpirationDate": "2027-01-01"}),
            "LifecycleConfiguration",
        ),
        (
            "DynamoDB::Table",
            {"TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": False}},
            {"TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True}},
            "TimeToLiveSpecification",
        ),
    ],
)
def test_a_rule_that_deletes_earlier(type_: str, before: Any, after: Any, name: str) -> None:
    """A new rule, or a smaller number of an old one, deletes what was kept until now."""
    assert weakened(type_, before, after) == [f"gets a rule in {name} that deletes earlier"]


def test_a_policy_that_cannot_be_read_is_no_rule() -> None:
    """The text of a lifecycle policy that has references is not compared."""
    unreadable = {"LifecyclePolicy": {"LifecyclePolicyText": {"Fn::Sub": "${Rules}"}}}

    assert weakened("ECR::Repository", unreadable, {}) == []
