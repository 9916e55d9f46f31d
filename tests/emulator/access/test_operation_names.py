"""Requests that name two operations, or one that MiniStack has no name for."""

from __future__ import annotations

import pytest

from emulator.access import operation_names
from tests.emulator.access.attacker import (
    FORM,
    create_user,
    send,
    sign,
    sign_with_headers,
)
from tests.emulator_server import Aws

TARGET = {"X_Amz_Target": "DynamoDB_20120810.DeleteTable"}


@pytest.mark.parametrize(
    ("service", "line", "body", "more"),
    [
        ("s3", "PUT /{bucket}/key?Action=GetObject", b"content", {}),
        ("s3", "DELETE /{bucket}/key?Action=GetObject", b"", {}),
        ("s3", "PUT /{bucket}/key", b"content", {"X_Amz_Target": "S3.GetObject"}),
        ("lambda", "DELETE /2015-03-31/functions/f?Action=GetFunction", b"", {}),
        ("lambda", "DELETE /2015-03-31/functions/f", b"", {"X_Amz_Target": "L.GetFunction"}),
        ("dynamodb", "POST /?Action=DescribeTable", b'{"TableName": "t"}', TARGET),
        ("cloudformation", "POST /?Action=ListStacks", b"Action=DeleteStack&StackName=s", FORM),
        ("iam", "POST /?Action=GetUser&Action=DeleteUser&UserName=ada", b"", {}),
        ("iam", "POST /?Action=GetUser", b"", FORM | {"Content_Encoding": "gzip"}),
    ],
)
def test_second_operation(
    aws: Aws, service: str, line: str, body: bytes, more: dict[str, str]
) -> None:
    """A request that names an allowed operation and performs another one is refused."""
    key = create_user(
        aws,
        *("s3:GetObject", "lambda:GetFunction", "dynamodb:DescribeTable"),
        *("cloudformation:ListStacks", "iam:GetUser"),
    )
    method, path = line.format(bucket=f"b-{aws.endpoint.account}").split()
    headers = sign_with_headers(aws.endpoint, method, path, body, more, service=service, **key)

    answer = send(aws.endpoint, method, path, body, **headers)

    assert b"InvalidAction" in answer.body


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/2021-11-15/functions/f/response-streaming-invocations"),
        ("POST", "/2014-11-13/functions/f/invoke-async"),
        ("DELETE", "/2018-10-31/layers/l/versions/1"),
        ("PUT", "/2015-03-31/event-source-mappings/e"),
    ],
)
def test_operation_unknown_to_ministack(aws: Aws, method: str, path: str) -> None:
    """An operation without a permission in MiniStack is denied to all but administrators."""
    key = create_user(aws, "lambda:GetFunction")
    as_user = sign(aws.endpoint, method, path, b"{}", service="lambda", **key)
    as_root = sign(aws.endpoint, method, path, b"{}", service="lambda")

    assert b"AccessDenied" in send(aws.endpoint, method, path, b"{}", **as_user).body
    assert b"AccessDenied" not in send(aws.endpoint, method, path, b"{}", **as_root).body


@pytest.mark.parametrize(
    ("name", "expected", "read"),
    [
        ("emulator", False, []),
        ("codepipeline", True, []),
        ("signs-with-another-name", True, ["signs-with-another-name"]),
        ("s4", False, ["s4"]),
    ],
)
def test_service_names(name: str, expected: bool, read: list[str]) -> None:
    """A name is looked up in MiniStack, which is slow, only if no service model has it."""
    looked_up: list[str] = []

    def is_aws_service(name: str) -> bool:
        looked_up.append(name)
        return name == "signs-with-another-name"

    assert operation_names._is_aws_service(is_aws_service, name) is expected
    assert looked_up == read
