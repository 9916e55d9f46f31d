"""S3 buckets made by stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError

from tests.emulator.templates import ref, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws


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


@pytest.mark.parametrize("name", ["x-amz-meta-a", "x-amz-tagging", "X-Amz-Storage-Class"])
def test_unsigned_header(aws: Aws, name: str) -> None:
    """Who has a presigned URL cannot add what its maker did not sign.

    AWS: "Authenticating Requests: Using Query Parameters" (S3 API reference), X-Amz-SignedHeaders.
    """
    aws.deploy("s", bucket())
    where = {"Bucket": aws.outputs("s")["Name"], "Key": "k"}
    url = aws.client("s3").generate_presigned_url("put_object", Params=where)

    with pytest.raises(HTTPError) as refused:
        urlopen(Request(url, b"x", {name: "STANDARD"}, method="PUT"))  # noqa: S310  # loopback
    with refused.value as answer:
        assert (403, True) == (answer.code, b"headers present in the request" in answer.read())
    with urlopen(Request(url, b"x", method="PUT")) as taken:  # noqa: S310  # loopback
        assert taken.status == 200


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


def read_settings(aws: Aws, name: str) -> dict[str, Any]:
    """What S3's API says of a bucket."""
    s3 = aws.client("s3")
    encryption = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
    ownership = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]
    block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    return {
        "encryption": encryption["Rules"][0],
        "ownership": ownership["Rules"][0]["ObjectOwnership"],
        "versioning": s3.get_bucket_versioning(Bucket=name).get("Status"),
        "cors": s3.get_bucket_cors(Bucket=name)["CORSRules"][0]["AllowedOrigins"],
        "tags": {t["Key"]: t["Value"] for t in s3.get_bucket_tagging(Bucket=name)["TagSet"]},
        "block": block,
    }


def test_settings(aws: Aws) -> None:
    """Every setting of a stack is S3's, after a create and after an update.

    AWS: AWS::S3::Bucket; stack tags reach the bucket. That a dropped VersioningConfiguration
    suspends is not verified.
    """

    def settings(size: str) -> dict[str, Any]:
        first = size == "first"
        key = {"SSEAlgorithm": "AES256"} if first else {"SSEAlgorithm": "aws:kms"}
        rule = {"ServerSideEncryptionByDefault": key, "BucketKeyEnabled": not first}
        owner = "BucketOwnerEnforced" if first else "BucketOwnerPreferred"
        cors = {"AllowedMethods": ["GET"], "AllowedOrigins": [f"https://{size}.example"]}
        names = (
            "BlockPublicAcls",
            "BlockPublicPolicy",
            "IgnorePublicAcls",
            "RestrictPublicBuckets",
        )
        return bucket(
            BucketEncryption={"ServerSideEncryptionConfiguration": [rule]},
            OwnershipControls={"Rules": [{"ObjectOwnership": owner}]},
            VersioningConfiguration={"Status": "Enabled" if first else "Suspended"},
            CorsConfiguration={"CorsRules": [cors]},
            PublicAccessBlockConfiguration=dict.fromkeys(names, first),
            Tags=[{"Key": "own", "Value": size}],
        )

    tags = [{"Key": "project", "Value": "cruddur"}]
    aws.deploy("s", settings("first"), Tags=tags)
    name = aws.outputs("s")["Name"]
    first = read_settings(aws, name)
    aws.deploy("s", settings("second"), Tags=tags)
    second = read_settings(aws, name)
    aws.deploy("s", bucket(VersioningConfiguration={"Status": "Enabled"}), Tags=tags)
    aws.deploy("s", bucket(), Tags=tags)
    dropped = aws.client("s3").get_bucket_versioning(Bucket=name)["Status"]

    assert "AES256" == first["encryption"]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
    assert ("BucketOwnerEnforced", "Enabled") == (first["ownership"], first["versioning"])
    assert {True} == set(first["block"].values())
    assert "cruddur" == first["tags"]["project"]
    assert "aws:kms" == second["encryption"]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
    assert second["encryption"]["BucketKeyEnabled"]
    assert ("BucketOwnerPreferred", "Suspended") == (second["ownership"], second["versioning"])
    assert {False} == set(second["block"].values())
    assert ["https://second.example"] == second["cors"]
    assert "second" == second["tags"]["own"]
    assert "Suspended" == dropped


def test_public_policy(aws: Aws) -> None:
    """AWS: BlockPublicPolicy refuses a public policy, and a new bucket has it on.

    "Blocking public access to your Amazon S3 storage" (S3 user guide).
    """
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    made = bucket()
    made["Resources"]["Policy"] = resource(
        "AWS::S3::BucketPolicy", Bucket=ref("Bucket"), PolicyDocument=document
    )

    stack = aws.deploy("s", made)

    assert "ROLLBACK_COMPLETE" == stack["StackStatus"]
    assert any("public policies are prevented" in reason for *_, reason in aws.events("s"))
