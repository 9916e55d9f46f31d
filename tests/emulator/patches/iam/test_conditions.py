"""Condition keys and resources of policies: change sets, log streams, conditional writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

import emulator
from tests.emulator.templates import parameter, template
from tests.emulator_server import REGION

if TYPE_CHECKING:
    from tests.emulator_server import Aws

EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def role(aws: Aws, name: str, statement: dict[str, Any], **trusted: str) -> str:
    """Create a role with the permissions of *statement*; return its ARN."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": trusted}
    iam = aws.client("iam")
    change_set = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"][
        "Arn"
    ]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(statement))
    return str(change_set)


def document(statement: dict[str, Any]) -> str:
    """Return a policy of one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@contextmanager
def client_with(
    aws: Aws, statement: dict[str, Any], service: str = "cloudformation"
) -> Iterator[Any]:
    """Yield a client of a service with the permissions of *statement*."""
    root = f"arn:aws:iam::{aws.endpoint.account}:root"
    taken = role(aws, "caller", statement, AWS=root)
    session = aws.client("sts").assume_role(RoleArn=taken, RoleSessionName="caller")["Credentials"]
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


def create_change_set(cloudformation: Any, stack: str, name: str = "c", **parameters: str) -> str:
    """Create a change set for a new *stack*; return its ARN, or the error code."""
    body = json.dumps(template(One=parameter("x")))
    try:
        change_set = cloudformation.create_change_set(
            StackName=stack,
            ChangeSetName=name,
            ChangeSetType="CREATE",
            TemplateBody=body,
            **parameters,
        )
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return str(change_set["Id"])


def test_role_of_a_change_set(aws: Aws) -> None:
    """A role that may create change sets with one service role only may not use another or none.

    AWS: service authorization reference, CloudFormation, condition key cloudformation:RoleArn.
    """
    allowed = role(aws, "allowed", EVERYTHING, Service="cloudformation.amazonaws.com")
    other = role(aws, "other", EVERYTHING, Service="cloudformation.amazonaws.com")
    only = {"Condition": {"StringEquals": {"cloudformation:RoleArn": allowed}}}

    with client_with(aws, EVERYTHING | only) as cloudformation:
        change_set = create_change_set(cloudformation, "s", RoleARN=allowed)
        refused = [
            create_change_set(cloudformation, "t", **parameters)
            for parameters in ({}, {"RoleARN": other})
        ]

    assert "/c/" in change_set
    assert refused == ["AccessDenied", "AccessDenied"]


def test_stack_of_a_change_set(aws: Aws) -> None:
    """A role that may describe one stack may describe its change sets only.

    AWS: service authorization reference, CloudFormation, DescribeChangeSet: stack.
    """
    own_stack = f"arn:aws:cloudformation:{REGION}:{aws.endpoint.account}:stack/own/*"
    own, other = create_change_set(aws.cfn, "own"), create_change_set(aws.cfn, "other")

    with client_with(aws, EVERYTHING | {"Resource": own_stack}) as cloudformation:
        description = cloudformation.describe_change_set(ChangeSetName=own)
        with pytest.raises(ClientError) as failed:
            cloudformation.describe_change_set(ChangeSetName=other)

    assert description["StackName"] == "own"
    assert failed.value.response["Error"]["Code"] == "AccessDenied"


def test_name_of_a_change_set(aws: Aws) -> None:
    """A role that is limited to names can use change sets of these names only, also by ARN.

    AWS: service authorization reference, CloudFormation, condition key
    cloudformation:ChangeSetName; its value for a call with an ARN is not verified.
    """
    names = ["release-*", "arn:aws:cloudformation:*:changeSet/release-*"]
    only = {"Condition": {"StringLike": {"cloudformation:ChangeSetName": names}}}
    other = create_change_set(aws.cfn, "other", "deploy-1")

    with client_with(aws, EVERYTHING | only) as cloudformation:
        change_set = create_change_set(cloudformation, "s", "release-1")
        refused = create_change_set(cloudformation, "t", "deploy-2")
        with pytest.raises(ClientError) as failed:
            cloudformation.execute_change_set(ChangeSetName=other)
        cloudformation.execute_change_set(ChangeSetName=change_set)

    assert refused == "AccessDenied"
    assert failed.value.response["Error"]["Code"] == "AccessDenied"


STACKS, CHANGE_SETS = "arn:aws:cloudformation:*:*:stack/*", "arn:aws:cloudformation:*:*:changeSet/*"


@pytest.mark.parametrize(
    ("resources", "strict", "allowed"),
    [
        ([STACKS], False, True),
        ([STACKS], True, False),
        ([STACKS, CHANGE_SETS], True, True),
    ],
)
def test_the_arn_of_a_change_set(
    aws: Aws, resources: list[str], *, strict: bool, allowed: bool
) -> None:
    """In a strict account, a policy for the stack does not allow a call with a change set's ARN.

    AWS: not verified; reports name either as the resource.
    """
    change_set = create_change_set(aws.cfn, "s", "release-1")
    emulator.set_strict(aws.endpoint, strict=strict)

    with client_with(aws, EVERYTHING | {"Resource": resources}) as cloudformation:
        try:
            cloudformation.describe_change_set(ChangeSetName=change_set)
        except ClientError as error:
            found = error.response["Error"]["Code"]
        else:
            found = ""

    assert found == ("" if allowed else "AccessDenied")


def test_write_of_a_new_object(aws: Aws) -> None:
    """A role that must send If-None-Match can add objects, but not replace them.

    AWS: S3 user guide, Enforce conditional writes on Amazon S3 buckets.
    """
    aws.client("s3").create_bucket(
        Bucket="new-objects", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    only = {"Condition": {"Null": {"s3:if-none-match": "false"}}}

    with client_with(aws, EVERYTHING | only, "s3") as s3:
        s3.put_object(Bucket="new-objects", Key="k", Body=b"1", IfNoneMatch="*")
        refused = []
        for parameters in ({}, {"IfNoneMatch": "*"}):
            with pytest.raises(ClientError) as failed:
                s3.put_object(Bucket="new-objects", Key="k", Body=b"2", **parameters)
            refused.append(failed.value.response["Error"]["Code"])

    assert refused == ["AccessDenied", "PreconditionFailed"]


def test_log_streams_of_a_group(aws: Aws) -> None:
    """A role that may write to the streams of one group may not write to those of another.

    AWS: service authorization reference, CloudWatch Logs, PutLogEvents: log-stream.
    """
    own = f"arn:aws:logs:{REGION}:{aws.endpoint.account}:log-group:own:*"
    for group in ("own", "other"):
        aws.client("logs").create_log_group(logGroupName=group)

    with client_with(aws, EVERYTHING | {"Resource": own}, "logs") as logs:
        stream = {"logGroupName": "own", "logStreamName": "s"}
        logs.create_log_stream(**stream)
        logs.put_log_events(**stream, logEvents=[{"timestamp": 1, "message": "m"}])
        with pytest.raises(ClientError) as failed:
            logs.create_log_stream(logGroupName="other", logStreamName="s")

    assert failed.value.response["Error"]["Code"] == "AccessDeniedException"
