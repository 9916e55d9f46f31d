"""Resources that always come together, and the few words that every stack says the same way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import awacs.aws
from awacs import sns as publishing
from awacs.aws import Allow, Bool, Condition, Deny, PolicyDocument, Principal, Statement
from troposphere import Sub, Tags, route53, s3, sns
from troposphere.validators.route53 import AliasTarget

from deployer.stack import Env, Template, Value


def own(env: Env, name: str) -> str:
    """The name of something this environment owns: the pipeline may touch nothing else."""
    return env.stack_name(name)


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
    """An ARN of this account and region; those of CloudFront and IAM have no region."""
    region = "" if service in {"cloudfront", "iam"} else "${AWS::Region}"
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


def alias_records(
    t: Template,
    title: str,
    *,
    env: Env,
    host: str,
    target: Value,
    zone: Value,
    types: Sequence[str] = ("A", "AAAA"),
) -> None:
    """Make *host* another name of *target*, which lies in AWS's own hosted *zone*."""
    for type_ in types:
        t.add_resource(
            route53.RecordSetType(
                f"{title}Record{type_}",
                HostedZoneId=env.hosted_zone,
                Name=host,
                Type=type_,
                AliasTarget=AliasTarget(  # type: ignore[no-untyped-call]  # no annotations there
                    DNSName=target, HostedZoneId=zone, EvaluateTargetHealth=False
                ),
            )
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
    """A bucket nobody reaches without TLS, or from outside but by *statements*."""
    bucket = bucket_alone(t, title, env=env, name=name, lifecycle=lifecycle, versioned=versioned)
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


def bucket_arn(env: Env, name: str) -> Sub:
    """The ARN that the bucket *name* will have, for what it has to wait for."""
    return Sub(
        f"arn:${{AWS::Partition}}:s3:::{own(env, name)}-${{AWS::AccountId}}-${{AWS::Region}}-an"
    )


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
                    _only_over_tls(awacs.aws.Action("s3", "*"), arn, objects(arn)),
                    *statements,
                ],
            ),
            **keep(env),
        )
    )


def objects(bucket: Value, key: str = "*") -> Sub:
    """The ARN of what is in the bucket whose ARN is *bucket*."""
    return Sub(f"${{Bucket}}/{key}", Bucket=bucket)


def topic_policy(t: Template, topic: sns.Topic, publisher: Statement) -> sns.TopicPolicy:
    """The policy of *topic*: TLS only, and one *publisher*."""
    return t.add_resource(
        sns.TopicPolicy(
            f"{topic.title}Policy",
            Topics=[topic.ref()],
            PolicyDocument=PolicyDocument(
                Version="2012-10-17",
                Statement=[publisher, _only_over_tls(publishing.Publish, topic.ref())],
            ),
        )
    )


def _without_leftovers() -> s3.LifecycleRule:
    return s3.LifecycleRule(
        Id="unfinished-uploads",
        Status="Enabled",
        AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(DaysAfterInitiation=7),
    )


def _only_over_tls(action: awacs.aws.Action, *resources: Value) -> Statement:
    return Statement(
        Sid="OnlyOverTls",
        Effect=Deny,
        Principal=Principal("*"),
        Action=[action],
        Resource=list(resources),
        Condition=Condition(Bool({"aws:SecureTransport": "false"})),
    )
