"""Policies that require TLS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.emulator.functions import code, function, role_for_service
from tests.emulator.templates import ref, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def test_tls(aws: Aws) -> None:
    """A role with permission can use a bucket that denies requests without TLS.

    AWS: "aws:SecureTransport" (IAM). Requests to the emulator do not leave the machine.
    """
    bucket = f"tls-{aws.endpoint.account}"
    arn = f"arn:aws:s3:::{bucket}"
    refusal = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    source = """
import boto3
def handler(event, context):
    boto3.client("s3").put_object(Bucket=event["bucket"], Key="key", Body=b"")
"""
    aws.deploy(
        "s",
        template(
            Bucket=resource("AWS::S3::Bucket", BucketName=bucket),
            Policy=resource(
                "AWS::S3::BucketPolicy",
                Bucket=ref("Bucket"),
                PolicyDocument={"Version": "2012-10-17", "Statement": [refusal]},
            ),
            Role=role_for_service(
                "lambda.amazonaws.com",
                {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"{arn}/*"},
            ),
            Writer=function(code(aws, source), FunctionName="writer"),
        ),
        Capabilities=["CAPABILITY_IAM"],
    )

    answer = aws.client("lambda").invoke(
        FunctionName="writer", Payload=json.dumps({"bucket": bucket})
    )

    assert "FunctionError" not in answer, answer["Payload"].read()
    assert [
        object_["Key"] for object_ in aws.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    ] == ["key"]
