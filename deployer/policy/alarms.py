"""Rules for CloudWatch alarms: which resources need them, and that they notify a topic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from deployer.policy.apis import is_web_socket
from deployer.policy.databases import is_cluster_member
from deployer.policy.model import Resource, Templates, Violation
from deployer.policy.values import as_list, get, is_false

# A CloudWatch metric: namespace, name and names of dimensions. The same name with other (or misspelt)
# dimensions is another metric, which may never have data.
Metric: TypeAlias = tuple[str, str, frozenset[str]]


def _metrics(namespace: str, dimensions: str, names: str) -> list[set[Metric]]:
    """Return a set for each of *names*, with that metric as the only alternative."""
    return [{(namespace, name, frozenset(dimensions.split()))} for name in names.split()]


_LAYER_4 = ("network", "gateway")
_LAYER_4_PROTOCOLS = ("GENEVE", "QUIC", "TCP", "TCP_QUIC", "TCP_UDP", "TLS", "UDP")
_OF_SERVICE = frozenset({"ClusterName", "ServiceName"})
# The metrics that need an alarm, by resource type. One metric of each set is enough.
_REQUIRED: dict[str, list[set[Metric]]] = {
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
    "AWS::ECS::Service": [  # Running tasks: with Container Insights, or without it.
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


def required_alarms_exist(templates: Templates) -> Iterator[Violation]:
    """Each resource has an alarm for each metric that reports its failures."""
    measured = set(_measured(templates))
    for resource in templates.of_type(*_REQUIRED):
        missing = [
            " or ".join(sorted(name for _, name, _ in alternatives))
            for alternatives in _required(resource)
            if not any((metric, resource) in measured for metric in alternatives)
        ]
        if missing:
            yield resource.violation(f"has no alarm for {', '.join(missing)}")


def _required(resource: Resource) -> list[set[Metric]]:
    """Return the metrics of *resource* that need an alarm; some kinds of a type have other metrics."""
    match resource.type.removeprefix("AWS::"):
        case "ApiGatewayV2::Api" if is_web_socket(resource):
            return _metrics("AWS/ApiGateway", "ApiId", "ExecutionError IntegrationError")
        case "ElasticLoadBalancingV2::LoadBalancer" if resource.get("Type") in _LAYER_4:
            return []  # Its target groups report failures.
        case "ElasticLoadBalancingV2::TargetGroup" if (
            resource.get("Protocol") in _LAYER_4_PROTOCOLS
        ):
            return [
                {
                    (namespace, "UnHealthyHostCount", frozenset({"LoadBalancer", "TargetGroup"}))
                    for namespace in ("AWS/NetworkELB", "AWS/GatewayELB")
                }
            ]
        case "RDS::DBInstance" if is_cluster_member(resource):
            return _metrics("AWS/RDS", "DBInstanceIdentifier", "CPUUtilization DatabaseConnections")
        case _:
            return _REQUIRED[resource.type]


def alarms_notify(templates: Templates) -> Iterator[Violation]:
    """An alarm notifies a topic in the templates, and states how to treat missing data.

    A composite alarm can notify in its place.
    """
    composites = [*templates.of_type("CloudWatch::CompositeAlarm")]
    combined = {
        alarm
        for composite in composites
        for alarm in templates.referenced(composite.stack, composite.get("AlarmRule"))
    }
    for resource in (*templates.of_type("CloudWatch::Alarm"), *composites):
        if resource not in combined:
            yield from _notifies(templates, resource)
        if resource in composites:
            continue
        if not resource.get("TreatMissingData"):
            yield resource.violation("has no TreatMissingData")


def _notifies(templates: Templates, alarm: Resource) -> Iterator[Violation]:
    targets = templates.referenced(alarm.stack, alarm.get("AlarmActions"))
    if not any(target.type == "AWS::SNS::Topic" for target in targets):
        yield alarm.violation("notifies no topic: AlarmActions has no AWS::SNS::Topic")
    elif is_false(alarm.get("ActionsEnabled")):
        yield alarm.violation("notifies no topic: ActionsEnabled is false")


def _measured(templates: Templates) -> Iterator[tuple[Metric, Resource]]:
    """Yield every metric with an alarm, with each resource that its dimensions name."""
    for alarm in templates.of_type("CloudWatch::Alarm"):
        queries = as_list(alarm.get("Metrics"))
        metrics = [alarm.properties, *(get(query, "MetricStat", "Metric") for query in queries)]
        for properties in metrics:
            dimensions = as_list(get(properties, "Dimensions"))
            metric = _metric(properties, dimensions)
            values = [get(dimension, "Value") for dimension in dimensions]
            for resource in templates.referenced(alarm.stack, values):
                yield metric, resource


def _metric(properties: Any, dimensions: list[Any]) -> Metric:
    names = frozenset(str(get(dimension, "Name")) for dimension in dimensions)
    return str(get(properties, "Namespace")), str(get(properties, "MetricName")), names
