"""The CloudWatch dashboard: the state of every alarm, and a graph for each kind of alarm."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import Sub, cloudwatch

from deployer.model import Template
from stacks.parts.alarms import Alarm, Metric

WIDTH, HEIGHT = 8, 6  # Of a graph. The grid has 24 columns.


@dataclass(frozen=True)
class Graph:
    """A metric widget: a graph with a line for each metric, all of which are in one *region*."""

    title: str
    metrics: Sequence[Metric]
    region: str = "${AWS::Region}"


def define(t: Template, name: str, alarms: Sequence[Alarm], more_graphs: Sequence[Graph]) -> None:
    """Add the dashboard: the state of *alarms*, a graph for each kind of them, and *more_graphs*."""
    graphs = [*graphs_of(alarms), *more_graphs]
    states = {
        "type": "alarm",
        "width": 24,
        "height": HEIGHT,
        "properties": {
            "title": "Alarms",
            "alarms": [f"${{{alarm.title}.Arn}}" for alarm in alarms],
        },
    }
    t.add_resource(
        cloudwatch.Dashboard(
            "Dashboard",
            DashboardName=name,
            DashboardBody=Sub(
                _body([states, *(_widget(graph) for graph in graphs)]),
                _variables(metric for graph in graphs for metric in graph.metrics),
            ),
        )
    )


def graphs_of(alarms: Iterable[Alarm]) -> list[Graph]:
    """Return a graph for each kind of alarm, in the order of the alarms."""
    metrics: dict[str, list[Metric]] = {}
    for alarm in alarms:
        metrics.setdefault(alarm.graph, []).extend(alarm.metrics)
    return [Graph(title, lines) for title, lines in metrics.items()]


def _body(widgets: Sequence[dict[str, Any]]) -> str:
    """Return the JSON of the dashboard, one line per widget.

    The widgets have no position, so CloudWatch arranges them.
    """
    lines = ",\n".join(json.dumps(widget) for widget in widgets)
    return f'{{"widgets": [\n{lines}\n]}}'


def _widget(graph: Graph) -> dict[str, Any]:
    return {
        "type": "metric",
        "width": WIDTH,
        "height": HEIGHT,
        "properties": {
            "title": graph.title,
            "region": graph.region,
            "metrics": [_line(metric) for metric in graph.metrics],
        },
    }


def _line(metric: Metric) -> list[Any]:
    """Return a metric as in the dashboard body: namespace, name, dimensions, rendering options."""
    dimensions = [
        part
        for name, value in metric.dimensions.items()
        for part in (
            name,
            value if isinstance(value, str) else f"${{{_variable(metric, name)}}}",
        )
    ]
    options = {
        "label": f"{metric.subject} {metric.name}",
        "stat": metric.statistic,
        "period": metric.period_seconds,
    }
    return [metric.namespace, metric.name, *dimensions, options]


def _variables(metrics: Iterable[Metric]) -> dict[str, Any]:
    """Return the values of the variables in the body."""
    return {
        _variable(metric, name): value
        for metric in metrics
        for name, value in metric.dimensions.items()
        if not isinstance(value, str)
    }


def _variable(metric: Metric, dimension: str) -> str:
    return f"{metric.subject}{dimension}"
