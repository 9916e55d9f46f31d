"""What tells us that something is wrong, before people do: alarms, a dashboard, traces, a budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from troposphere import Sub, budgets, xray

from deployer.config import fields
from deployer.model import Env, Template
from stacks import alarms, dashboard
from stacks.alarms import Alarm, Metric
from stacks.avatars import Avatars
from stacks.cdn import Cdn
from stacks.cluster import Cluster
from stacks.dashboard import Graph
from stacks.database import Database
from stacks.foundation import Foundation
from stacks.messages import Messages
from stacks.parts.names import resource_name
from stacks.service import Service
from stacks.users import Users

CLOUDFRONT_REGION = "us-east-1"  # Where all distributions report to.


class Settings(fields.Settings, frozen=True):
    """The `[monitoring]` table."""

    monthly_budget_usd: Annotated[int, fields.described("1 USD or more", ge=1)]
    server_errors: Annotated[int, fields.described("a number of answers", ge=1)]
    latency_ms: Annotated[int, fields.described("a number of milliseconds", ge=1)]
    api_latency_ms: Annotated[int, fields.described("a number of milliseconds", ge=1)]
    database_connections: Annotated[int, fields.described("1 to 5000 connections", ge=1, le=5000)]
    database_free_gib: fields.Gibibytes


def define(
    t: Template,
    env: Env,
    settings: Settings,
    base: Foundation,
    *,
    cluster: Cluster,
    data: Database,
    messages: Messages,
    users: Users,
    avatars: Avatars,
    web: Cdn,
    service: Service,
    tasks: int,
    verifier: Service | None = None,
    verifier_tasks: int = 0,
    insights: bool,
    emails: Sequence[str],
) -> None:
    """Alarms go to the alert topic, and the budget straight to *emails*: it stands alone.

    *tasks* and *verifier_tasks* are the fewest that each service runs, *insights* says whether
    Container Insights are on.
    """
    watched = [
        *_functions(messages, users, avatars),
        *_failures(messages, avatars, service),
        *_data(settings, data, messages),
        *_requests(settings, cluster, avatars),
        *alarms.service("Service", cluster.name, service.name, tasks=tasks, insights=insights),
    ]
    if verifier:
        watched += alarms.service(
            "Verifier", cluster.name, verifier.name, tasks=verifier_tasks, insights=insights
        )
    for alarm in watched:
        alarms.add(t, alarm, tell=base.alerts)
    dashboard.define(t, env, watched, more=_traffic(cluster, avatars, web))
    _traces(t, env, service)
    for email in emails:
        _budget(t, env, settings.monthly_budget_usd, email)


# What runs, waits or is kept in the layers below is named here; `lint` finds what is not (C921).


def _functions(messages: Messages, users: Users, avatars: Avatars) -> Iterator[Alarm]:
    functions = {
        "MessagingStream": messages.messaging_stream,
        "PostConfirmation": users.post_confirmation,
        "Migrate": users.migrate,
        "Authorizer": avatars.authorizer,
        "UploadUrl": avatars.upload_url,
        "Thumbnail": avatars.thumbnail,
    }
    for subject, name in functions.items():
        yield from alarms.function(subject, name)
    yield from alarms.stream_reader("MessagingStream", messages.messaging_stream)


def _failures(messages: Messages, avatars: Avatars, service: Service) -> Iterator[Alarm]:
    yield from alarms.queue("MessagesFailures", messages.failures)
    yield from alarms.queue("AvatarsFailures", avatars.failures)
    if service.failures:
        yield from alarms.queue("ServiceFailures", service.failures)


def _data(settings: Settings, data: Database, messages: Messages) -> Iterator[Alarm]:
    yield from alarms.table("Messages", messages.table)
    yield from alarms.table("MessagesIndex", messages.table, messages.index)
    yield from alarms.database(
        "Database",
        data.instance,
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


def _traffic(cluster: Cluster, avatars: Avatars, web: Cdn) -> list[Graph]:
    """What is worth seeing, and wakes nobody.

    Distributions report to another region, from where no alarm reaches our topic. They read from
    buckets only, so what they answer 5xx is CloudFront's or S3's own.
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
        _of_distributions(web, "Requests of site and pictures", "Requests", "Sum"),
        _of_distributions(
            web, "Answers 5xx of site and pictures, in percent", "5xxErrorRate", "Average"
        ),
    ]


def _of_distributions(web: Cdn, title: str, name: str, statistic: str) -> Graph:
    distributions = {"Site": web.site_distribution, "Assets": web.assets_distribution}
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
    """Of the service's requests the first five a second are traced, and a tenth of the rest.

    So it is for a sampler that asks X-Ray. Of all rules of the account only AWS's own, which
    traces one a second and a twentieth, comes after this one.
    """
    t.add_resource(
        xray.SamplingRule(
            "Sampling",
            SamplingRule=xray.SamplingRuleProperty(
                RuleName=resource_name(env, "service"),
                ServiceName=service.name,
                FixedRate=0.1,
                ReservoirSize=5,
                Priority=9000,
                ServiceType="*",
                Host="*",
                HTTPMethod="*",
                URLPath="*",
                ResourceARN="*",
                Version=1,
            ),
        )
    )
    t.add_resource(
        xray.Group(
            "Traces",
            GroupName=resource_name(env, "service"),
            FilterExpression=Sub('service("${Service}")', Service=service.name),
        )
    )


def _budget(t: Template, env: Env, usd: int, email: str) -> None:
    """Of the whole account: a mail when four fifths are spent, and when it will not be enough.

    Each address has its own, since CloudFormation cannot change who hears of a budget: it makes
    another one first, which would have the same name. So do other thresholds want another name.
    """
    letters = "".join(filter(str.isalnum, email.title()))
    t.add_resource(
        budgets.Budget(
            f"BudgetTo{letters}",
            Budget=budgets.BudgetData(
                BudgetName=resource_name(env, f"monthly-{letters.lower()}"),
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
