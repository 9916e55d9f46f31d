"""Direct messages: one table, and the function that keeps its conversations up to date."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated

from awacs import dynamodb as tables
from troposphere import Sub, awslambda, dynamodb, sqs

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks.foundation import Foundation
from stacks.monitored_outputs import DeadLetterQueueName, StreamReaderName, TableName
from stacks.parts.functions import FunctionFactory, Functions
from stacks.parts.iam import allow
from stacks.parts.queues import allow_send, dead_letter_queue
from stacks.parts.retention import retention_policies

GROUP_INDEX = "message-group-sk-index"

FOLLOW = [
    tables.DescribeStream,
    tables.GetRecords,
    tables.GetShardIterator,
    tables.ListStreams,
]
NEW_MESSAGE = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "MSG#"}]}}}}


class Settings(fields.Settings, frozen=True):
    """The `[messages]` table."""

    recovery_days: Annotated[int, fields.described("1 to 35 days", ge=1, le=35)]


@dataclass(frozen=True)
class Messages:
    """The table, its index by conversation, and what follows the stream of new messages.

    *failures* is the queue of messages that the function gave up on.
    """

    table: TableName
    table_arn: Value
    index: Value
    index_arn: Value
    messaging_stream: StreamReaderName
    failures: DeadLetterQueueName


def define(
    t: Template, env: Env, settings: Settings, functions: Functions, base: Foundation
) -> Messages:
    """The table and its function."""
    table = _table(t, env, settings)
    queue = dead_letter_queue(t, "Failures", env)
    newest = _newest(functions.factory(t, env, base), table, queue)
    return Messages(
        table=table.ref(),
        table_arn=table.get_att("Arn"),
        index=GROUP_INDEX,
        index_arn=_index_arn(table),
        messaging_stream=newest.ref(),
        failures=queue.get_att("QueueName"),
    )


def _table(t: Template, env: Env, settings: Settings) -> dynamodb.Table:
    """The table; its name is CloudFormation's, so that one could take the place of another.

    | pk | sk | is |
    |---|---|---|
    | MSG#<conversation> | when it was written | a message, and who wrote it |
    | GRP#<person> | when the last message was | a conversation, and who the other one is |

    Only rows of the second kind have message_group_uuid, so only they are in the index: it
    finds the two that a new message brings up to date.
    """
    return t.add_resource(
        dynamodb.Table(
            "Messages",
            AttributeDefinitions=[_text("pk"), _text("sk"), _text("message_group_uuid")],
            KeySchema=_key("pk", "sk"),
            GlobalSecondaryIndexes=[
                dynamodb.GlobalSecondaryIndex(
                    IndexName=GROUP_INDEX,
                    KeySchema=_key("message_group_uuid", "sk"),
                    Projection=dynamodb.Projection(ProjectionType="ALL"),
                )
            ],
            StreamSpecification=dynamodb.StreamSpecification(StreamViewType="NEW_IMAGE"),
            BillingMode="PAY_PER_REQUEST",
            PointInTimeRecoverySpecification=dynamodb.PointInTimeRecoverySpecification(
                PointInTimeRecoveryEnabled=True, RecoveryPeriodInDays=settings.recovery_days
            ),
            DeletionProtectionEnabled=env.protect,
            **retention_policies(env),
        )
    )


def _newest(
    factory: FunctionFactory, table: dynamodb.Table, queue: sqs.Queue
) -> awslambda.Function:
    """Bring both rows of a conversation up to date with each new message of it.

    What it writes itself is in the stream as well, and is no new message. Should the function be
    made anew, it starts with the oldest record there is: what was seen before changes nothing.
    What it has given up on is shown with the next message of the conversation.
    """
    newest = factory.function(
        "MessagingStream",
        code="messaging_stream",
        timeout_seconds=60,  # For a hundred messages, should the index be behind.
        memory_mb=256,
        variables={"TABLE_NAME": table.ref(), "GROUP_INDEX_NAME": GROUP_INDEX},
        statements=[
            allow("FindConversation", [tables.Query], _index_arn(table)),
            allow("MoveConversation", [tables.DeleteItem, tables.PutItem], table.get_att("Arn")),
            allow("FollowStream", FOLLOW, Sub(f"${{{table.title}.Arn}}/stream/*")),
            allow_send(queue),
        ],
    )
    factory.t.add_resource(
        awslambda.EventSourceMapping(
            "NewMessages",
            FunctionName=newest.ref(),
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
    return newest


def _index_arn(table: dynamodb.Table) -> Sub:
    return Sub(f"${{{table.title}.Arn}}/index/{GROUP_INDEX}")


def _text(name: str) -> dynamodb.AttributeDefinition:
    return dynamodb.AttributeDefinition(AttributeName=name, AttributeType="S")


def _key(partition: str, sort: str) -> list[dynamodb.KeySchema]:
    return [
        dynamodb.KeySchema(AttributeName=partition, KeyType="HASH"),
        dynamodb.KeySchema(AttributeName=sort, KeyType="RANGE"),
    ]
