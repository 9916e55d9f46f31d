"""Settings of stacks' buckets, and public bucket policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.emulator.templates import ref, resource

if TYPE_CHECKING:
    from tests.emulator_server import Aws
from tests.emulator.buckets import bucket


def read_settings(aws: Aws, name: str) -> dict[str, Any]:
    """Return the settings of a bucket from S3's API."""
    s3 = aws.client("s3")
    encryption = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
    ownership = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]
    block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    return {
        "encryption": encryption["Rules"][0],
        "ownership": ownership["Rules"][0]["ObjectOwnership"],
        "versioning": s3.get_bucket_versioning(Bucket=name).get("Status"),
        "cors": s3.get_bucket_cors(Bucket=name)["CORSRules"][0]["AllowedOrigins"],
        "tags": {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=name)["TagSet"]},
        "block": block,
    }


def test_settings(aws: Aws) -> None:
    """A bucket has every setting of its template, after a creation and after an update.

    AWS: AWS::S3::Bucket; the bucket has the tags of its stack. That versioning is suspended when
    VersioningConfiguration is removed is not verified.
    """

    def settings(version: str) -> dict[str, Any]:
        first = version == "first"
        key = {"SSEAlgorithm": "AES256"} if first else {"SSEAlgorithm": "aws:kms"}
        rule = {"ServerSideEncryptionByDefault": key, "BucketKeyEnabled": not first}
        owner = "BucketOwnerEnforced" if first else "BucketOwnerPreferred"
        cors = {"AllowedMethods": ["GET"], "AllowedOrigins": [f"https://{version}.example"]}
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
            Tags=[{"Key": "own", "Value": version}],
        )

    tags = [{"Key": "project", "Value": "cruddur"}]
    aws.deploy("s", settings("first"), Tags=tags)
    name = aws.outputs("s")["Name"]
    first = read_settings(aws, name)
    aws.deploy("s", settings("second"), Tags=tags)
    second = read_settings(aws, name)
    aws.deploy("s", bucket(VersioningConfiguration={"Status": "Enabled"}), Tags=tags)
    aws.deploy("s", bucket(), Tags=tags)
    removed = aws.client("s3").get_bucket_versioning(Bucket=name)["Status"]

    assert first["encryption"]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert (first["ownership"], first["versioning"]) == ("BucketOwnerEnforced", "Enabled")
    assert set(first["block"].values()) == {True}
    assert first["tags"]["project"] == "cruddur"
    assert second["encryption"]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert second["encryption"]["BucketKeyEnabled"]
    assert (second["ownership"], second["versioning"]) == ("BucketOwnerPreferred", "Suspended")
    assert set(second["block"].values()) == {False}
    assert second["cors"] == ["https://second.example"]
    assert second["tags"]["own"] == "second"
    assert removed == "Suspended"


def test_public_policy(aws: Aws) -> None:
    """A public policy is refused: a new bucket blocks public policies.

    AWS: "Blocking public access to your Amazon S3 storage" (S3 user guide).
    """
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    body = bucket()
    body["Resources"]["Policy"] = resource(
        "AWS::S3::BucketPolicy", Bucket=ref("Bucket"), PolicyDocument=document
    )

    stack = aws.deploy("s", body)

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("public policies are prevented" in reason for *_, reason in aws.events("s"))
