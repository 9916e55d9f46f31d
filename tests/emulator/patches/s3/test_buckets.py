"""Buckets of stacks: names, lifecycle rules, owners, presigned URLs and deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError

from tests.emulator.templates import resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws
from tests.emulator.buckets import bucket


def test_account_regional_name(aws: Aws) -> None:
    """A prefix becomes the name PREFIX-ACCOUNT-REGION-an, which is unique to account and region.

    AWS: "Namespaces for general purpose buckets" (S3 user guide).
    """
    aws.deploy("s", bucket())

    assert aws.outputs("s") == {"Name": f"artifacts-{aws.endpoint.account}-ca-central-1-an"}
    aws.client("s3").head_bucket(Bucket=aws.outputs("s")["Name"])


def test_update_keeps_the_bucket(aws: Aws) -> None:
    """A change of another property does not replace the bucket."""
    aws.deploy("s", bucket())
    name = aws.outputs("s")["Name"]

    aws.deploy("s", bucket(VersioningConfiguration={"Status": "Enabled"}))

    assert name == aws.outputs("s")["Name"]
    assert aws.client("s3").get_bucket_versioning(Bucket=name)["Status"] == "Enabled"


def test_lifecycle(aws: Aws) -> None:
    """A bucket has the lifecycle rules of its template; without the property it has none.

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

    assert rule == {
        "ID": "old",
        "Status": "Enabled",
        "Filter": {"Prefix": "zips/"},
        "Expiration": {"Days": 30},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 7, "NewerNoncurrentVersions": 2},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        "Transitions": [{"Days": 90, "StorageClass": "GLACIER"}],
    }
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        aws.client("s3").get_bucket_lifecycle_configuration(Bucket=name)


@pytest.mark.parametrize("call", ["head_bucket", "list_objects_v2", "get_bucket_location"])
def test_expected_owner(aws: Aws, call: str) -> None:
    """A request that expects another bucket owner is denied.

    AWS: "Verifying bucket ownership with bucket owner condition" (S3 user guide).
    """
    aws.deploy("s", bucket())
    name, me = aws.outputs("s")["Name"], aws.endpoint.account
    request = getattr(aws.client("s3"), call)

    request(Bucket=name, ExpectedBucketOwner=me)
    with pytest.raises(ClientError) as refused:
        request(Bucket=name, ExpectedBucketOwner="999999999999")

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.parametrize("name", ["x-amz-meta-a", "x-amz-tagging", "X-Amz-Storage-Class"])
def test_unsigned_header(aws: Aws, name: str) -> None:
    """A request with a presigned URL must have no x-amz-* header that was not signed.

    AWS: "Authenticating Requests: Using Query Parameters" (S3 API reference), X-Amz-SignedHeaders.
    """
    aws.deploy("s", bucket())
    object_ = {"Bucket": aws.outputs("s")["Name"], "Key": "k"}
    url = aws.client("s3").generate_presigned_url("put_object", Params=object_)

    with pytest.raises(HTTPError) as refused:
        urlopen(Request(url, b"x", {name: "STANDARD"}, method="PUT"))  # noqa: S310  # loopback
    with refused.value as answer:
        assert (answer.code, b"headers present in the request" in answer.read()) == (403, True)
    with urlopen(Request(url, b"x", method="PUT")) as accepted:  # noqa: S310  # loopback
        assert accepted.status == 200


def test_bucket_with_objects(aws: Aws) -> None:
    """A stack does not delete a bucket with objects: DELETE_FAILED (AWS::S3::Bucket)."""
    aws.deploy("s", bucket())
    name = aws.outputs("s")["Name"]
    aws.client("s3").put_object(Bucket=name, Key="k", Body=b"x")

    failed = aws.delete("s")
    aws.client("s3").delete_object(Bucket=name, Key="k")
    deleted = aws.delete("s")

    assert failed["StackStatus"] == "DELETE_FAILED"
    assert deleted["StackStatus"] == "DELETE_COMPLETE"


def test_existing_name(aws: Aws) -> None:
    """A bucket with the name of an existing bucket fails its stack."""
    name = f"taken-{aws.endpoint.account}"
    aws.client("s3", "us-east-1").create_bucket(Bucket=name)

    stack = aws.deploy("s", template(Bucket=resource("AWS::S3::Bucket", BucketName=name)))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
