"""Access logs of the CloudFront distributions, delivered in us-east-1."""

from __future__ import annotations

from awacs import s3 as s3_actions
from awacs.aws import Allow, ArnLike, Condition, Principal, Statement, StringEquals
from troposphere import AccountId, Sub, logs

from deployer.model import Env, Template, Value
from stacks.cdn import Cdn
from stacks.parts.buckets import expire, private_bucket
from stacks.parts.names import arn, resource_name

TITLE, NAME = "AccessLogBucket", "cdn-logs"


def define(t: Template, env: Env, cdn: Cdn, *, retention_days: int) -> None:
    """Deliver the access logs of both distributions to one bucket.

    The logs contain IP addresses and are deleted after *retention_days*. This is standard logging
    (v2): the legacy version requires a bucket with access control lists.
    """
    bucket, policy = private_bucket(
        t,
        TITLE,
        env=env,
        name=NAME,
        lifecycle=[expire(retention_days, rule="expire-logs")],
        statements=[_write_access_logs()],
    )
    destination = t.add_resource(
        logs.DeliveryDestination(
            "AccessLogDestination",
            Name=resource_name(env, NAME),
            DestinationResourceArn=bucket.get_att("Arn"),
            OutputFormat="json",
            DependsOn=policy,
        )
    )
    site = _deliver(t, env, "Site", cdn.site_distribution_arn, to=destination)
    assets = _deliver(t, env, "Assets", cdn.assets_distribution_arn, to=destination)
    assets.DependsOn = site  # Concurrent creations conflict at their shared destination.


def _write_access_logs() -> Statement:
    return Statement(
        Sid="WriteAccessLogs",
        Effect=Allow,
        Principal=Principal("Service", "delivery.logs.amazonaws.com"),
        Action=[s3_actions.PutObject],
        Resource=[Sub(f"${{{TITLE}.Arn}}/AWSLogs/${{AWS::AccountId}}/*")],
        Condition=Condition(
            [
                StringEquals({"aws:SourceAccount": AccountId}),
                ArnLike({"aws:SourceArn": arn("logs", "*")}),
            ]
        ),
    )


def _deliver(
    t: Template, env: Env, title: str, distribution: Value, *, to: logs.DeliveryDestination
) -> logs.Delivery:
    source = t.add_resource(
        logs.DeliverySource(
            f"{title}LogSource",
            Name=resource_name(env, title.lower()),
            LogType="ACCESS_LOGS",
            ResourceArn=distribution,
        )
    )
    return t.add_resource(
        logs.Delivery(
            f"{title}LogDelivery",
            DeliverySourceName=source.ref(),
            DeliveryDestinationArn=to.get_att("Arn"),
        )
    )
