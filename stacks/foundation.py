"""The foundation: the artifact bucket, the alert topic, and the permissions of a release."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from awacs import s3 as s3_actions
from awacs import sns as sns_actions
from awacs.aws import (
    Allow,
    ArnLike,
    Condition,
    Deny,
    Null,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
)
from troposphere import AccountId, iam, s3, sns

from deployer.artifacts import RELEASES
from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks.parts.buckets import bucket_arn, expire_noncurrent, objects, private_bucket
from stacks.parts.iam import trust_policy
from stacks.parts.names import arn, email_title
from stacks.parts.topics import topic_policy
from stacks.permissions.boundary import boundary as role_boundary
from stacks.permissions.release import release_policies


class Settings(fields.Settings, frozen=True):
    """The `[foundation]` table."""

    alert_emails: tuple[fields.Email, ...]
    replaced_artifact_days: Annotated[int, fields.described("a number of days", ge=1, le=3650)]


@dataclass(frozen=True)
class Foundation:
    """The artifact bucket, the alert topic, the release role and the permissions boundary."""

    artifacts: Value
    artifacts_arn: Value
    alerts: Value
    release_role: Value
    boundary: Value


def define(t: Template, env: Env, settings: Settings) -> Foundation:
    """Add the resources that only an administrator deploys, since they limit the pipeline."""
    artifacts = _artifacts(t, env, settings.replaced_artifact_days)
    alerts = _alerts(t, env, settings.alert_emails)
    boundary = t.add_resource(
        iam.ManagedPolicy(
            "PermissionsBoundary",
            Description="Permissions boundary of the roles that releases create",
            PolicyDocument=role_boundary(env),
        )
    )
    release = _release_role(t, env, boundary=boundary, artifacts=artifacts)
    return Foundation(
        artifacts=artifacts.ref(),
        artifacts_arn=artifacts.get_att("Arn"),
        alerts=alerts.ref(),
        release_role=release.get_att("Arn"),
        boundary=boundary.ref(),
    )


def _artifacts(t: Template, env: Env, days: int) -> s3.Bucket:
    """Add the bucket of Lambda zips and templates, whose keys contain a digest of the content.

    Current objects do not expire, because a rollback may need an old zip.
    A release adds objects below one key prefix and cannot replace them, so an object that an
    administrator verified does not change. Only administrators write below the other prefixes.
    """
    bucket, _ = private_bucket(
        t,
        "Artifacts",
        env=env,
        name="artifacts",
        versioned=True,
        lifecycle=[expire_noncurrent(days, rule="expire-replaced-artifacts")],
        statements=_deny_changes_by_releases(env),
    )
    return bucket


def _deny_changes_by_releases(env: Env) -> list[Statement]:
    """Return statements that prevent all roles of this environment from changing objects.

    The policies of the roles do not allow such changes either. The bucket policy still denies them
    if a role gets more permissions.
    """
    bucket = bucket_arn(env, "artifacts")
    released = objects(bucket, f"{RELEASES}*")
    roles = {"aws:PrincipalArn": arn("iam", f"role/{env.stack_name('*')}")}
    deny = partial(Statement, Effect=Deny, Principal=Principal("*"))
    return [
        deny(
            Sid="DenyDeletionByReleases",
            Action=[s3_actions.DeleteObject, s3_actions.DeleteObjectVersion],
            Resource=[objects(bucket)],
            Condition=Condition(ArnLike(roles)),
        ),
        deny(
            Sid="DenyReleasesOutsideTheirFolder",
            Action=[s3_actions.PutObject],
            NotResource=[released],
            Condition=Condition(ArnLike(roles)),
        ),
        deny(
            Sid="DenyOverwritesByReleases",
            Action=[s3_actions.PutObject],
            Resource=[released],
            Condition=Condition([ArnLike(roles), Null({"s3:if-none-match": "true"})]),
        ),
    ]


def _alerts(t: Template, env: Env, emails: tuple[str, ...]) -> sns.Topic:
    """Add the topic of all alarms. The owner of each address confirms its subscription by mail."""
    topic = t.add_resource(sns.Topic("Alerts", DisplayName=f"{env.project} {env.name}"))
    topic_policy(t, topic, _allow_alarms_to_publish(topic))
    for email in emails:
        # The title contains the address, so removing one address replaces no other subscription.
        t.add_resource(
            sns.SubscriptionResource(
                f"AlertSubscription{email_title(email)}",
                TopicArn=topic.ref(),
                Protocol="email",
                Endpoint=email,
            )
        )
    return topic


def _allow_alarms_to_publish(topic: sns.Topic) -> Statement:
    return Statement(
        Sid="AllowAlarmsToPublish",
        Effect=Allow,
        Principal=Principal("Service", "cloudwatch.amazonaws.com"),
        Action=[sns_actions.Publish],
        Resource=[topic.ref()],
        Condition=Condition(StringEquals({"aws:SourceAccount": AccountId})),
    )


def _release_role(
    t: Template, env: Env, *, boundary: iam.ManagedPolicy, artifacts: s3.Bucket
) -> iam.Role:
    """Add the role with which CloudFormation executes the change sets of the pipeline."""
    subjects = release_policies(env, boundary=boundary.ref(), artifacts=artifacts.get_att("Arn"))
    policies = [
        t.add_resource(
            iam.ManagedPolicy(
                f"Release{subject}Policy",
                PolicyDocument=PolicyDocument(Version="2012-10-17", Statement=statements),
            )
        )
        for subject, statements in subjects.items()
    ]
    return t.add_resource(
        iam.Role(
            "ReleaseRole",
            AssumeRolePolicyDocument=trust_policy("cloudformation"),
            ManagedPolicyArns=[policy.ref() for policy in policies],
        )
    )
