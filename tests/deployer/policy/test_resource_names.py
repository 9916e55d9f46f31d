"""Names of resources are found in text."""

from __future__ import annotations

import pytest

from deployer.policy.resource_names import explicit_name, is_global, is_name_of


@pytest.mark.parametrize(
    ("type_", "properties", "name"),
    [
        ("AWS::S3::Bucket", {"BucketName": "assets"}, "assets"),
        ("AWS::S3::Bucket", {"BucketName": {"Fn::Sub": "a-${AWS::Region}"}}, "a-${AWS..Region}"),
        ("AWS::S3::Bucket", {"BucketName": {"Fn::Sub": ["a-${1}", {"1": {"x": "y"}}]}}, ""),
        ("AWS::S3::Bucket", {}, ""),
        ("AWS::EC2::Vpc", {"BucketName": "assets"}, ""),
    ],
)
def test_a_name_in_the_template(type_: str, properties: dict, name: str) -> None:
    """A name with references is known by its text, unless the references have no names."""
    assert explicit_name(type_, properties) == name


@pytest.mark.parametrize(
    ("string", "type_", "name", "expected"),
    [
        ("assets", "AWS::S3::Bucket", "assets", True),
        ("arn:aws:s3:::assets/*", "AWS::S3::Bucket", "assets", True),
        ("arn:aws:s3:::assets-2/*", "AWS::S3::Bucket", "assets", False),
        ("arn:aws:sqs:r:${AWS::AccountId}:jobs", "AWS::SQS::Queue", "jobs", True),
        ("arn:aws:sns:r:1:jobs", "AWS::SQS::Queue", "jobs", False),
        ("arn:aws:lambda:r:1:function:f:live", "AWS::Lambda::Function", "f", True),
        ("arn:aws:logs:r:1:log-group:/crd/a:*", "AWS::Logs::LogGroup", "/crd/a", True),
        ("arn:aws:dynamodb:r:1:table/t/stream/1", "AWS::DynamoDB::Table", "t", True),
        ("arn:aws:iam::1:role/crd", "AWS::IAM::Role", "crd", True),
    ],
)
def test_text_with_a_name(string: str, type_: str, name: str, expected: bool) -> None:
    """A name is found alone, and in an ARN of its service."""
    assert is_name_of(string, type_, name) is expected


def test_names_of_buckets_are_global() -> None:
    """The name of a bucket is unique in all regions, that of a queue is not."""
    assert (is_global("AWS::S3::Bucket"), is_global("AWS::SQS::Queue")) == (True, False)
