"""Resources that always come together, and the few words that every stack says the same way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import awacs.aws
from awacs.aws import Allow, Bool, Condition, Deny, PolicyDocument, Principal, Statement
from troposphere import Sub, Tags, s3

from deployer.stack import Env, Template


def own(env: Env, name: str) -> str:
    """The name of something this environment owns: the pipeline may touch nothing else."""
    return f"{env.prefix}-{env.name}-{name}"


def named(env: Env, name: str) -> Tags:
    """The tag that the console shows as the name; all other tags are those of the stack."""
    return Tags(Name=own(env, name))


def keep(env: Env) -> dict[str, Any]:
    """What holds data outlives its stack where the environment protects it.

    Nothing can have been stored in what a failed creation made, so that goes: a retained bucket
    or repository would stand in the way of the next attempt, since it has the same name.
    """
    if not env.protect:
        return {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}
    return {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}


def arn(service: str, resource: str) -> Sub:
    """An ARN of this account and region; IAM's have no region."""
    region = "" if service == "iam" else "${AWS::Region}"
    return Sub(f"arn:${{AWS::Partition}}:{service}:{region}:${{AWS::AccountId}}:{resource}")


def trust(service: str, condition: Condition | None = None) -> PolicyDocument:
    """Who may take a role: one AWS service, on *condition*."""
    return PolicyDocument(
        Version="2012-10-17",
        Statement=[
            Statement(
                Effect=Allow,
                Principal=Principal("Service", f"{service}.amazonaws.com"),
                Action=[awacs.aws.Action("sts", "AssumeRole")],
                **({"Condition": condition} if condition else {}),
            )
        ],
    )


def private_bucket(
    t: Template,
    title: str,
    *,
    env: Env,
    name: str,
    lifecycle: Sequence[s3.LifecycleRule],
    versioned: bool = False,
    statements: Sequence[Statement] = (),
) -> tuple[s3.Bucket, s3.BucketPolicy]:
    """A bucket nobody reaches without TLS, or from outside but by *statements*.

    Its name is *name* in this account's own namespace, so nobody else can have taken it.
    """
    settings = keep(env)
    if versioned:
        settings["VersioningConfiguration"] = s3.VersioningConfiguration(Status="Enabled")
    bucket = t.add_resource(
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
        )
    )
    policy = t.add_resource(
        s3.BucketPolicy(
            f"{title}Policy",
            Bucket=bucket.ref(),
            PolicyDocument=PolicyDocument(
                Version="2012-10-17", Statement=[_only_over_tls(bucket), *statements]
            ),
            **keep(env),
        )
    )
    return bucket, policy


def _without_leftovers() -> s3.LifecycleRule:
    return s3.LifecycleRule(
        Id="unfinished-uploads",
        Status="Enabled",
        AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(DaysAfterInitiation=7),
    )


def _only_over_tls(bucket: s3.Bucket) -> Statement:
    return Statement(
        Sid="OnlyOverTls",
        Effect=Deny,
        Principal=Principal("*"),
        Action=[awacs.aws.Action("s3", "*")],
        Resource=[bucket.get_att("Arn"), Sub(f"${{{bucket.title}.Arn}}/*")],
        Condition=Condition(Bool({"aws:SecureTransport": "false"})),
    )
