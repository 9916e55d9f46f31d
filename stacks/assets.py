"""The buckets of images that pages show: avatars of users, and the pictures of the site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from awacs import sns as sns_actions
from awacs.aws import Allow, ArnEquals, Condition, Principal, Statement, StringEquals
from troposphere import AccountId, s3, sns

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks.parts.buckets import bucket_arn, bucket_without_policy, expire_noncurrent
from stacks.parts.topics import topic_policy

AVATARS = "avatars"


class Settings(fields.Settings, frozen=True):
    """The `[assets]` table."""

    noncurrent_version_days: Annotated[int, fields.described("a number of days", ge=1, le=3650)]


@dataclass(frozen=True)
class Assets:
    """Two buckets, and the topic that receives a message for each new avatar.

    *avatar_bucket* holds avatars/<avatar id>.jpg; *picture_bucket* holds the default avatar and
    the banner. They are two buckets because CloudFront responds differently to a missing avatar and
    to a missing picture: see `stacks/cdn.py`, which adds the bucket policies.
    """

    avatar_bucket: Value
    avatar_bucket_arn: Value
    avatar_bucket_domain: Value
    avatar_topic: Value
    picture_bucket: Value
    picture_bucket_arn: Value
    picture_bucket_domain: Value


def define(t: Template, env: Env, settings: Settings) -> Assets:
    """Add both buckets, which keep noncurrent versions for a while, and the topic."""
    lifecycle = [expire_noncurrent(settings.noncurrent_version_days, rule="expire-noncurrent")]
    topic, policy = _topic(t, env)
    avatars = bucket_without_policy(
        t,
        "AvatarBucket",
        env=env,
        name=AVATARS,
        versioned=True,
        lifecycle=lifecycle,
        NotificationConfiguration=_notify(topic),
        DependsOn=policy,  # S3 sends a test message when the notification is created.
    )
    pictures = bucket_without_policy(
        t, "PictureBucket", env=env, name="pictures", versioned=True, lifecycle=lifecycle
    )
    return Assets(
        avatar_bucket=avatars.ref(),
        avatar_bucket_arn=avatars.get_att("Arn"),
        avatar_bucket_domain=avatars.get_att("RegionalDomainName"),
        avatar_topic=topic.ref(),
        picture_bucket=pictures.ref(),
        picture_bucket_arn=pictures.get_att("Arn"),
        picture_bucket_domain=pictures.get_att("RegionalDomainName"),
    )


def _topic(t: Template, env: Env) -> tuple[sns.Topic, sns.TopicPolicy]:
    """Add the topic, whose messages have SHA-256 signatures for subscribers to verify.

    The topic is not encrypted: S3 cannot publish to a topic that is encrypted with an AWS managed
    key, and the messages only contain the names of public images.
    """
    topic = t.add_resource(sns.Topic("AvatarTopic", SignatureVersion="2"))
    return topic, topic_policy(t, topic, _allow_avatar_bucket(env, topic))


def _allow_avatar_bucket(env: Env, topic: sns.Topic) -> Statement:
    """Allow the avatar bucket to publish.

    The bucket depends on this policy, so the ARN of the bucket is built from its name.
    """
    return Statement(
        Sid="AllowAvatarBucketToPublish",
        Effect=Allow,
        Principal=Principal("Service", "s3.amazonaws.com"),
        Action=[sns_actions.Publish],
        Resource=[topic.ref()],
        Condition=Condition(
            [
                ArnEquals({"aws:SourceArn": bucket_arn(env, AVATARS)}),
                StringEquals({"aws:SourceAccount": AccountId}),
            ]
        ),
    )


def _notify(topic: sns.Topic) -> s3.NotificationConfiguration:
    avatars = s3.S3Key(Rules=[s3.Rules(Name="prefix", Value="avatars/")])
    return s3.NotificationConfiguration(
        TopicConfigurations=[
            s3.TopicConfigurations(
                Event="s3:ObjectCreated:*", Filter=s3.Filter(S3Key=avatars), Topic=topic.ref()
            )
        ]
    )
