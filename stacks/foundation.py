"""What every other stack stands on: artifacts, alerts, and the limits of a release."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from awacs import s3 as storage
from awacs import sns as publishing
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
from stacks.parts.names import arn
from stacks.parts.topics import topic_policy
from stacks.permissions.boundary import boundary as role_boundary
from stacks.permissions.release import release_policies


class Settings(fields.Settings, frozen=True):
    """The `[foundation]` table."""

    alert_emails: tuple[fields.Email, ...]
    replaced_artifact_days: Annotated[int, fields.described("a number of days", ge=1, le=3650)]


@dataclass(frozen=True)
class Foundation:
    """Where artifacts go, who hears of alarms, and what a release may do."""

    artifacts: Value
    artifacts_arn: Value
    alerts: Value
    release_role: Value
    boundary: Value


def define(t: Template, env: Env, settings: Settings) -> Foundation:
    """A person deploys this stack, never the pipeline: it holds the pipeline's limits."""
    artifacts = _artifacts(t, env, settings.replaced_artifact_days)
    alerts = _alerts(t, env, settings.alert_emails)
    boundary = t.add_resource(
        iam.ManagedPolicy(
            "PermissionsBoundary",
            Description="The most a role of this environment can do, whatever its policies say",
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
    """Lambda zips and templates; a name holds a digest, so nothing current is ever replaced.

    Nothing current expires either: a rollback may want a zip of long ago.
    A release adds objects to one folder, and cannot replace them: an object that an administrator
    verified there does not change. Only administrators write to the other folders.
    """
    bucket, _ = private_bucket(
        t,
        "Artifacts",
        env=env,
        name="artifacts",
        versioned=True,
        lifecycle=[expire_noncurrent(days, rule="replaced-artifacts")],
        statements=_limits_of_releases(env),
    )
    return bucket


def _limits_of_releases(env: Env) -> list[Statement]:
    """Deny changes of the bucket's objects to all roles that stacks of this environment create.

    Their own policies allow no more. This applies even if one of them is extended.
    """
    bucket = bucket_arn(env, "artifacts")
    released = objects(bucket, f"{RELEASES}*")
    roles = {"aws:PrincipalArn": arn("iam", f"role/{env.stack_name('*')}")}
    deny = partial(Statement, Effect=Deny, Principal=Principal("*"))
    return [
        deny(
            Sid="DenyDeletionByReleases",
            Action=[storage.DeleteObject, storage.DeleteObjectVersion],
            Resource=[objects(bucket)],
            Condition=Condition(ArnLike(roles)),
        ),
        deny(
            Sid="DenyReleasesOutsideTheirFolder",
            Action=[storage.PutObject],
            NotResource=[released],
            Condition=Condition(ArnLike(roles)),
        ),
        deny(
            Sid="DenyOverwritesByReleases",
            Action=[storage.PutObject],
            Resource=[released],
            Condition=Condition([ArnLike(roles), Null({"s3:if-none-match": "true"})]),
        ),
    ]


def _alerts(t: Template, env: Env, emails: tuple[str, ...]) -> sns.Topic:
    """One topic for all alarms; each address confirms its subscription from a mail."""
    topic = t.add_resource(sns.Topic("Alerts", DisplayName=f"{env.project} {env.name}"))
    topic_policy(t, topic, _alarms_may_publish(topic))
    for email in emails:
        # Named after the address: with a number, removing one would move all that follow.
        letters = "".join(filter(str.isalnum, email.title()))
        t.add_resource(
            sns.SubscriptionResource(
                f"AlertTo{letters}", TopicArn=topic.ref(), Protocol="email", Endpoint=email
            )
        )
    return topic


def _alarms_may_publish(topic: sns.Topic) -> Statement:
    return Statement(
        Sid="AllowAlarmsToPublish",
        Effect=Allow,
        Principal=Principal("Service", "cloudwatch.amazonaws.com"),
        Action=[publishing.Publish],
        Resource=[topic.ref()],
        Condition=Condition(StringEquals({"aws:SourceAccount": AccountId})),
    )


def _release_role(
    t: Template, env: Env, *, boundary: iam.ManagedPolicy, artifacts: s3.Bucket
) -> iam.Role:
    """What CloudFormation is, when the pipeline lets it carry out a change set."""
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
