"""Monitoring: alarms, a dashboard, a group of traces, and a budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from troposphere import Sub, budgets, xray

from deployer.config import fields
from deployer.model import Env, Template
from stacks import alarms, dashboard
from stacks.avatars import Avatars
from stacks.cdn import Cdn
from stacks.cluster import Cluster
from stacks.dashboard import Graph
from stacks.database import Database
from stacks.foundation import Foundation
from stacks.messages import Messages
from stacks.monitored_outputs import alarms_of
from stacks.parts.alarms import Alarm, Metric, add_alarm
from stacks.parts.names import budget_name, email_title, resource_name
from stacks.permissions.resources import CLOUDFRONT_REGION, DASHBOARD
from stacks.service import Service


class Settings(fields.Settings, frozen=True):
    """The `[monitoring]` table."""

    monthly_budget_usd: Annotated[int, fields.described("0 to 10000000 USD", ge=0, le=10_000_000)]
    server_errors: Annotated[int, fields.described("1 to 1000000 responses", ge=1, le=1_000_000)]
    latency_ms: Annotated[int, fields.described("1 to 3600000 milliseconds", ge=1, le=3_600_000)]
    api_latency_ms: Annotated[
        int, fields.described("1 to 3600000 milliseconds", ge=1, le=3_600_000)
    ]
    database_connections: Annotated[int, fields.described("1 to 5000 connections", ge=1, le=5000)]
    database_free_gib: fields.Gibibytes


def define(
    t: Template,
    env: Env,
    settings: Settings,
    foundation: Foundation,
    *outputs: object,
    cluster: Cluster,
    database: Database,
    messages: Messages,
    avatars: Avatars,
    cdn: Cdn,
    service: Service,
    tasks: int,
    verifier: Service | None = None,
    verifier_tasks: int = 0,
    has_container_insights: bool,
    emails: Sequence[str],
) -> None:
    """Add the alarms, which notify the alert topic, and the budgets, which notify *emails*.

    The alarms of functions, dead-letter queues and tables are derived from the *outputs* of other
    stacks: see `monitored_outputs`. *tasks* and *verifier_tasks* are the minimum number of tasks of
    each service.
    """
    all_alarms = [
        *alarms_of(env, outputs),
        *alarms.table("MessagesIndex", messages.table, messages.index),
        *_database(settings, database),
        *_requests(settings, cluster, avatars),
        *alarms.service(
            "Service",
            cluster.name,
            service.name,
            tasks=tasks,
            has_container_insights=has_container_insights,
        ),
    ]
    if verifier:
        all_alarms += alarms.service(
            "Verifier",
            cluster.name,
            verifier.name,
            tasks=verifier_tasks,
            has_container_insights=has_container_insights,
        )
    for alarm in all_alarms:
        add_alarm(t, alarm, topic=foundation.alerts)
    dashboard.define(
        t, resource_name(env, DASHBOARD), all_alarms, more_graphs=_traffic(cluster, avatars, cdn)
    )
    _traces(t, env, service)
    for email in emails if settings.monthly_budget_usd else ():
        _budget(t, env, settings.monthly_budget_usd, email)


def _database(settings: Settings, database: Database) -> Iterator[Alarm]:
    return alarms.database(
        "Database",
        database.instance,
        free_gib=settings.database_free_gib,
        connections=settings.database_connections,
    )


def _requests(settings: Settings, cluster: Cluster, avatars: Avatars) -> Iterator[Alarm]:
    yield from alarms.targets(
        "Backend",
        cluster.load_balancer_name,
        cluster.target_group_name,
        errors=settings.server_errors,
        seconds=settings.latency_ms / 1000,
    )
    yield from alarms.api(
        "AvatarsApi",
        avatars.api,
        errors=settings.server_errors,
        milliseconds=settings.api_latency_ms,
    )


def _traffic(cluster: Cluster, avatars: Avatars, cdn: Cdn) -> list[Graph]:
    """Return the graphs of metrics that have no alarm.

    Distributions report their metrics in us-east-1, and an alarm in us-east-1 cannot notify the
    topic in this region. Distributions only read from buckets, so their 5xx responses are errors of
    CloudFront or S3.
    """
    balancer, api = {"LoadBalancer": cluster.load_balancer_name}, {"ApiId": avatars.api}
    return [
        Graph(
            "Requests",
            [
                Metric("Backend", "AWS/ApplicationELB", "RequestCount", balancer, "Sum"),
                Metric("AvatarsApi", "AWS/ApiGateway", "Count", api, "Sum"),
            ],
        ),
        _distributions(cdn, "Requests of site and avatars", "Requests", "Sum"),
        _distributions(
            cdn, "Responses with 5xx of site and avatars (percent)", "5xxErrorRate", "Average"
        ),
    ]


def _distributions(cdn: Cdn, title: str, name: str, statistic: str) -> Graph:
    distributions = {"Site": cdn.site_distribution, "Assets": cdn.assets_distribution}
    metrics = [
        Metric(
            subject,
            "AWS/CloudFront",
            name,
            {"DistributionId": distribution, "Region": "Global"},
            statistic,
        )
        for subject, distribution in distributions.items()
    ]
    return Graph(title, metrics, region=CLOUDFRONT_REGION)


def _traces(t: Template, env: Env, service: Service) -> None:
    """Add a group for the traces of the service.

    There is no sampling rule of X-Ray: the application decides which requests are traced (see
    `backend/cruddur/telemetry.py`) and does not read such rules.
    """
    t.add_resource(
        xray.Group(
            "TraceGroup",
            GroupName=resource_name(env, "service"),
            FilterExpression=Sub('service("${Service}")', Service=service.name),
        )
    )


def _budget(t: Template, env: Env, usd: int, email: str) -> None:
    """Add a budget for the account: it mails at 80 %, and when the forecast exceeds the limit.

    Each address has a budget of its own. CloudFormation cannot update the recipients of a budget:
    it would create a replacement, and that fails because the name exists. For the same reason, a
    change of the thresholds needs a new name.
    """
    t.add_resource(
        budgets.Budget(
            f"Budget{email_title(email)}",
            Budget=budgets.BudgetData(
                BudgetName=budget_name(env, email),
                BudgetType="COST",
                TimeUnit="MONTHLY",
                BudgetLimit=budgets.Spend(Amount=usd, Unit="USD"),
            ),
            NotificationsWithSubscribers=[
                budgets.NotificationWithSubscribers(
                    Notification=budgets.Notification(
                        NotificationType=kind,
                        ComparisonOperator="GREATER_THAN",
                        Threshold=percent,
                        ThresholdType="PERCENTAGE",
                    ),
                    Subscribers=[budgets.Subscriber(SubscriptionType="EMAIL", Address=email)],
                )
                for kind, percent in (("ACTUAL", 80), ("FORECASTED", 100))
            ],
        )
    )
