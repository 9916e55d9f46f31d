"""S3 buckets made by stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded.templates import ref, resource, template

if TYPE_CHECKING:
    from tests.embedded_server import Aws


def bucket(**more: Any) -> dict[str, Any]:
    """A template of one bucket in the account's own namespace."""
    own = {"BucketNamespace": "account-regional", "BucketNamePrefix": "artifacts"}
    made = template(Bucket=resource("AWS::S3::Bucket", **own | more))
    return made | {"Outputs": {"Name": {"Value": ref("Bucket")}}}


def test_account_regional_name(aws: Aws) -> None:
    """A prefix becomes PREFIX-ACCOUNT-REGION-an, so accounts and regions do not clash.

    AWS: "Namespaces for general purpose buckets" (S3 user guide).
    """
    aws.deploy("s", bucket())

    assert {"Name": f"artifacts-{aws.endpoint.account}-ca-central-1-an"} == aws.outputs("s")
    aws.client("s3").head_bucket(Bucket=aws.outputs("s")["Name"])


def test_name_kept(aws: Aws) -> None:
    """AWS: a change of another property keeps the bucket (no interruption)."""
    aws.deploy("s", bucket())
    name = aws.outputs("s")["Name"]

    aws.deploy("s", bucket(VersioningConfiguration={"Status": "Enabled"}))

    assert name == aws.outputs("s")["Name"]
    assert "Enabled" == aws.client("s3").get_bucket_versioning(Bucket=name)["Status"]


def test_lifecycle(aws: Aws) -> None:
    """Lifecycle rules of a stack are those S3 answers with, and go with the property.

    AWS: AWS::S3::Bucket LifecycleConfiguration; GetBucketLifecycleConfiguration.
    """
    rules = [
        {
            "Id": "old",
            "Status": "Enabled",
            "Prefix": "zips/",
            "ExpirationInDays": 30,
            "NoncurrentVersionExpiration": {"NoncurrentDays": 7, "NewerNoncurrentVersions": 2},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
            "Transitions": [{"TransitionInDays": 90, "StorageClass": "GLACIER"}],
        }
    ]
    aws.deploy("s", bucket(LifecycleConfiguration={"Rules": rules}))
    name = aws.outputs("s")["Name"]

    [rule] = aws.client("s3").get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    aws.deploy("s", bucket())

    assert {
        "ID": "old",
        "Status": "Enabled",
        "Filter": {"Prefix": "zips/"},
        "Expiration": {"Days": 30},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 7, "NewerNoncurrentVersions": 2},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        "Transitions": [{"Days": 90, "StorageClass": "GLACIER"}],
    } == rule
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        aws.client("s3").get_bucket_lifecycle_configuration(Bucket=name)


@pytest.mark.parametrize("call", ["head_bucket", "list_objects_v2", "get_bucket_location"])
def test_expected_owner(aws: Aws, call: str) -> None:
    """A request that expects another owner is denied.

    AWS: "Verifying bucket ownership with bucket owner condition" (S3 user guide).
    """
    aws.deploy("s", bucket())
    name, me = aws.outputs("s")["Name"], aws.endpoint.account
    ask = getattr(aws.client("s3"), call)

    ask(Bucket=name, ExpectedBucketOwner=me)
    with pytest.raises(ClientError) as refused:
        ask(Bucket=name, ExpectedBucketOwner="999999999999")

    assert 403 == refused.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_full_bucket_stays(aws: Aws) -> None:
    """AWS: a bucket with objects is not deleted: DELETE_FAILED (AWS::S3::Bucket, deletion)."""
    aws.deploy("s", bucket())
    name = aws.outputs("s")["Name"]
    aws.client("s3").put_object(Bucket=name, Key="k", Body=b"x")

    failed = aws.delete("s")
    aws.client("s3").delete_object(Bucket=name, Key="k")
    deleted = aws.delete("s")

    assert "DELETE_FAILED" == failed["StackStatus"]
    assert "DELETE_COMPLETE" == deleted["StackStatus"]


def test_taken_name(aws: Aws) -> None:
    """AWS: a bucket's name that exists already fails the stack."""
    name = f"taken-{aws.endpoint.account}"
    aws.client("s3", "us-east-1").create_bucket(Bucket=name)

    stack = aws.deploy("s", template(Bucket=resource("AWS::S3::Bucket", BucketName=name)))

    assert "ROLLBACK_COMPLETE" == stack["StackStatus"]
