"""Statements that deny a release what its other statements would allow."""

from __future__ import annotations

from collections.abc import Sequence

from awacs import cloudwatch, iam, logs, rds, s3, sns
from awacs.aws import Action, Bool, Condition, Deny, ForAnyValueStringNotLike, Statement

from deployer.model import Env, Value
from stacks.parts.buckets import bucket_arn
from stacks.parts.names import arn
from stacks.permissions.resources import MANUAL_STACKS


def deny_roles_of_manual_stacks(env: Env) -> Statement:
    """Deny changes of the roles and policies that limit a release.

    Other statements of the release role allow changes of roles by a prefix that these names have, too.
    """
    names = [f"{env.stack_name(stack)}-*" for stack in MANUAL_STACKS]
    return _deny(
        "DenyRolesOfManualStacks",
        [iam.Action("*")],
        *(arn("iam", f"{kind}/{name}") for kind in ("role", "policy") for name in names),
    )


def deny_artifact_buckets(env: Env, artifacts: Value) -> Statement:
    """Deny writes to the bucket of code and templates, and to the bucket of the pipeline."""
    return _deny(
        "DenyArtifactBuckets",
        [s3.Action("Create*"), s3.Action("Delete*"), s3.Action("Put*")],
        artifacts,
        bucket_arn(env, "pipeline"),
    )


def deny_alert_topic(env: Env) -> Statement:
    """Deny changes of the recipients of alarms and of the permission to publish alarms."""
    verbs = ("Add*", "Create*", "Delete*", "Remove*", "Set*", "Subscribe", "Unsub*")
    return _deny("DenyAlertTopic", [sns.Action(verb) for verb in verbs], _alert_topic(env))


def deny_pipeline_logs(env: Env) -> Statement:
    """Deny a release, and every role that it creates, access to the logs that approvers read."""
    log_groups = arn("logs", f"log-group:{env.stack_name('pipeline')}-*")
    return _deny("DenyPipelineLogs", [logs.Action("*")], log_groups)


def deny_other_alarm_actions(env: Env) -> Statement:
    """Deny alarms that do more than send an alert or scale a service.

    An alarm action can stop or terminate any EC2 instance of the account, which the release role
    cannot.
    """
    allowed = [_alert_topic(env), arn("autoscaling", "scalingPolicy:*")]
    condition = Condition(ForAnyValueStringNotLike({"cloudwatch:AlarmActions": allowed}))
    return _deny("DenyOtherAlarmActions", [cloudwatch.PutMetricAlarm], "*", condition=condition)


def deny_open_databases() -> list[Statement]:
    """Deny a master password that is not managed by RDS, and a public address.

    IAM evaluates whether a database is public when it is created, but not when it is modified.
    """
    return [
        _deny(
            "DenyUnmanagedPasswords",
            [rds.CreateDBInstance, rds.ModifyDBInstance],
            "*",
            condition=Condition(Bool({"rds:ManageMasterUserPassword": "false"})),
        ),
        _deny(
            "DenyPublicDatabases",
            [rds.CreateDBInstance],
            "*",
            condition=Condition(Bool({"rds:PubliclyAccessible": "true"})),
        ),
    ]


def _alert_topic(env: Env) -> Value:
    return arn("sns", f"{env.stack_name('foundation')}-*")


def _deny(
    sid: str, actions: Sequence[Action], *resources: Value, condition: Condition | None = None
) -> Statement:
    return Statement(
        Sid=sid,
        Effect=Deny,
        Action=list(actions),
        Resource=list(resources),
        **({"Condition": condition} if condition else {}),
    )
