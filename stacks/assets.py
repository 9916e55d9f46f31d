"""The pictures that pages show: avatars of people, and what they all share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from awacs import sns as publishing
from awacs.aws import Allow, ArnEquals, Condition, Principal, Statement, StringEquals
from troposphere import AccountId, s3, sns

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks.parts.buckets import bucket_arn, bucket_without_policy, expire_noncurrent
from stacks.parts.topics import topic_policy

AVATARS = "avatars"


class Settings(fields.Settings, frozen=True):
    """The `[assets]` table."""

    replaced_picture_days: Annotated[int, fields.described("a number of days", ge=1, le=3650)]


@dataclass(frozen=True)
class Assets:
    """Two buckets, and the topic that hears of each new avatar.

    *avatars* has what people upload, as avatars/<avatar id>.jpg; *pictures* has ours: the default
    avatar and the banner. They are two because what is missing is answered differently: see
    `stacks/cdn.py`, which also has their policies.
    """

    avatars: Value
    avatars_arn: Value
    avatars_domain: Value
    avatar_topic: Value
    pictures: Value
    pictures_arn: Value
    pictures_domain: Value


def define(t: Template, env: Env, settings: Settings) -> Assets:
    """Both buckets keep what was replaced for a while: a mistake can be taken back."""
    replaced = expire_noncurrent(settings.replaced_picture_days, rule="replaced-pictures")
    topic, policy = _topic(t, env)
    avatars = bucket_without_policy(
        t,
        "Avatars",
        env=env,
        name=AVATARS,
        versioned=True,
        lifecycle=[replaced],
        NotificationConfiguration=_tells(topic),
        DependsOn=policy,  # S3 tries the topic when it is told of it.
    )
    pictures = bucket_without_policy(
        t, "Pictures", env=env, name="pictures", versioned=True, lifecycle=[replaced]
    )
    return Assets(
        avatars=avatars.ref(),
        avatars_arn=avatars.get_att("Arn"),
        avatars_domain=avatars.get_att("RegionalDomainName"),
        avatar_topic=topic.ref(),
        pictures=pictures.ref(),
        pictures_arn=pictures.get_att("Arn"),
        pictures_domain=pictures.get_att("RegionalDomainName"),
    )


def _topic(t: Template, env: Env) -> tuple[sns.Topic, sns.TopicPolicy]:
    """What listens has only the signature to go by, so that is SHA-256.

    Not encrypted with a key: S3 cannot publish under AWS's own, and the message names a picture
    that everyone can see.
    """
    topic = t.add_resource(sns.Topic("NewAvatars", SignatureVersion="2"))
    return topic, topic_policy(t, topic, _only_avatars_publish(env, topic))


def _only_avatars_publish(env: Env, topic: sns.Topic) -> Statement:
    """The bucket waits for this, so it is named by the ARN that it will have."""
    return Statement(
        Sid="OnlyAvatarsPublish",
        Effect=Allow,
        Principal=Principal("Service", "s3.amazonaws.com"),
        Action=[publishing.Publish],
        Resource=[topic.ref()],
        Condition=Condition(
            [
                ArnEquals({"aws:SourceArn": bucket_arn(env, AVATARS)}),
                StringEquals({"aws:SourceAccount": AccountId}),
            ]
        ),
    )


def _tells(topic: sns.Topic) -> s3.NotificationConfiguration:
    avatars = s3.S3Key(Rules=[s3.Rules(Name="prefix", Value="avatars/")])
    return s3.NotificationConfiguration(
        TopicConfigurations=[
            s3.TopicConfigurations(
                Event="s3:ObjectCreated:*", Filter=s3.Filter(S3Key=avatars), Topic=topic.ref()
            )
        ]
    )
