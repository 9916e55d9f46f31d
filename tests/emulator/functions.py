"""Small Lambda functions for tests: zipped, uploaded and put into a template."""

from __future__ import annotations

import io
import subprocess
import zipfile
from typing import TYPE_CHECKING, Any

from tests.emulator.templates import att, resource

if TYPE_CHECKING:
    from tests.emulator_server import Aws

ECHO = "def handler(event, context):\n    return event\n"


def trusting(service: str, *statements: dict[str, Any]) -> dict[str, Any]:
    """A role that *service* may assume, with what *statements* allow."""
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    version = {"Version": "2012-10-17"}
    policies = [{"PolicyName": "own", "PolicyDocument": {**version, "Statement": list(statements)}}]
    return resource(
        "AWS::IAM::Role",
        AssumeRolePolicyDocument={**version, "Statement": [trust]},
        **({"Policies": policies} if statements else {}),
    )


ROLE = trusting("lambda.amazonaws.com")


def code(
    aws: Aws, source: str = ECHO, key: str = "code.zip", *, file: str = "index.py"
) -> dict[str, str]:
    """Upload *source* as *file*, executable, in a zip; return where it is."""
    packed, member = io.BytesIO(), zipfile.ZipInfo(file)
    member.external_attr = 0o100755 << 16
    with zipfile.ZipFile(packed, "w") as zip_:
        zip_.writestr(member, source)
    bucket = f"code-{aws.endpoint.account}"
    s3 = aws.client("s3")
    if bucket not in [one["Name"] for one in s3.list_buckets()["Buckets"]]:
        here = {"LocationConstraint": "ca-central-1"}
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=here)
    s3.put_object(Bucket=bucket, Key=key, Body=packed.getvalue())
    return {"S3Bucket": bucket, "S3Key": key}


def function(code: dict[str, str], *, role: Any = None, **more: Any) -> dict[str, Any]:
    """A function of this code, as the role titled Role unless told otherwise."""
    known = {"Runtime": "python3.12", "Handler": "index.handler"}
    role = role or att("Role", "Arn")
    return resource("AWS::Lambda::Function", Code=code, Role=role, **known | more)


def permission(name: str, service: str, source: Any) -> dict[str, Any]:
    """What lets *service* invoke the function titled *name* for *source*."""
    return resource(
        "AWS::Lambda::Permission",
        FunctionName=att(name, "Arn"),
        Action="lambda:InvokeFunction",
        Principal=service,
        SourceArn=source,
    )


def processes_of(name: str) -> set[int]:
    """The processes on this machine that run a function called *name*, of whichever account."""
    ran = subprocess.run(
        ["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True
    )
    lines = [line.split(maxsplit=1) for line in ran.stdout.splitlines()]
    return {int(pid) for pid, *words in lines if f"ministack-lambda-{name}-" in "".join(words)}
