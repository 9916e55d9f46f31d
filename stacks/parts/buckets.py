"""Private S3 buckets: TLS only, with names in the namespace of the account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from awacs.aws import Action, PolicyDocument, Statement
from troposphere import Sub, s3

from deployer.model import Env, Template, Value
from stacks.parts.iam import deny_insecure_transport
from stacks.parts.names import resource_name
from stacks.parts.retention import retention_policies


def private_bucket(
    t: Template,
    title: str,
    *,
    env: Env,
    name: str,
    lifecycle: Sequence[s3.LifecycleRule],
    versioned: bool = False,
    statements: Sequence[Statement] = (),
    **properties: Any,
) -> tuple[s3.Bucket, s3.BucketPolicy]:
    """Add a bucket and its policy: TLS only, and *statements*."""
    bucket = bucket_without_policy(
        t, title, env=env, name=name, lifecycle=lifecycle, versioned=versioned, **properties
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


def bucket_without_policy(
    t: Template,
    title: str,
    *,
    env: Env,
    name: str,
    lifecycle: Sequence[s3.LifecycleRule],
    versioned: bool = False,
    **properties: Any,
) -> s3.Bucket:
    """Add a bucket. The stack that defines the readers of the bucket calls `bucket_policy`.

    The bucket name is in the namespace of the account, so no other account can have it.
    """
    if versioned:
        properties["VersioningConfiguration"] = s3.VersioningConfiguration(Status="Enabled")
    return t.add_resource(
        s3.Bucket(
            title,
            BucketNamePrefix=resource_name(env, name),
            BucketNamespace="account-regional",
            LifecycleConfiguration=s3.LifecycleConfiguration(
                Rules=[_abort_incomplete_uploads(), *lifecycle]
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
            **properties,
            **retention_policies(env),
        )
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
    """Add the policy of a bucket of this or another stack: TLS only, and *statements*."""
    return t.add_resource(
        s3.BucketPolicy(
            title,
            Bucket=bucket,
            PolicyDocument=PolicyDocument(
                Version="2012-10-17",
                Statement=[
                    deny_insecure_transport(Action("s3", "*"), arn, objects(arn)),
                    *statements,
                ],
            ),
            **retention_policies(env),
        )
    )


def bucket_name(env: Env, name: str) -> Sub:
    """Return the name of the bucket *name* without a dependency on the bucket."""
    return Sub(_bucket_name(env, name))


def bucket_arn(env: Env, name: str) -> Sub:
    """Return the ARN of the bucket *name* without a dependency on the bucket."""
    return Sub(f"arn:${{AWS::Partition}}:s3:::{_bucket_name(env, name)}")


def _bucket_name(env: Env, name: str) -> str:
    return f"{resource_name(env, name)}-${{AWS::AccountId}}-${{AWS::Region}}-an"


def objects(bucket: Value, key: str = "*") -> Sub:
    """Return the ARN of the objects with the *key*, a pattern, in the bucket with the ARN *bucket*."""
    return Sub(f"${{Bucket}}/{key}", Bucket=bucket)


def expire(days: int, *, rule: str) -> s3.LifecycleRule:
    """Return the lifecycle rule that deletes objects after *days*."""
    return s3.LifecycleRule(Id=rule, Status="Enabled", ExpirationInDays=days)


def expire_noncurrent(days: int, *, rule: str) -> s3.LifecycleRule:
    """Return the lifecycle rule that deletes noncurrent versions after *days*."""
    return s3.LifecycleRule(
        Id=rule,
        Status="Enabled",
        NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=days),
    )


def _abort_incomplete_uploads() -> s3.LifecycleRule:
    return s3.LifecycleRule(
        Id="incomplete-uploads",
        Status="Enabled",
        AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(DaysAfterInitiation=7),
    )
