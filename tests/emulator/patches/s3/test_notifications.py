"""A bucket notifies functions and topics only with permission."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.functions import ROLE, code, function, permission
from tests.emulator.templates import att, ref, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws

S3 = "s3.amazonaws.com"
UNABLE = "Unable to validate the following destination configurations"
SEND_KEY = """
import boto3, json, os
def handler(event, context):
    key = event["Records"][0]["s3"]["object"]["key"]
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=key)
"""


def policy(resource_type: str, target: str, key: str, action: str, bucket: str) -> dict[str, Any]:
    """Return the policy of a topic or queue for notifications of a bucket."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": S3},
        "Action": action,
        "Resource": "*",
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return resource(resource_type, **{key: [ref(target)]}, PolicyDocument=document)


@pytest.mark.parametrize("permitted", [True, False])
@pytest.mark.parametrize("kind", ["Lambda", "Topic", "Queue"])
def test_notification(aws: Aws, kind: str, *, permitted: bool) -> None:
    """S3 checks the permission for a destination when a bucket is configured, and refuses it.

    AWS: "Granting permissions to publish event notification messages to a destination" (S3).
    """
    bucket = f"n{kind.lower()}-{permitted}-{aws.endpoint.account}".lower()
    permitted_bucket = bucket if permitted else "another-bucket"
    source = code(aws)
    parts = {
        "Lambda": (
            {
                "Role": ROLE,
                "Function": function(source),
                "Policy": permission("Function", S3, f"arn:aws:s3:::{permitted_bucket}"),
            },
            {"Event": "s3:ObjectCreated:*", "Function": att("Function", "Arn")},
        ),
        "Topic": (
            {
                "Topic": resource("AWS::SNS::Topic"),
                "Policy": policy(
                    "AWS::SNS::TopicPolicy", "Topic", "Topics", "sns:Publish", permitted_bucket
                ),
            },
            {"Event": "s3:ObjectCreated:*", "Topic": ref("Topic")},
        ),
        "Queue": (
            {
                "Queue": resource("AWS::SQS::Queue"),
                "Policy": policy(
                    "AWS::SQS::QueuePolicy", "Queue", "Queues", "sqs:SendMessage", permitted_bucket
                ),
            },
            {"Event": "s3:ObjectCreated:*", "Queue": att("Queue", "Arn")},
        ),
    }
    resources, destination = parts[kind]
    bucket_ = resource(
        "AWS::S3::Bucket",
        BucketName=bucket,
        NotificationConfiguration={f"{kind}Configurations": [destination]},
    )

    stack = aws.deploy(
        "s",
        template(**resources, Bucket={**bucket_, "DependsOn": "Policy"}),
        Capabilities=["CAPABILITY_IAM"],
    )

    assert ("CREATE_COMPLETE" if permitted else "ROLLBACK_COMPLETE") == stack["StackStatus"]
    assert permitted or any(UNABLE in reason for *_, reason in aws.events("s"))


def test_default_topic_policy(aws: Aws) -> None:
    """The default policy of a topic does not permit S3 to publish (not verified)."""
    bucket = resource(
        "AWS::S3::Bucket",
        NotificationConfiguration={
            "TopicConfigurations": [{"Event": "s3:ObjectCreated:*", "Topic": ref("Topic")}]
        },
    )

    stack = aws.deploy("s", template(Topic=resource("AWS::SNS::Topic"), Bucket=bucket))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"


def test_delivery(aws: Aws) -> None:
    """An upload invokes the function; without its permission the event is lost.

    AWS: S3 invokes asynchronously, as a service that the policy of the function names.
    """
    name = f"up-{aws.endpoint.account}"
    role = {**ROLE, "Properties": {**ROLE["Properties"]}}
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": att("Queue", "Arn")}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    role["Properties"]["Policies"] = [{"PolicyName": "own", "PolicyDocument": document}]
    configuration = {"Event": "s3:ObjectCreated:*", "Function": att("Function", "Arn")}
    body = template(
        Queue=resource("AWS::SQS::Queue"),
        Role=role,
        Function=function(code(aws, SEND_KEY), Environment={"Variables": {"QUEUE": ref("Queue")}}),
        Permission=permission("Function", S3, f"arn:aws:s3:::{name}"),
        Bucket={
            **resource(
                "AWS::S3::Bucket",
                BucketName=name,
                NotificationConfiguration={"LambdaConfigurations": [configuration]},
            ),
            "DependsOn": "Permission",
        },
    ) | {"Outputs": {"Queue": {"Value": ref("Queue")}, "Function": {"Value": ref("Function")}}}
    aws.deploy("s", body, Capabilities=["CAPABILITY_IAM"])
    outputs = aws.outputs("s")

    aws.client("s3").put_object(Bucket=name, Key="a.jpg", Body=b"x")
    first = aws.client("sqs").receive_message(QueueUrl=outputs["Queue"], WaitTimeSeconds=10)
    policies = aws.client("lambda").get_policy(FunctionName=outputs["Function"])["Policy"]
    sid = json.loads(policies)["Statement"][0]["Sid"]
    aws.client("lambda").remove_permission(FunctionName=outputs["Function"], StatementId=sid)
    aws.client("s3").put_object(Bucket=name, Key="b.jpg", Body=b"x")
    time.sleep(0.5)  # A lost event cannot be awaited; a warm function takes a tenth of this.
    later = aws.client("sqs").receive_message(QueueUrl=outputs["Queue"])

    assert [message["Body"] for message in first["Messages"]] == ["a.jpg"]
    assert "b.jpg" not in [message["Body"] for message in later.get("Messages", [])]
