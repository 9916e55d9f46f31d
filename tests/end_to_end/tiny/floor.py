"""A few DNS records that know what they stand on, and what a test wants to go wrong."""

from __future__ import annotations

from dataclasses import dataclass

from troposphere import Join, ec2, route53

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks.parts.buckets import private_bucket


class Settings(fields.Settings, frozen=True):
    """The table of a floor.

    *broken* adds what cannot be made, *bucket* a bucket of that name, which outlives the stack if
    it *keeps*.
    """

    notes: int = 2
    title: str = "A floor"
    broken: bool = False
    bucket: str = ""
    keeps: bool = False


@dataclass(frozen=True)
class Floor:
    """What others can stand on; the last floor gives nothing."""

    note: Value | None


def define(
    t: Template, env: Env, settings: Settings, *below: Floor, name: str, last: bool = False
) -> Floor:
    """Records, each with what is below as its text."""
    text = Join(" ", [f'"{settings.title}', *(floor.note for floor in below), '"'])
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
                GroupDescription="In what is no VPC",
                VpcId=below[0].note,
            )
        )
    if settings.bucket:
        bucket, _ = private_bucket(t, "Bucket", env=env, name=settings.bucket, lifecycle=[])
        if settings.keeps:
            bucket.DeletionPolicy = bucket.UpdateReplacePolicy = "Retain"
    return Floor(note=None if last else notes[0].ref())
