"""One page that shows whether all is well: every alarm, and every number that one is about."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from troposphere import Sub, cloudwatch

from deployer.model import Env, Template
from stacks.alarms import Alarm, Metric
from stacks.parts.names import resource_name

WIDTH, HEIGHT = 8, 6  # Of a graph; the page is 24 wide.


@dataclass(frozen=True)
class Graph:
    """Lines under one title; CloudWatch keeps numbers in the *region* they are from."""

    title: str
    metrics: Sequence[Metric]
    region: str = "${AWS::Region}"


def define(t: Template, env: Env, alarms: Sequence[Alarm], more: Sequence[Graph]) -> None:
    """A light for each of *alarms*, a graph for each kind of them, and *more* graphs."""
    graphs = [*of_kinds(alarms), *more]
    lights = {
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
            DashboardName=resource_name(env, "overview"),
            DashboardBody=Sub(
                _page([lights, *(_widget(graph) for graph in graphs)]),
                _values(metric for graph in graphs for metric in graph.metrics),
            ),
        )
    )


def of_kinds(alarms: Sequence[Alarm]) -> list[Graph]:
    """A graph for each kind of alarm, in their order: a line for each thing that is watched."""
    titles = list(dict.fromkeys(alarm.graph for alarm in alarms))
    kinds = groupby(sorted(alarms, key=lambda one: titles.index(one.graph)), lambda one: one.graph)
    return [
        Graph(title, [metric for one in some for metric in one.metrics]) for title, some in kinds
    ]


def _page(widgets: Sequence[dict[str, Any]]) -> str:
    """The body: a line for each widget, which CloudWatch places one after the other."""
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
    """In the order of CloudWatch's dashboard body: namespace, name, dimensions, how it is drawn."""
    dimensions = [
        word
        for name, of in metric.of.items()
        for word in (name, of if isinstance(of, str) else f"${{{_named(metric, name)}}}")
    ]
    drawn = {
        "label": f"{metric.subject} {metric.name}",
        "stat": metric.statistic,
        "period": metric.seconds,
    }
    return [metric.namespace, metric.name, *dimensions, drawn]


def _values(metrics: Iterable[Metric]) -> dict[str, Any]:
    """What the names in the text stand for."""
    return {
        _named(metric, name): of
        for metric in metrics
        for name, of in metric.of.items()
        if not isinstance(of, str)
    }


def _named(metric: Metric, dimension: str) -> str:
    return f"{metric.subject}{dimension}"
