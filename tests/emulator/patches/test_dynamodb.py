"""DynamoDB tables of stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.emulator.functions import role_for_service
from tests.emulator.templates import att, ref, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws

INDEX = "by-group"


def attributes(*names: str) -> list[dict[str, str]]:
    """Return definitions of string attributes."""
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def keys(hash_key: str, range_key: str) -> list[dict[str, str]]:
    """Return a key schema of two attributes."""
    return [
        {"AttributeName": hash_key, "KeyType": "HASH"},
        {"AttributeName": range_key, "KeyType": "RANGE"},
    ]


def table(**properties: Any) -> dict[str, Any]:
    """Return a template of a table with an index and a stream."""
    index = {
        "IndexName": INDEX,
        "KeySchema": keys("group", "sk"),
        "Projection": {"ProjectionType": "ALL"},
    }
    defaults = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": attributes("pk", "sk", "group"),
        "KeySchema": keys("pk", "sk"),
        "GlobalSecondaryIndexes": [index],
        "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
    }
    body = template(Table=resource("AWS::DynamoDB::Table", **defaults | properties))
    outputs = {
        "Name": ref("Table"),
        "Arn": att("Table", "Arn"),
        "Stream": att("Table", "StreamArn"),
    }
    return body | {"Outputs": {name: {"Value": value} for name, value in outputs.items()}}


def recovery(aws: Aws, name: str) -> str:
    """Return the status of point-in-time recovery."""
    backups = aws.client("dynamodb").describe_continuous_backups(TableName=name)
    recovery_ = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return str(recovery_["PointInTimeRecoveryStatus"])


def test_settings(aws: Aws) -> None:
    """A table has the point-in-time recovery, TTL, encryption and stream of its template.

    AWS: AWS::DynamoDB::Table; DescribeTable, DescribeContinuousBackups, DescribeTimeToLive.
    """
    with_recovery = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    with_ttl = {"TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True}}
    aws.deploy("s", table(**with_recovery, **with_ttl, SSESpecification={"SSEEnabled": True}))
    outputs = aws.outputs("s")
    name = outputs["Name"]

    first = aws.client("dynamodb").describe_table(TableName=name)["Table"]
    ttl = aws.client("dynamodb").describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    enabled = recovery(aws, name)
    aws.deploy("s", table(DeletionProtectionEnabled=True))

    assert (enabled, recovery(aws, name)) == ("ENABLED", "DISABLED")
    assert (ttl["AttributeName"], ttl["TimeToLiveStatus"]) == ("expires", "ENABLED")
    assert first["LatestStreamArn"] == outputs["Stream"]
    assert outputs["Stream"].startswith(f"{outputs['Arn']}/stream/")
    assert aws.client("dynamodb").describe_table(TableName=name)["Table"][
        "DeletionProtectionEnabled"
    ]


def test_deletion_protection(aws: Aws) -> None:
    """A table with deletion protection is not deleted; without it, it is deleted with its tags."""
    aws.deploy("s", table(DeletionProtectionEnabled=True))

    protected = aws.delete("s")
    name = aws.outputs("s")["Name"]
    aws.client("dynamodb").update_table(TableName=name, DeletionProtectionEnabled=False)
    unprotected = aws.delete("s")

    tagged = aws.client("resourcegroupstaggingapi").get_resources()["ResourceTagMappingList"]
    assert protected["StackStatus"] == "DELETE_FAILED"
    assert any("protected against deletion" in reason for *_, reason in aws.events("s"))
    assert (unprotected["StackStatus"], tagged) == ("DELETE_COMPLETE", [])


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"AttributeDefinitions": attributes("pk", "sk", "group", "x")}, "AttributeDefinitions"),
        ({"AttributeDefinitions": attributes("pk", "sk")}, "group"),
        ({"BillingMode": "PROVISIONED"}, "hroughput"),
        ({"TableName": "existing"}, "already exists"),
    ],
    ids=["unused attribute", "undefined attribute", "no throughput", "existing name"],
)
def test_invalid_table(aws: Aws, properties: dict[str, Any], message: str) -> None:
    """A table of a stack is validated like one created by CreateTable.

    AWS: CreateTable, ValidationException.
    """
    aws.client("dynamodb").create_table(
        TableName="existing",
        AttributeDefinitions=attributes("a", "b"),
        KeySchema=keys("a", "b"),
        BillingMode="PAY_PER_REQUEST",
    )

    stack = aws.deploy("s", table(**properties))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(message in reason for *_, reason in aws.events("s"))


def test_index_permission(aws: Aws) -> None:
    """A role that may query an index may not query its table.

    AWS: "Using IAM policy conditions …", resource `table/NAME/index/INDEX` (developer guide).
    """
    body = table()
    query = {
        "Effect": "Allow",
        "Action": "dynamodb:Query",
        "Resource": {"Fn::Sub": f"${{Table.Arn}}/index/{INDEX}"},
    }
    root = {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}}
    role = role_for_service("ecs-tasks.amazonaws.com", query)
    trust = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    trust.append({"Effect": "Allow", "Principal": root, "Action": "sts:AssumeRole"})
    body["Resources"]["Role"] = role
    body["Outputs"]["Role"] = {"Value": att("Role", "Arn")}
    aws.deploy("s", body, Capabilities=["CAPABILITY_IAM"])
    outputs = aws.outputs("s")
    item = {"pk": {"S": "a"}, "sk": {"S": "1"}, "group": {"S": "g"}}
    aws.client("dynamodb").put_item(TableName=outputs["Name"], Item=item)

    assumed = aws.client("sts").assume_role(RoleArn=outputs["Role"], RoleSessionName="me")
    keys_ = assumed["Credentials"]
    as_role = boto3.client(
        "dynamodb",
        "ca-central-1",
        endpoint_url=aws.endpoint.url,
        aws_access_key_id=keys_["AccessKeyId"],
        aws_secret_access_key=keys_["SecretAccessKey"],
        aws_session_token=keys_["SessionToken"],
    )
    query_ = {
        "TableName": outputs["Name"],
        "KeyConditionExpression": "#k = :v",
        "ExpressionAttributeNames": {"#k": "group"},
        "ExpressionAttributeValues": {":v": {"S": "g"}},
    }
    items = as_role.query(IndexName=INDEX, **query_)["Items"]
    with pytest.raises(ClientError, match="AccessDenied"):
        as_role.query(**query_ | {"ExpressionAttributeNames": {"#k": "pk"}})
    with pytest.raises(ClientError, match="AccessDenied"):
        as_role.put_item(TableName=outputs["Name"], Item=item)
    as_role.close()

    assert [item] == items
