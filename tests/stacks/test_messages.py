"""The DynamoDB table of messages, and the function that reads its stream."""

import json

import pytest
from msgspec.structs import replace

from tests.stacks.templates import config_of, emit, statements


@pytest.fixture
def messages(emitted):
    return emitted["messages"]


@pytest.fixture
def table(messages):
    return messages.one("AWS::DynamoDB::Table")


@pytest.fixture
def mapping(messages):
    return messages.one("AWS::Lambda::EventSourceMapping")


@pytest.fixture
def permissions(messages):
    """Return the statements of the function's role by statement id."""
    (policy,) = messages.one("AWS::IAM::Role")["Policies"]
    return statements(policy["PolicyDocument"])


def keys(schema):
    """Return the attribute names of a key, partition key first."""
    assert [key["KeyType"] for key in schema] == ["HASH", "RANGE"]
    return [key["AttributeName"] for key in schema]


def test_the_table_has_the_keys_of_its_access_patterns(table):
    """Messages are sorted by time in a conversation, conversations by time for a user."""
    assert keys(table["KeySchema"]) == ["pk", "sk"]


def test_the_index_finds_both_items_of_a_conversation(table):
    """The index has all attributes, with which the function writes new items."""
    (index,) = table["GlobalSecondaryIndexes"]

    assert index["IndexName"] == "message-group-sk-index"
    assert keys(index["KeySchema"]) == ["message_group_uuid", "sk"]
    assert index["Projection"] == {"ProjectionType": "ALL"}


def test_only_key_attributes_are_declared(table):
    """Only attributes of keys are declared, because DynamoDB rejects any other definition."""
    attributes = {
        definition["AttributeName"]: definition["AttributeType"]
        for definition in table["AttributeDefinitions"]
    }

    assert attributes == {"pk": "S", "sk": "S", "message_group_uuid": "S"}


def test_the_stream_has_new_images(table):
    """A record of the stream has the item after the change."""
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}


def test_the_table_has_on_demand_capacity(table):
    """No capacity is provisioned for the table or its index."""
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert "ProvisionedThroughput" not in table
    assert "ProvisionedThroughput" not in table["GlobalSecondaryIndexes"][0]


def test_point_in_time_recovery_is_enabled(table, config):
    """Point-in-time recovery is enabled in every environment, so that it is tested before prod."""
    assert {
        "PointInTimeRecoveryEnabled": True,
        "RecoveryPeriodInDays": config.messages.recovery_period_days,
    } == table["PointInTimeRecoverySpecification"]


def test_the_recovery_period_is_a_setting():
    """The setting limits it to the 35 days of DynamoDB."""
    config = config_of("prod")
    changed = replace(config, messages=replace(config.messages, recovery_period_days=3))

    table = emit(changed)["messages"].one("AWS::DynamoDB::Table")

    assert table["PointInTimeRecoverySpecification"]["RecoveryPeriodInDays"] == 3


def test_only_a_protected_table_has_deletion_protection(table, config):
    """Deletion protection is always set explicitly."""
    assert config.env.protect == table["DeletionProtectionEnabled"]


def test_expiry(table):
    """Items expire at the time in the attribute that the backend writes."""
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_outputs(messages, table):
    """CloudFormation generates the table name, and the outputs publish it (defect 89)."""
    outputs = {name: output["Value"] for name, output in messages.template["Outputs"].items()}

    assert "TableName" not in table
    assert outputs == {
        "Table": {"Ref": "MessageTable"},
        "TableArn": {"Fn::GetAtt": ["MessageTable", "Arn"]},
        "Index": "message-group-sk-index",
        "MessagingStream": {"Ref": "MessagingStream"},
        "DeadLetterQueue": {"Fn::GetAtt": ["MessagingStreamDeadLetterQueue", "QueueName"]},
    }


# --- the function that reads the stream -----------------------------------------------------


def test_the_event_filter_selects_new_messages(mapping):
    """The function's own writes to the table do not invoke it again (defect 94)."""
    (event_filter,) = mapping["FilterCriteria"]["Filters"]

    assert json.loads(event_filter["Pattern"]) == {
        "eventName": ["INSERT"],
        "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "MSG#"}]}}},
    }


def test_a_failing_message_does_not_block_the_stream(mapping):
    """Retries are limited, and successful records are not repeated (defect 94)."""
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["MaximumRetryAttempts"] == 10
    assert mapping["MaximumRecordAgeInSeconds"] == 6 * 3600


def test_messages_are_processed_in_order(mapping):
    """The messages of a conversation are processed one after the other (defect 93)."""
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["MessageTable", "StreamArn"]}
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert "ParallelizationFactor" not in mapping
    assert mapping["BatchSize"] == 100


def test_the_function_queries_the_index_and_writes_to_the_table(permissions):
    """The function has no other permissions, and none on other tables (defects 88, 102)."""
    table, index = (
        {"Fn::GetAtt": ["MessageTable", "Arn"]},
        "${MessageTable.Arn}/index/message-group-sk-index",
    )

    assert (["dynamodb:Query"], [{"Fn::Sub": index}]) == (
        permissions["QueryConversations"]["Action"],
        permissions["QueryConversations"]["Resource"],
    )
    assert (["dynamodb:DeleteItem", "dynamodb:PutItem"], [table]) == (
        permissions["ReplaceConversations"]["Action"],
        permissions["ReplaceConversations"]["Resource"],
    )
    assert permissions["ReadStream"]["Resource"] == [{"Fn::Sub": "${MessageTable.Arn}/stream/*"}]


def test_the_function_has_the_names_of_table_and_index(messages):
    """The names are references, not copies (defect 89)."""
    variables = messages.one("AWS::Lambda::Function")["Environment"]["Variables"]
    (index,) = messages.one("AWS::DynamoDB::Table")["GlobalSecondaryIndexes"]

    assert {
        "TABLE_NAME": {"Ref": "MessageTable"},
        "GROUP_INDEX_NAME": index["IndexName"],
    } == variables
