"""A small stack of DNS records, with a failure or a bucket if a test needs one."""

from __future__ import annotations

from dataclasses import dataclass

from troposphere import Join, ec2, route53

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks.parts.buckets import private_bucket


class Settings(fields.Settings, frozen=True):
    """The settings of a small stack.

    *broken* adds a resource that cannot be created, *bucket* a bucket with this name. With *retain*,
    the bucket is retained when the stack is deleted.
    """

    notes: int = 2
    title: str = "A small stack"
    broken: bool = False
    bucket: str = ""
    retain: bool = False


@dataclass(frozen=True)
class SmallStack:
    """The output of a small stack; the last one has none."""

    note: Value | None


def define(
    t: Template,
    env: Env,
    settings: Settings,
    *dependencies: SmallStack,
    name: str,
    last: bool = False,
) -> SmallStack:
    """Create DNS records whose text contains the outputs of the *dependencies*."""
    text = Join(" ", [f'"{settings.title}', *(dependency.note for dependency in dependencies), '"'])
    notes = [
        t.add_resource(
            route53.RecordSetType(
                f"Note{number}",
                HostedZoneId=env.hosted_zone,
                Name=f"note{number}.{name}.{env.domain}",
                Type="TXT",
                TTL="60",
                ResourceRecords=[text],
            )
        )
        for number in range(1, settings.notes + 1)
    ]
    if settings.broken:
        t.add_resource(
            ec2.SecurityGroup(
                "Broken",
                DependsOn=notes,
                GroupDescription="In a missing VPC",
                VpcId=dependencies[0].note,
            )
        )
    if settings.bucket:
        bucket, _ = private_bucket(t, "Bucket", env=env, name=settings.bucket, lifecycle=[])
        if settings.retain:
            bucket.DeletionPolicy = bucket.UpdateReplacePolicy = "Retain"
    return SmallStack(note=None if last else notes[0].ref())
