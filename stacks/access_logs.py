"""Who asked for the site and its pictures: the logs of CloudFront, which come in us-east-1."""

from __future__ import annotations

from awacs import s3 as storage
from awacs.aws import Allow, ArnLike, Condition, Principal, Statement, StringEquals
from troposphere import AccountId, Sub, logs, s3

from deployer.model import Env, Template, Value
from stacks.cdn import Cdn
from stacks.parts.buckets import private_bucket
from stacks.parts.names import arn, resource_name


def define(t: Template, env: Env, web: Cdn, *, days: int) -> None:
    """Both distributions log into one bucket, where an address is kept for so many *days*.

    This is the newer way of two: the older one wants a bucket with access lists.
    """
    bucket, policy = private_bucket(
        t,
        "Visits",
        env=env,
        name="visits",
        lifecycle=[_expire(days)],
        statements=[_delivery("Visits")],
    )
    destination = t.add_resource(
        logs.DeliveryDestination(
            "VisitsDestination",
            Name=resource_name(env, "visits"),
            DestinationResourceArn=bucket.get_att("Arn"),
            OutputFormat="json",
            DependsOn=policy,
        )
    )
    site = _deliver(t, env, "Site", web.site_distribution_arn, to=destination)
    assets = _deliver(t, env, "Assets", web.assets_distribution_arn, to=destination)
    assets.DependsOn = site  # Two made at once would be in conflict at their destination.


def _expire(days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(Id="old-logs", Status="Enabled", ExpirationInDays=days)


def _delivery(bucket: str) -> Statement:
    return Statement(
        Sid="LogDelivery",
        Effect=Allow,
        Principal=Principal("Service", "delivery.logs.amazonaws.com"),
        Action=[storage.PutObject],
        Resource=[Sub(f"${{{bucket}.Arn}}/AWSLogs/${{AWS::AccountId}}/*")],
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
            f"{title}Source",
            Name=resource_name(env, title.lower()),
            LogType="ACCESS_LOGS",
            ResourceArn=distribution,
        )
    )
    return t.add_resource(
        logs.Delivery(
            f"{title}Delivery",
            DeliverySourceName=source.ref(),
            DeliveryDestinationArn=to.get_att("Arn"),
        )
    )
