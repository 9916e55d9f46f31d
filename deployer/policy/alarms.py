"""Alarms: whatever can fail unseen has them, and they reach somebody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from deployer.policy.model import Resource, Templates, Violation
from deployer.policy.values import get, many

# A metric as CloudWatch knows it: namespace, name, and by which dimensions. One dimension more or
# less, or one misspelt, is another metric, which may never have data.
Known: TypeAlias = tuple[str, str, frozenset[str]]


def _metrics(namespace: str, dimensions: str, names: str) -> list[set[Known]]:
    """Each of *names* has to have an alarm."""
    return [{(namespace, name, frozenset(dimensions.split()))} for name in names.split()]


_OF_SERVICE = frozenset({"ClusterName", "ServiceName"})
_WANTED: dict[str, list[set[Known]]] = {
    "AWS::Lambda::Function": _metrics("AWS/Lambda", "FunctionName", "Errors Throttles"),
    "AWS::SQS::Queue": _metrics(
        "AWS/SQS",
        "QueueName",
        "ApproximateNumberOfMessagesVisible ApproximateAgeOfOldestMessage",
    ),
    "AWS::DynamoDB::Table": _metrics(
        "AWS/DynamoDB", "TableName", "ReadThrottleEvents WriteThrottleEvents"
    ),
    "AWS::RDS::DBInstance": _metrics(
        "AWS/RDS",
        "DBInstanceIdentifier",
        "FreeStorageSpace CPUUtilization DatabaseConnections",
    ),
    "AWS::ECS::Service": [  # How many tasks run: with Container Insights, or without.
        {
            ("ECS/ContainerInsights", "RunningTaskCount", _OF_SERVICE),
            ("AWS/ECS", "CPUUtilization", _OF_SERVICE),
        }
    ],
    "AWS::ElasticLoadBalancingV2::TargetGroup": _metrics(
        "AWS/ApplicationELB",
        "LoadBalancer TargetGroup",
        "UnHealthyHostCount HTTPCode_Target_5XX_Count TargetResponseTime",
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _metrics(
        "AWS/ApplicationELB", "LoadBalancer", "HTTPCode_ELB_5XX_Count"
    ),
    "AWS::ApiGatewayV2::Api": _metrics("AWS/ApiGateway", "ApiId", "5xx Latency"),
}


def watched(templates: Templates) -> Iterator[Violation]:
    """Whatever runs, waits, is kept or is asked: by the metrics that say it fails."""
    seen = set(_seen(templates))
    for one in templates.of(*_WANTED):
        missing = [
            " or ".join(sorted(name for _, name, _ in either))
            for either in _WANTED[one.type]
            if not any((metric, one) in seen for metric in either)
        ]
        if missing:
            yield one.found(f"has no alarm for {', nor for '.join(missing)}")


def heard(templates: Templates) -> Iterator[Violation]:
    """An alarm that tells nobody is a colour on a page; one without data may be the worst."""
    for one in templates.of("CloudWatch::Alarm"):
        told = [*templates.reached(one.stack, one.get("AlarmActions"))]
        if not any(topic.type == "AWS::SNS::Topic" for topic in told):
            yield one.found("tells no topic of ours")
        if not one.get("TreatMissingData"):
            yield one.found("does not say what no data means: no TreatMissingData")


def _seen(templates: Templates) -> Iterator[tuple[Known, Resource]]:
    """Every metric that an alarm is about, with each resource that its dimensions name."""
    for alarm in templates.of("CloudWatch::Alarm"):
        measured = [alarm.properties]
        measured += [get(one, "MetricStat", "Metric") for one in many(alarm.get("Metrics"))]
        for metric in measured:
            dimensions = many(get(metric, "Dimensions"))
            known = _known(metric, dimensions)
            for one in templates.reached(alarm.stack, [get(each, "Value") for each in dimensions]):
                yield known, one


def _known(metric: Any, dimensions: list[Any]) -> Known:
    names = frozenset(str(get(one, "Name")) for one in dimensions)
    return str(get(metric, "Namespace")), str(get(metric, "MetricName")), names
