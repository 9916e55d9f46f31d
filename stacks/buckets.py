"""Buckets: private, reached over TLS only, named in this account's own namespace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import awacs.aws
from awacs.aws import PolicyDocument, Statement
from troposphere import Sub, s3

from deployer.model import Env, Template, Value
from stacks.parts import keep, only_over_tls, own


def private_bucket(
    t: Template,
    title: str,
    *,
    env: Env,
    name: str,
    lifecycle: Sequence[s3.LifecycleRule],
    versioned: bool = False,
    statements: Sequence[Statement] = (),
    **settings: Any,
) -> tuple[s3.Bucket, s3.BucketPolicy]:
    """A bucket nobody reaches without TLS, or from outside but by *statements*."""
    bucket = bucket_alone(
        t, title, env=env, name=name, lifecycle=lifecycle, versioned=versioned, **settings
    )
    policy = bucket_policy(
        t,
        f"{title}Policy",
        env=env,
        bucket=bucket.ref(),
        arn=bucket.get_att("Arn"),
        statements=statements,
    )
    return bucket, policy


def bucket_alone(
    t: Template,
    title: str,
    *,
    env: Env,
    name: str,
    lifecycle: Sequence[s3.LifecycleRule],
    versioned: bool = False,
    **settings: Any,
) -> s3.Bucket:
    """A bucket whose `bucket_policy` has to follow, where it is known who reads the bucket.

    Its name is *name* in this account's own namespace, so nobody else can have taken it.
    """
    if versioned:
        settings["VersioningConfiguration"] = s3.VersioningConfiguration(Status="Enabled")
    return t.add_resource(
        s3.Bucket(
            title,
            BucketNamePrefix=own(env, name),
            BucketNamespace="account-regional",
            LifecycleConfiguration=s3.LifecycleConfiguration(
                Rules=[_without_leftovers(), *lifecycle]
            ),
            OwnershipControls=s3.OwnershipControls(
                Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]
            ),
            PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
                BlockPublicAcls=True,
                BlockPublicPolicy=True,
                IgnorePublicAcls=True,
                RestrictPublicBuckets=True,
            ),
            **settings,
            **keep(env),
        )
    )


def bucket_name(env: Env, name: str) -> Sub:
    """The name that the bucket *name* will have, for what it has to wait for."""
    return Sub(_bucket_name(env, name))


def bucket_arn(env: Env, name: str) -> Sub:
    """The ARN that the bucket *name* will have, for what it has to wait for."""
    return Sub(f"arn:${{AWS::Partition}}:s3:::{_bucket_name(env, name)}")


def _bucket_name(env: Env, name: str) -> str:
    return f"{own(env, name)}-${{AWS::AccountId}}-${{AWS::Region}}-an"


def expire_replaced(days: int, *, rule: str) -> s3.LifecycleRule:
    """Let go of a version *days* after it was replaced or deleted; what is current stays."""
    return s3.LifecycleRule(
        Id=rule,
        Status="Enabled",
        NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=days),
    )


def bucket_policy(
    t: Template,
    title: str,
    *,
    env: Env,
    bucket: Value,
    arn: Value,
    statements: Sequence[Statement] = (),
) -> s3.BucketPolicy:
    """The one policy of a bucket, of this stack or another: TLS only, and *statements*."""
    return t.add_resource(
        s3.BucketPolicy(
            title,
            Bucket=bucket,
            PolicyDocument=PolicyDocument(
                Version="2012-10-17",
                Statement=[
                    only_over_tls(awacs.aws.Action("s3", "*"), arn, objects(arn)),
                    *statements,
                ],
            ),
            **keep(env),
        )
    )


def objects(bucket: Value, key: str = "*") -> Sub:
    """The ARN of what is in the bucket whose ARN is *bucket*."""
    return Sub(f"${{Bucket}}/{key}", Bucket=bucket)


def _without_leftovers() -> s3.LifecycleRule:
    return s3.LifecycleRule(
        Id="unfinished-uploads",
        Status="Enabled",
        AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(DaysAfterInitiation=7),
    )
