"""Functions of stacks: code, role, configuration, processes and environment."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

import emulator
from tests.emulator.functions import ECHO, ROLE, code, function, processes_of, role_for_service
from tests.emulator.templates import att, ref, resource, template
from tests.emulator_server import Aws

NO_KEY = "S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."
NO_ROLE = "The role defined for the function cannot be assumed by Lambda."


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"Code": {"S3Key": "missing.zip"}}, NO_KEY),
        ({"Code": {"S3Bucket": "no-such-bucket-here"}}, "S3 Error Code: NoSuchBucket"),
        ({"Role": att("Foreign", "Arn")}, NO_ROLE),
        ({"Role": "arn:aws:iam::000000000000:role/missing"}, NO_ROLE),
        ({"Runtime": "python3.99"}, "python3.99 is not a valid enum value"),
    ],
)
def test_invalid_function(aws: Aws, wrong: dict[str, Any], message: str) -> None:
    """A function with missing code, a role Lambda cannot assume or an unknown runtime fails.

    AWS: API reference of CreateFunction, InvalidParameterValueException.
    """
    function_ = function(code(aws))
    for key, value in wrong.items():
        known = function_["Properties"][key]
        function_["Properties"][key] = {**known, **value} if key == "Code" else value
    foreign = role_for_service("ecs-tasks.amazonaws.com")

    stack = aws.deploy(
        "s",
        template(Role=ROLE, Foreign=foreign, Function=function_),
        Capabilities=["CAPABILITY_IAM"],
    )

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(message in reason for *_, reason in aws.events("s"))


def test_zip_bomb(aws: Aws) -> None:
    """A small zip of more than 250 MB unzipped is refused.

    AWS: Lambda quotas, Deployment package size.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file, file.open("x", "w") as member:
        for _ in range(251):
            member.write(bytes(1024**2))
    location = code(aws)
    aws.client("s3").put_object(Bucket=location["S3Bucket"], Key="bomb.zip", Body=packed.getvalue())

    function_ = function({**location, "S3Key": "bomb.zip"})
    stack = aws.deploy("s", template(Role=ROLE, F=function_), Capabilities=["CAPABILITY_IAM"])

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    message = "Unzipped size must be smaller than 262144000 bytes"
    assert any(message in reason for *_, reason in aws.events("s"))


def test_update_to_missing_code(aws: Aws) -> None:
    """An update to missing code is rolled back."""
    location = code(aws)
    roles = {"Role": ROLE}
    before = function(location)
    aws.deploy("s", template(**roles, Function=before), Capabilities=["CAPABILITY_IAM"])

    after = function({**location, "S3Key": "missing.zip"})
    stack = aws.deploy("s", template(**roles, Function=after), Capabilities=["CAPABILITY_IAM"])

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert any(NO_KEY in reason for *_, reason in aws.events("s"))


def test_configuration(aws: Aws) -> None:
    """A function has the network, dead-letter queue and concurrency of its template.

    AWS: AWS::Lambda::Function; GetFunctionConfiguration.
    """
    network = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    queue = resource("AWS::SQS::Queue", QueueName="failures")
    function_ = function(
        code(aws),
        VpcConfig=network,
        DeadLetterConfig={"TargetArn": att("Queue", "Arn")},
        ReservedConcurrentExecutions=3,
    )
    outputs = {"Outputs": {"Name": {"Value": ref("Function")}}}

    aws.deploy(
        "s",
        template(Role=ROLE, Queue=queue, Function=function_) | outputs,
        Capabilities=["CAPABILITY_IAM"],
    )

    name = aws.outputs("s")["Name"]
    found = aws.client("lambda").get_function(FunctionName=name)
    configuration = found["Configuration"]
    answer = aws.client("lambda").invoke(FunctionName=name, Payload=b'{"a": 1}')
    assert network["SubnetIds"] == configuration["VpcConfig"]["SubnetIds"]
    assert configuration["DeadLetterConfig"]["TargetArn"].endswith(":failures")
    assert found["Concurrency"]["ReservedConcurrentExecutions"] == 3
    assert json.loads(answer["Payload"].read()) == {"a": 1}


