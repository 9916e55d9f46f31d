"""Two nested stacks, Left and Right, in each of which a stack with a table is nested.

Settings change the tables or let a resource fail.
"""

from __future__ import annotations

from dataclasses import dataclass

from troposphere import dynamodb, ec2, route53

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks.parts.buckets import private_bucket


class Settings(fields.Settings, frozen=True):
    """The settings of the stack.

    *key* is the partition key of the table in Left. With *retain*, both tables are retained when the stack is
    deleted. *right* adds Right. In Right, *broken* adds a resource that cannot be created, and *bucket* a
    bucket with this name.
    """

    key: str = "pk"
    retain: bool = False
    broken: bool = False
    right: bool = True
    bucket: str = ""
    title: str = "A shelf"


@dataclass(frozen=True)
class Store:
    """The bucket for templates."""

    bucket: Value


@dataclass(frozen=True)
class Table:
    """A table."""

    name: Value


@dataclass(frozen=True)
class NoOutputs:
    """The outputs of other stacks that the innermost stacks use: there are none."""


@dataclass(frozen=True)
class NestedSettings:
    """The settings of a nested stack."""

    key: str
    retain: bool
    broken: bool = False
    bucket: str = ""


def store(t: Template, env: Env) -> Store:
    """Add a bucket for templates."""
    bucket, _ = private_bucket(t, "Store", env=env, name="store", versioned=True, lifecycle=[])
    bucket.DeletionPolicy = bucket.UpdateReplacePolicy = "Delete"
    return Store(bucket.ref())


def define(t: Template, env: Env, settings: Settings, templates: Store) -> None:
    """Add the nested stacks, which one function defines, and a record."""
    t.add_resource(
        route53.RecordSetType(
            "Note",
            HostedZoneId=env.hosted_zone,
            Name=f"note.{env.domain}",
            Type="TXT",
            TTL="60",
            ResourceRecords=[f'"{settings.title}"'],
        )
    )
    left = NestedSettings(settings.key, settings.retain)
    right = NestedSettings("pk", settings.retain, settings.broken, settings.bucket)
    t.nest("Left", middle, env, left, templates, store=templates.bucket)
    if settings.right:
        t.nest("Right", middle, env, right, templates, store=templates.bucket)


def middle(t: Template, env: Env, settings: NestedSettings, templates: Store) -> Table:
    """Add a nested stack."""
    return t.nest("Deep", innermost, env, settings, NoOutputs(), store=templates.bucket)


def innermost(t: Template, env: Env, settings: NestedSettings, _: NoOutputs) -> Table:
    """Add a table, and a bucket or a resource that fails if a test needs one."""
    policy = "Retain" if settings.retain else "Delete"
    table = t.add_resource(
        dynamodb.Table(
            "Table",
            AttributeDefinitions=[
                dynamodb.AttributeDefinition(AttributeName=settings.key, AttributeType="S")
            ],
            KeySchema=[dynamodb.KeySchema(AttributeName=settings.key, KeyType="HASH")],
            BillingMode="PAY_PER_REQUEST",
            PointInTimeRecoverySpecification=dynamodb.PointInTimeRecoverySpecification(
                PointInTimeRecoveryEnabled=True
            ),
            DeletionPolicy=policy,
            UpdateReplacePolicy=policy,
        )
    )
    if settings.bucket:
        private_bucket(t, "Bucket", env=env, name=settings.bucket, lifecycle=[])
    if settings.broken:
        t.add_resource(
            ec2.SecurityGroup(
                "Broken",
                DependsOn=table,
                GroupDescription="In a missing VPC",
                VpcId="vpc-0123abcd",
            )
        )
    return Table(table.ref())
