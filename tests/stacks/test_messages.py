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
def may(messages):
    """What the function may do, by the name of the statement."""
    (policy,) = messages.one("AWS::IAM::Role")["Policies"]
    return statements(policy["PolicyDocument"])


def keys(schema):
    """The names of a key, partition first."""
    assert ["HASH", "RANGE"] == [one["KeyType"] for one in schema]
    return [one["AttributeName"] for one in schema]


def test_the_table_has_the_keys_of_its_access_patterns(table):
    """Messages by conversation and conversations by person, each in the order of time."""
    assert ["pk", "sk"] == keys(table["KeySchema"])


def test_the_index_finds_both_rows_of_a_conversation(table):
    """With all that is in them: the stream's function writes them anew."""
    (index,) = table["GlobalSecondaryIndexes"]

    assert "message-group-sk-index" == index["IndexName"]
    assert ["message_group_uuid", "sk"] == keys(index["KeySchema"])
    assert {"ProjectionType": "ALL"} == index["Projection"]


def test_only_what_is_a_key_is_declared(table):
    """DynamoDB refuses an attribute more."""
    attributes = {
        one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]
    }

    assert {"pk": "S", "sk": "S", "message_group_uuid": "S"} == attributes


def test_the_stream_shows_what_is_new(table):
    """As it is after the change."""
    assert {"StreamViewType": "NEW_IMAGE"} == table["StreamSpecification"]


def test_it_costs_what_is_used(table):
    """Nobody guesses a capacity."""
    assert "PAY_PER_REQUEST" == table["BillingMode"]
    assert "ProvisionedThroughput" not in table
    assert "ProvisionedThroughput" not in table["GlobalSecondaryIndexes"][0]


def test_one_can_go_back_in_time(table, config):
    """In every environment: so it is known to work before it is needed."""
    assert {
        "PointInTimeRecoveryEnabled": True,
        "RecoveryPeriodInDays": config.messages.recovery_days,
    } == table["PointInTimeRecoverySpecification"]


def test_the_days_to_go_back_are_a_setting():
    """35 are the most that DynamoDB has."""
    config = config_of("prod")
    changed = replace(config, messages=replace(config.messages, recovery_days=3))

    table = emit(changed)["messages"].one("AWS::DynamoDB::Table")

    assert 3 == table["PointInTimeRecoverySpecification"]["RecoveryPeriodInDays"]


def test_only_a_protected_table_resists_deletion(table, config):
    """Said also when not: left out, nobody would see that it is."""
    assert config.env.protect == table["DeletionProtectionEnabled"]


def test_messages_do_not_expire(table):
    """Posts do; what people wrote to each other stays."""
    assert "TimeToLiveSpecification" not in table


def test_nobody_copies_its_name(messages, table):
    """CloudFormation chooses it and the stack says it (defect 89)."""
    outputs = {name: one["Value"] for name, one in messages.template["Outputs"].items()}

    assert "TableName" not in table
    assert {
        "Table": {"Ref": "Messages"},
        "TableArn": {"Fn::GetAtt": ["Messages", "Arn"]},
        "Index": "message-group-sk-index",
        "IndexArn": {"Fn::Sub": "${Messages.Arn}/index/message-group-sk-index"},
        "MessagingStream": {"Ref": "MessagingStream"},
        "Failures": {"Fn::GetAtt": ["Failures", "QueueName"]},
    } == outputs


# --- the function that follows the stream -----------------------------------------------------


def test_the_function_sees_new_messages_only(mapping):
    """What it writes itself is in the stream too, and would call it for ever (defect 94)."""
    (one,) = mapping["FilterCriteria"]["Filters"]

    assert {
        "eventName": ["INSERT"],
        "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "MSG#"}]}}},
    } == json.loads(one["Pattern"])


def test_one_bad_message_holds_up_nothing_for_long(mapping):
    """What was done is not done again, what fails is found, and is let go of (defect 94)."""
    assert ["ReportBatchItemFailures"] == mapping["FunctionResponseTypes"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert 10 == mapping["MaximumRetryAttempts"]
    assert 6 * 3600 == mapping["MaximumRecordAgeInSeconds"]


def test_messages_come_in_their_order(mapping):
    """From the first one on, and those of a conversation one after the other (defect 93)."""
    assert {"Fn::GetAtt": ["Messages", "StreamArn"]} == mapping["EventSourceArn"]
    assert "TRIM_HORIZON" == mapping["StartingPosition"]
    assert "ParallelizationFactor" not in mapping
    assert 100 == mapping["BatchSize"]


def test_the_function_finds_by_the_index_and_writes_to_the_table(may):
    """Nothing else of either, and no other table (defects 88, 102)."""
    table, index = (
        {"Fn::GetAtt": ["Messages", "Arn"]},
        "${Messages.Arn}/index/message-group-sk-index",
    )

    assert (["dynamodb:Query"], [{"Fn::Sub": index}]) == (
        may["FindConversation"]["Action"],
        may["FindConversation"]["Resource"],
    )
    assert (["dynamodb:DeleteItem", "dynamodb:PutItem"], [table]) == (
        may["MoveConversation"]["Action"],
        may["MoveConversation"]["Resource"],
    )
    assert [{"Fn::Sub": "${Messages.Arn}/stream/*"}] == may["FollowStream"]["Resource"]


def test_the_function_knows_table_and_index_by_what_they_are(messages):
    """Neither is copied (defect 89)."""
    told = messages.one("AWS::Lambda::Function")["Environment"]["Variables"]
    (index,) = messages.one("AWS::DynamoDB::Table")["GlobalSecondaryIndexes"]

    assert {"TABLE_NAME": {"Ref": "Messages"}, "GROUP_INDEX_NAME": index["IndexName"]} == told