def test_workers(aws: Aws) -> None:
    """Functions of the same name in two accounts have their own processes.

    AWS: each function has its own execution environments ("Lambda execution environment").
    """
    source = "import uuid\nME = uuid.uuid4().hex\ndef handler(event, context):\n    return ME\n"
    second_account = Aws(emulator.as_account(aws.endpoint, "2" + aws.endpoint.account[1:]))

    def body(of: Aws) -> dict[str, Any]:
        return template(Role=ROLE, Function=function(code(of, source), FunctionName="same"))

    def process(of: Aws) -> bytes:
        return of.client("lambda").invoke(FunctionName="same")["Payload"].read()

    aws.deploy("s", body(aws), Capabilities=["CAPABILITY_IAM"])
    first = process(aws)
    alone = processes_of("same")
    second_account.deploy("s", body(second_account), Capabilities=["CAPABILITY_IAM"])
    second = process(second_account)
    both = processes_of("same")
    second_account.delete("s")

    assert first != second
    assert first == process(aws)
    assert alone < both
    assert alone == processes_of("same")


IMPORT_MODULES = """
import importlib, json, os, sys
import boto3

def importable(name):
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return False
    return True

def handler(event, context):
    return {
        "importable": [name for name in event if importable(name)],
        "identity": boto3.client("sts").get_caller_identity()["Arn"],
        "environment": sorted(os.environ),
        "setting": os.environ["TABLE_NAME"],
        "path": sys.path,
    }
"""
PROVIDED_BY_LAMBDA = {"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"}
NOT_PROVIDED = {
    "cryptography",
    "deployer",
    "invoke",
    "ministack",
    "psycopg",
    "stacks",
    "troposphere",
}


def test_importable_modules(aws: Aws) -> None:
    """A function can import the standard library, its zip and boto3, and nothing else.

    AWS: Lambda developer guide, Working with .zip file archives for Python functions.
    """
    settings = {"Variables": {"TABLE_NAME": "messages"}}
    function_ = function(
        code(aws, IMPORT_MODULES), FunctionName="alone", Environment=settings, Timeout=30
    )
    aws.deploy("s", template(Role=ROLE, Function=function_), Capabilities=["CAPABILITY_IAM"])
    names = sorted(PROVIDED_BY_LAMBDA | NOT_PROVIDED | {"json", "sqlite3"})

    answer = aws.client("lambda").invoke(FunctionName="alone", Payload=json.dumps(names))

    found = json.loads(answer["Payload"].read())
    assert PROVIDED_BY_LAMBDA | {"json", "sqlite3"} == set(found["importable"])
    assert ":assumed-role/" in found["identity"]
    assert found["setting"] == "messages"
    assert {"AWS_ENDPOINT_URL", "AWS_REGION", "PGSSLROOTCERT"} <= set(found["environment"])
    assert not {"PYTHONPATH", "STATE_DIR", "AUTH", "GATEWAY_PORT"} & set(found["environment"])
    assert not [path for path in found["path"] if path.endswith("site-packages")]


CHECK_EXECUTABLE = """
import os
import boto3

TABLES = boto3.client("dynamodb")

def handler(event, context):
    return [os.access(__file__, os.X_OK), TABLES.meta.region_name]
"""


def test_executable_files(aws: Aws) -> None:
    """A program in the zip is executable; a client can be created when the handler is imported.

    AWS: Lambda keeps the modes of the files in a zip, and sets AWS_REGION and AWS_DEFAULT_REGION.
    """
    function_ = function(code(aws, CHECK_EXECUTABLE), FunctionName="runs", Timeout=30)
    aws.deploy("s", template(Role=ROLE, Function=function_), Capabilities=["CAPABILITY_IAM"])

    answer = aws.client("lambda").invoke(FunctionName="runs")

    assert json.loads(answer["Payload"].read()) == [True, "ca-central-1"]


def test_incomplete_zip(aws: Aws) -> None:
    """A handler that imports a package missing from its zip fails, as on AWS."""
    function_ = function(code(aws, f"import psycopg\n{ECHO}"), FunctionName="incomplete")
    aws.deploy("s", template(Role=ROLE, Function=function_), Capabilities=["CAPABILITY_IAM"])

    answer = aws.client("lambda").invoke(FunctionName="incomplete")

    assert "FunctionError" in answer
    assert "No module named 'psycopg'" in answer["Payload"].read().decode()
