"""Direct messages: one table for conversations, their messages, and who takes part in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from troposphere import Sub, dynamodb

from deployer import fields
from deployer.stack import Env, Template, Value
from stacks.parts import keep

GROUP_INDEX = "message-group-sk-index"


class Settings(fields.Settings, frozen=True):
    """The `[messages]` table."""

    recovery_days: Annotated[int, fields.such("1 to 35 days", ge=1, le=35)]


@dataclass(frozen=True)
class Messages:
    """The table, its index by conversation, and the stream of what is new in it."""

    table: Value
    table_arn: Value
    index: Value
    index_arn: Value
    stream: Value


def define(t: Template, env: Env, settings: Settings) -> Messages:
    """The table; its name is CloudFormation's, so that one could take the place of another.

    | pk | sk | is |
    |---|---|---|
    | MSG#<conversation> | when it was written | a message, and who wrote it |
    | GRP#<person> | when the last message was | a conversation, and who the other one is |

    Only rows of the second kind have message_group_uuid, so only they are in the index: it
    finds the two that a new message brings up to date.
    """
    table = t.add_resource(
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
            **keep(env),
        )
    )
    return Messages(
        table=table.ref(),
        table_arn=table.get_att("Arn"),
        index=GROUP_INDEX,
        index_arn=Sub(f"${{{table.title}.Arn}}/index/{GROUP_INDEX}"),
        stream=table.get_att("StreamArn"),
    )


def _text(name: str) -> dynamodb.AttributeDefinition:
    return dynamodb.AttributeDefinition(AttributeName=name, AttributeType="S")


def _key(partition: str, sort: str) -> list[dynamodb.KeySchema]:
    return [
        dynamodb.KeySchema(AttributeName=partition, KeyType="HASH"),
        dynamodb.KeySchema(AttributeName=sort, KeyType="RANGE"),
    ]
