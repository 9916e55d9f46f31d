import pytest
from msgspec.structs import replace

from tests.stacks.ask import config_of, emit


@pytest.fixture
def messages(emitted):
    return emitted["messages"]


@pytest.fixture
def table(messages):
    return messages.one("AWS::DynamoDB::Table")


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
        "Stream": {"Fn::GetAtt": ["Messages", "StreamArn"]},
    } == outputs
