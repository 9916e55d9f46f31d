"""An alarm and its metrics as values, and the CloudFormation resource of an alarm.

An alarm whose statistic is Sum counts events, so it sends no mail when it returns to OK.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from troposphere import cloudwatch

from deployer.model import Template, Value

HIGHER, LOWER = "GreaterThanOrEqualToThreshold", "LessThanThreshold"


@dataclass(frozen=True)
class Metric:
    """A CloudWatch metric of *subject*: the *statistic* over periods of *minutes*."""

    subject: str
    namespace: str
    name: str
    dimensions: Mapping[str, Value]
    statistic: str
    minutes: int = 5

    @property
    def period_seconds(self) -> int:
        """The period in seconds."""
        return 60 * self.minutes

    @property
    def dimension_list(self) -> list[cloudwatch.MetricDimension]:
        """The dimensions as properties of CloudFormation."""
        return [
            cloudwatch.MetricDimension(Name=name, Value=value)
            for name, value in self.dimensions.items()
        ]


@dataclass(frozen=True)
class Alarm:
    """An alarm that fires if *metric* reaches *threshold* in each of the last *periods* periods.

    With *below*, it fires if the metric is less than the threshold. With *minus*, the difference of
    the two metrics is compared with the threshold. *graph* is the title of the dashboard graph that
    has a line for each alarm of this kind.
    """

    condition: str
    description: str
    graph: str
    metric: Metric
    threshold: float
    periods: int = 1
    below: bool = False
    missing_data: Literal["breaching", "notBreaching", "ignore"] = "notBreaching"
    minus: Metric | None = None

    @property
    def title(self) -> str:
        """The logical id, such as AvatarsThumbnailErrors."""
        return f"{self.metric.subject}{self.condition}"

    @property
    def metrics(self) -> list[Metric]:
        """The metrics that the alarm evaluates."""
        return [self.metric, *([self.minus] if self.minus else [])]


def add_alarm(t: Template, alarm: Alarm, *, topic: Value) -> cloudwatch.Alarm:
    """Add *alarm*. It notifies *topic* and, unless it counts events, again when it is OK."""
    ok_actions: dict[str, Any] = {} if alarm.metric.statistic == "Sum" else {"OKActions": [topic]}
    return t.add_resource(
        cloudwatch.Alarm(
            alarm.title,
            AlarmDescription=alarm.description,
            **(_difference(alarm) if alarm.minus else _single_metric(alarm)),
            ComparisonOperator=LOWER if alarm.below else HIGHER,
            Threshold=_without_decimals(alarm.threshold),
            EvaluationPeriods=alarm.periods,
            TreatMissingData=alarm.missing_data,
            AlarmActions=[topic],
            **ok_actions,
        )
    )


def _without_decimals(number: float) -> float:
    """Return 1 for 1.0, since some tools rewrite 1.0 in a template as 1."""
    return int(number) if number == int(number) else number


def _single_metric(alarm: Alarm) -> dict[str, Any]:
    metric = alarm.metric
    kind = "ExtendedStatistic" if metric.statistic.startswith("p") else "Statistic"
    return {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": metric.dimension_list,
        kind: metric.statistic,
        "Period": metric.period_seconds,
    }


def _difference(alarm: Alarm) -> dict[str, Any]:
    """Return the expression *metric* - *minus*, which has no data if either metric has none."""
    queries = [
        cloudwatch.MetricDataQuery(
            Id=id_,
            MetricStat=cloudwatch.MetricStat(
                Metric=cloudwatch.Metric(
                    Namespace=metric.namespace,
                    MetricName=metric.name,
                    Dimensions=metric.dimension_list,
                ),
                Period=metric.period_seconds,
                Stat=metric.statistic,
            ),
            ReturnData=False,
        )
        for id_, metric in zip(("metric", "minus"), alarm.metrics, strict=True)
    ]
    return {
        "Metrics": [
            cloudwatch.MetricDataQuery(
                Id="difference", Expression="metric - minus", ReturnData=True
            ),
            *queries,
        ]
    }
