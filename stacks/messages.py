"""Direct messages: a DynamoDB table, and the function that updates its conversations."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated

from awacs import dynamodb as dynamodb_actions
from awacs.aws import Condition, ForAllValuesStringLike
from troposphere import Sub, awslambda, dynamodb, sqs

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks.foundation import Foundation
from stacks.monitored_outputs import StreamDeadLetterQueueName, StreamReaderName, TableName
from stacks.parts.functions import FunctionFactory, Functions
from stacks.parts.iam import allow
from stacks.parts.queues import allow_send, dead_letter_queue
from stacks.parts.retention import retention_policies

GROUP_INDEX = "message-group-sk-index"
CONVERSATION = "GRP#"  # The prefix of the key of items that the function replaces.
EXPIRY = "expires_at"  # The attribute with the time, in seconds, after which an item is deleted.

READ_STREAM = [
    dynamodb_actions.DescribeStream,
    dynamodb_actions.GetRecords,
    dynamodb_actions.GetShardIterator,
]
NEW_MESSAGE = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "MSG#"}]}}}}


class Settings(fields.Settings, frozen=True):
    """The `[messages]` table."""

    recovery_period_days: Annotated[int, fields.described("1 to 35 days", ge=1, le=35)]


@dataclass(frozen=True)
class Messages:
    """The table, its index of conversations, and the function that reads its stream."""

    table: TableName
    table_arn: Value
    index: Value
    messaging_stream: StreamReaderName
    dead_letter_queue: StreamDeadLetterQueueName


def define(
    t: Template, env: Env, settings: Settings, functions: Functions, foundation: Foundation
) -> Messages:
    """Add the table, its function, and the function's dead-letter queue."""
    table = _table(t, env, settings)
    queue = dead_letter_queue(t, "MessagingStreamDeadLetterQueue", env)
    function = _stream_function(functions.factory(t, env, foundation), table, queue)
    return Messages(
        table=table.ref(),
        table_arn=table.get_att("Arn"),
        index=GROUP_INDEX,
        messaging_stream=function.ref(),
        dead_letter_queue=queue.get_att("QueueName"),
    )


def _table(t: Template, env: Env, settings: Settings) -> dynamodb.Table:
    """Add the table. CloudFormation generates its name, so that it can replace the table.

    | pk | sk | item |
    |---|---|---|
    | MSG#<conversation> | time of the message | a message and its sender |
    | GRP#<user> | time of the last message | a conversation and its other user |
    | CNV#<conversation> | CNV | the participants of a conversation |
    | NEW#<user> | time#<conversation> | a conversation that another user started |
    | KEY#<user>#<idempotency key> | KEY | the message that was sent with the key, for a day |

    Only GRP items have the attribute message_group_uuid, so the index contains only these. The
    function uses the index to find the two GRP items that a new message changes. Only KEY items
    expire.
    """
    return t.add_resource(
        dynamodb.Table(
            "MessageTable",
            AttributeDefinitions=[_string("pk"), _string("sk"), _string("message_group_uuid")],
            KeySchema=_key("pk", "sk"),
            GlobalSecondaryIndexes=[
                dynamodb.GlobalSecondaryIndex(
                    IndexName=GROUP_INDEX,
                    KeySchema=_key("message_group_uuid", "sk"),
                    Projection=dynamodb.Projection(ProjectionType="ALL"),
                )
            ],
            StreamSpecification=dynamodb.StreamSpecification(StreamViewType="NEW_IMAGE"),
            TimeToLiveSpecification=dynamodb.TimeToLiveSpecification(
                AttributeName=EXPIRY, Enabled=True
            ),
            BillingMode="PAY_PER_REQUEST",
            PointInTimeRecoverySpecification=dynamodb.PointInTimeRecoverySpecification(
                PointInTimeRecoveryEnabled=True,
                RecoveryPeriodInDays=settings.recovery_period_days,
            ),
            DeletionProtectionEnabled=env.protect,
            **retention_policies(env),
        )
    )


def _stream_function(
    factory: FunctionFactory, table: dynamodb.Table, queue: sqs.Queue
) -> awslambda.Function:
    """Add the function that updates both items of a conversation with each new message.

    The stream also has the function's own writes; the event filter excludes them. A new event
    source mapping starts with the oldest record, because processing a record twice has no effect.
    If a record ends in the dead-letter queue, the next message of the conversation corrects the
    items.
    """
    function = factory.function(
        "MessagingStream",
        code="messaging_stream",
        timeout_seconds=60,  # Enough for a batch of 100 messages while the index lags.
        memory_mb=256,
        variables={"TABLE_NAME": table.ref(), "GROUP_INDEX_NAME": GROUP_INDEX},
        statements=[
            allow("QueryConversations", [dynamodb_actions.Query], _index_arn(table)),
            allow(
                "ReplaceConversations",
                [dynamodb_actions.DeleteItem, dynamodb_actions.PutItem],
                table.get_att("Arn"),
                condition=Condition(
                    ForAllValuesStringLike({"dynamodb:LeadingKeys": f"{CONVERSATION}*"})
                ),
            ),
            allow("ReadStream", READ_STREAM, Sub(f"${{{table.title}.Arn}}/stream/*")),
            allow(
                "ListStreams", [dynamodb_actions.ListStreams], "*"
            ),  # Supports no other resource.
            allow_send(queue),
        ],
    )
    factory.t.add_resource(
        awslambda.EventSourceMapping(
            "MessagingStreamEventSource",
            FunctionName=function.ref(),
            EventSourceArn=table.get_att("StreamArn"),
            StartingPosition="TRIM_HORIZON",
            BatchSize=100,
            FilterCriteria=awslambda.FilterCriteria(
                Filters=[awslambda.Filter(Pattern=json.dumps(NEW_MESSAGE))]
            ),
            FunctionResponseTypes=["ReportBatchItemFailures"],
            BisectBatchOnFunctionError=True,
            MaximumRetryAttempts=10,
            MaximumRecordAgeInSeconds=6 * 3600,
            DestinationConfig=awslambda.DestinationConfig(
                OnFailure=awslambda.OnFailure(Destination=queue.get_att("Arn"))
            ),
        )
    )
    return function


def _index_arn(table: dynamodb.Table) -> Sub:
    return Sub(f"${{{table.title}.Arn}}/index/{GROUP_INDEX}")


def _string(name: str) -> dynamodb.AttributeDefinition:
    return dynamodb.AttributeDefinition(AttributeName=name, AttributeType="S")


def _key(partition: str, sort: str) -> list[dynamodb.KeySchema]:
    return [
        dynamodb.KeySchema(AttributeName=partition, KeyType="HASH"),
        dynamodb.KeySchema(AttributeName=sort, KeyType="RANGE"),
    ]
