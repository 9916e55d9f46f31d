"""Small Lambda functions for tests."""

from __future__ import annotations

import io
import subprocess
import zipfile
from typing import TYPE_CHECKING, Any

from tests.emulator.templates import att, resource

if TYPE_CHECKING:
    from tests.emulator_server import Aws

ECHO = "def handler(event, context):\n    return event\n"


def role_for_service(service: str, *statements: dict[str, Any]) -> dict[str, Any]:
    """Return a role that *service* may assume, with a policy of *statements*."""
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    version = {"Version": "2012-10-17"}
    policies = [
        {"PolicyName": "inline", "PolicyDocument": {**version, "Statement": list(statements)}}
    ]
    return resource(
        "AWS::IAM::Role",
        AssumeRolePolicyDocument={**version, "Statement": [trust]},
        **({"Policies": policies} if statements else {}),
    )


ROLE = role_for_service("lambda.amazonaws.com")


def code(
    aws: Aws, source: str = ECHO, key: str = "code.zip", *, file: str = "index.py"
) -> dict[str, str]:
    """Upload a zip with *source* as an executable *file*; return the Code property."""
    packed, member = io.BytesIO(), zipfile.ZipInfo(file)
    member.external_attr = 0o100755 << 16
    with zipfile.ZipFile(packed, "w") as zip_:
        zip_.writestr(member, source)
    bucket = f"code-{aws.endpoint.account}"
    s3 = aws.client("s3")
    if bucket not in [found["Name"] for found in s3.list_buckets()["Buckets"]]:
        location = {"LocationConstraint": "ca-central-1"}
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=location)
    s3.put_object(Bucket=bucket, Key=key, Body=packed.getvalue())
    return {"S3Bucket": bucket, "S3Key": key}


def function(code: dict[str, str], *, role: Any = None, **properties: Any) -> dict[str, Any]:
    """Return a function of *code*; by default its role is the resource Role."""
    defaults = {"Runtime": "python3.12", "Handler": "index.handler"}
    role = role or att("Role", "Arn")
    return resource("AWS::Lambda::Function", Code=code, Role=role, **defaults | properties)


def permission(name: str, service: str, source: Any) -> dict[str, Any]:
    """Return a permission of *service* to invoke the function *name* for *source*."""
    return resource(
        "AWS::Lambda::Permission",
        FunctionName=att(name, "Arn"),
        Action="lambda:InvokeFunction",
        Principal=service,
        SourceArn=source,
    )


def processes_of(name: str) -> set[int]:
    """Return the ids of the processes that run a function *name* of any account."""
    ran = subprocess.run(
        ["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True
    )
    lines = [line.split(maxsplit=1) for line in ran.stdout.splitlines()]
    return {int(pid) for pid, *words in lines if f"ministack-lambda-{name}-" in "".join(words)}
