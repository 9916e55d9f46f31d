"""What a policy may ask of a call besides its action and resource."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.emulator.templates import parameter, template
from tests.emulator_server import REGION

if TYPE_CHECKING:
    from tests.emulator_server import Aws

EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def role(aws: Aws, name: str, statement: dict[str, Any], **trusted: str) -> str:
    """A role that may do what *statement* says; its ARN."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": trusted}
    iam = aws.client("iam")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(statement))
    return str(made)


def document(statement: dict[str, Any]) -> str:
    """A policy of one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@contextmanager
def clerk(aws: Aws, statement: dict[str, Any], service: str = "cloudformation") -> Iterator[Any]:
    """A client of CloudFormation, or another service, with the permissions of *statement*."""
    root = f"arn:aws:iam::{aws.endpoint.account}:root"
    taken = role(aws, "clerk", statement, AWS=root)
    session = aws.client("sts").assume_role(RoleArn=taken, RoleSessionName="clerk")["Credentials"]
    client = boto3.client(
        service,
        REGION,
        endpoint_url=aws.endpoint.url,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    yield client
    client.close()


def propose(cloudformation: Any, stack: str, name: str = "c", **how: str) -> str:
    """Ask for the creation of *stack*; the ARN of the change set, or the code of a refusal."""
    body = json.dumps(template(One=parameter("x")))
    try:
        made = cloudformation.create_change_set(
            StackName=stack, ChangeSetName=name, ChangeSetType="CREATE", TemplateBody=body, **how
        )
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return str(made["Id"])


def test_role_of_a_change_set(aws: Aws) -> None:
    """Who may ask for changes with one role only may not ask with another, nor with none.

    AWS: service authorization reference, CloudFormation, condition key cloudformation:RoleArn.
    """
    carrier = role(aws, "carrier", EVERYTHING, Service="cloudformation.amazonaws.com")
    other = role(aws, "other", EVERYTHING, Service="cloudformation.amazonaws.com")
    only = {"Condition": {"StringEquals": {"cloudformation:RoleArn": carrier}}}

    with clerk(aws, EVERYTHING | only) as cloudformation:
        made = propose(cloudformation, "s", RoleARN=carrier)
        refused = [propose(cloudformation, "t", **how) for how in ({}, {"RoleARN": other})]

    assert "/c/" in made
    assert ["AccessDenied", "AccessDenied"] == refused


def test_stack_of_a_change_set(aws: Aws) -> None:
    """Who may look at one stack may look at its change sets, and not at those of another.

    AWS: service authorization reference, CloudFormation, DescribeChangeSet: stack.
    """
    own = f"arn:aws:cloudformation:{REGION}:{aws.endpoint.account}:stack/ours/*"
    ours, theirs = propose(aws.cfn, "ours"), propose(aws.cfn, "theirs")

    with clerk(aws, EVERYTHING | {"Resource": own}) as cloudformation:
        seen = cloudformation.describe_change_set(ChangeSetName=ours)
        with pytest.raises(ClientError) as failed:
            cloudformation.describe_change_set(ChangeSetName=theirs)

    assert "ours" == seen["StackName"]
    assert "AccessDenied" == failed.value.response["Error"]["Code"]


def test_name_of_a_change_set(aws: Aws) -> None:
    """A role that is limited to names can use change sets of these names only, also by ARN.

    AWS: service authorization reference, CloudFormation, condition key
    cloudformation:ChangeSetName; its value for a call with an ARN is not verified.
    """
    names = ["release-*", "arn:aws:cloudformation:*:changeSet/release-*"]
    only = {"Condition": {"StringLike": {"cloudformation:ChangeSetName": names}}}
    person = propose(aws.cfn, "person", "deploy-1")

    with clerk(aws, EVERYTHING | only) as cloudformation:
        made = propose(cloudformation, "s", "release-1")
        refused = propose(cloudformation, "t", "deploy-2")
        with pytest.raises(ClientError) as failed:
            cloudformation.execute_change_set(ChangeSetName=person)
        cloudformation.execute_change_set(ChangeSetName=made)

    assert "AccessDenied" == refused
    assert "AccessDenied" == failed.value.response["Error"]["Code"]


def test_write_of_a_new_object(aws: Aws) -> None:
    """A role that must send If-None-Match can add objects, but not replace them.

    AWS: S3 user guide, Enforce conditional writes on Amazon S3 buckets.
    """
    aws.client("s3").create_bucket(
        Bucket="new-objects", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    only = {"Condition": {"Null": {"s3:if-none-match": "false"}}}

    with clerk(aws, EVERYTHING | only, "s3") as s3:
        s3.put_object(Bucket="new-objects", Key="k", Body=b"1", IfNoneMatch="*")
        refused = []
        for how in ({}, {"IfNoneMatch": "*"}):
            with pytest.raises(ClientError) as failed:
                s3.put_object(Bucket="new-objects", Key="k", Body=b"2", **how)
            refused.append(failed.value.response["Error"]["Code"])

    assert ["AccessDenied", "PreconditionFailed"] == refused


def test_log_streams_of_a_group(aws: Aws) -> None:
    """A role that may write to the streams of one group may not write to those of another.

    AWS: service authorization reference, CloudWatch Logs, PutLogEvents: log-stream.
    """
    ours = f"arn:aws:logs:{REGION}:{aws.endpoint.account}:log-group:ours:*"
    for group in ("ours", "theirs"):
        aws.client("logs").create_log_group(logGroupName=group)

    with clerk(aws, EVERYTHING | {"Resource": ours}, "logs") as logs:
        stream = {"logGroupName": "ours", "logStreamName": "s"}
        logs.create_log_stream(**stream)
        logs.put_log_events(**stream, logEvents=[{"timestamp": 1, "message": "m"}])
        with pytest.raises(ClientError) as failed:
            logs.create_log_stream(logGroupName="theirs", logStreamName="s")

    assert "AccessDeniedException" == failed.value.response["Error"]["Code"]
