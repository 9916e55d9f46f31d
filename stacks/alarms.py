"""How each kind of thing is watched: what is measured, how much is too much, what to do then.

An alarm's description is in the mail that it sends, so it says what happened and where to look
first. Metrics, their dimensions and when they are reported: the CloudWatch pages of each service's
guide. Thresholds without a source are ours.

What counts things that happened (the statistic is Sum) gives no all-clear: nothing undoes them.
Where no data is the best news there is, as for errors, it is `notBreaching`, which is also what
ends the alarm. Where a thing always reports while it is there, no data is `breaching`, in one of
its alarms; its others then keep the state they have: `ignore`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from troposphere import cloudwatch

from deployer.model import Template, Value

DAY = 24 * 3600
GIB = 1024**3
HIGHER, LOWER = "GreaterThanOrEqualToThreshold", "LessThanThreshold"


@dataclass(frozen=True)
class Metric:
    """A number that CloudWatch has about *subject*, found by what it is a number *of*.

    One for so many *minutes*: the *statistic* of what was reported in them.
    """

    subject: str
    namespace: str
    name: str
    of: Mapping[str, Value]
    statistic: str
    minutes: int = 5

    @property
    def seconds(self) -> int:
        """How long it is about, as CloudWatch wants it said."""
        return 60 * self.minutes

    @property
    def dimensions(self) -> list[cloudwatch.MetricDimension]:
        """As CloudFormation writes them."""
        return [cloudwatch.MetricDimension(Name=name, Value=of) for name, of in self.of.items()]


@dataclass(frozen=True)
class Alarm:
    """When a number is too high, or else too *low*, so many times in a row: for *periods*.

    The number is that of *metric*, or how much it is more than that of *beyond*. *graph* is what
    alarms of this kind show on the dashboard, each in a line of its own.
    """

    what: str
    text: str
    graph: str
    metric: Metric
    threshold: float
    periods: int = 1
    low: bool = False
    missing: Literal["breaching", "notBreaching", "ignore"] = "notBreaching"
    beyond: Metric | None = None

    @property
    def title(self) -> str:
        """Such as ThumbnailErrors: CloudFormation puts the stack's name before it."""
        return f"{self.metric.subject}{self.what}"

    @property
    def metrics(self) -> list[Metric]:
        """What is measured for it."""
        return [self.metric, *([self.beyond] if self.beyond else [])]


def add(t: Template, alarm: Alarm, *, tell: Value) -> cloudwatch.Alarm:
    """Add *alarm*, which *tell*s a topic that it is on, and that it is over if it can be."""
    over: dict[str, Any] = {} if alarm.metric.statistic == "Sum" else {"OKActions": [tell]}
    return t.add_resource(
        cloudwatch.Alarm(
            alarm.title,
            AlarmDescription=alarm.text,
            **(_difference(alarm) if alarm.beyond else _number(alarm)),
            ComparisonOperator=LOWER if alarm.low else HIGHER,
            Threshold=_plain(alarm.threshold),
            EvaluationPeriods=alarm.periods,
            TreatMissingData=alarm.missing,
            AlarmActions=[tell],
            **over,
        )
    )


def _plain(number: float) -> float:
    """One is 1: some who read a template, and write it again, make that of 1.0."""
    return int(number) if number == int(number) else number


def _number(alarm: Alarm) -> dict[str, Any]:
    metric = alarm.metric
    kind = "ExtendedStatistic" if metric.statistic.startswith("p") else "Statistic"
    return {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": metric.dimensions,
        kind: metric.statistic,
        "Period": metric.seconds,
    }


def _difference(alarm: Alarm) -> dict[str, Any]:
    """Without data of either there is no difference, and so no data."""
    queries = [
        cloudwatch.MetricDataQuery(
            Id=id_,
            MetricStat=cloudwatch.MetricStat(
                Metric=cloudwatch.Metric(
                    Namespace=metric.namespace,
                    MetricName=metric.name,
                    Dimensions=metric.dimensions,
                ),
                Period=metric.seconds,
                Stat=metric.statistic,
            ),
            ReturnData=False,
        )
        for id_, metric in zip(("much", "less"), alarm.metrics, strict=True)
    ]
    return {
        "Metrics": [
            cloudwatch.MetricDataQuery(Id="difference", Expression="much - less", ReturnData=True),
            *queries,
        ]
    }


# How each kind of thing is watched ---------------------------------------------------------------


def function(subject: str, name: Value) -> Iterator[Alarm]:
    """A function, by its *name*: none of ours fails or waits when all is well.

    What a person sends wrongly is answered, so it is no error; a call that takes too long is one.
    """

    def count(metric: str) -> Metric:
        return Metric(subject, "AWS/Lambda", metric, {"FunctionName": name}, "Sum")

    yield Alarm(
        "Errors",
        "A call failed or took too long. First: the newest traceback in the function's log group; "
        "what nobody waited for is tried again, and then left in the queue of failures.",
        "Errors of functions",
        count("Errors"),
        threshold=1,
    )
    yield Alarm(
        "Throttles",
        "A call was turned away: the account runs as many functions at once as it may. First: "
        "which function runs so often (Invocations), then the quota in Service Quotas.",
        "Calls of functions turned away",
        count("Throttles"),
        threshold=1,
    )


def stream_reader(subject: str, name: Value) -> Iterator[Alarm]:
    """A function, by its *name*, that follows a stream.

    What it reports of single records is no error of the function; it is seen by how far behind it
    is, and in the end in the queue of failures. A quarter of an hour is ten tries and more.
    """
    yield Alarm(
        "Behind",
        "It has been behind its stream for a quarter of an hour: a record fails again and again, "
        "and holds up those after it. First: which one, in the function's log group.",
        "How far behind streams are, in milliseconds",
        Metric(subject, "AWS/Lambda", "IteratorAge", {"FunctionName": name}, "Maximum"),
        threshold=15 * 60 * 1000,
        periods=3,
    )


def queue(subject: str, name: Value) -> Iterator[Alarm]:
    """A queue of failures, by its *name*: what is in it has been given up on.

    It keeps a message for 14 days; after ten, the second alarm says that somebody forgot. SQS
    stops reporting when a queue has been empty and untouched for six hours.
    """

    def largest(metric: str, minutes: int) -> Metric:
        return Metric(subject, "AWS/SQS", metric, {"QueueName": name}, "Maximum", minutes)

    yield Alarm(
        "Waiting",
        "Something was given up on and waits here. First: read a message, it says what failed and "
        "why; when that is mended, send it again, then delete it.",
        "Failures that wait",
        largest("ApproximateNumberOfMessagesVisible", 5),
        threshold=1,
    )
    yield Alarm(
        "Forgotten",
        "A failure has waited for ten days; after fourteen it is lost. First: as for the alarm "
        "that said it was there.",
        "How long failures have waited, in seconds",
        largest("ApproximateAgeOfOldestMessage", 60),
        threshold=10 * DAY,
    )


def table(subject: str, name: Value, index: Value | None = None) -> Iterator[Alarm]:
    """A table on demand, by its *name*, or one *index* of it, which has metrics of its own.

    A burst is turned away for a moment and tried again by every client; ten minutes are no burst.
    """
    of = {"TableName": name} | ({"GlobalSecondaryIndexName": index} if index else {})
    for way in ("Read", "Write"):
        yield Alarm(
            f"{way}Throttles",
            f"DynamoDB has turned {way.lower()}s away for ten minutes. First: whether one "
            "conversation or one person has most of them (CloudWatch Contributor Insights), then "
            "the throughput quotas of the account.",
            "Requests that tables turned away",
            Metric(subject, "AWS/DynamoDB", f"{way}ThrottleEvents", of, "Sum"),
            threshold=1,
            periods=2,
        )


def database(
    subject: str, instance: Value, *, free_gib: float, connections: int
) -> Iterator[Alarm]:
    """A database, by the name of its *instance*.

    RDS makes the disk larger when a tenth of it or less is free, every six hours at most and up
    to its limit; half an hour below *free_gib* says that it could not. RDS always reports, so no
    data is a database that does not run.
    """

    def number(metric: str, statistic: str) -> Metric:
        return Metric(subject, "AWS/RDS", metric, {"DBInstanceIdentifier": instance}, statistic)

    yield Alarm(
        "Storage",
        f"Less than {free_gib:g} GiB of the disk are free, and RDS did not make it larger. First: "
        "whether storage_limit_gib is reached; raise it, since a full disk stops the database.",
        "Free storage of the database, in bytes",
        number("FreeStorageSpace", "Minimum"),
        threshold=free_gib * GIB,
        low=True,
        periods=6,
        missing="ignore",
    )
    yield Alarm(
        "Cpu",
        "The database has been busy for a quarter of an hour, or does not run. First: its status "
        "and events in RDS, then the statements at the top of Database Insights.",
        "CPU of the database, in percent",
        number("CPUUtilization", "Average"),
        threshold=80,
        periods=3,
        missing="breaching",
    )
    yield Alarm(
        "Connections",
        "Nearly all connections to the database are taken; without one, nobody is served. First: "
        "who holds them (pg_stat_activity), then how many tasks there are and how large the pool "
        "of each is.",
        "Connections to the database",
        number("DatabaseConnections", "Maximum"),
        threshold=connections,
        periods=3,
        missing="ignore",
    )


def targets(
    subject: str, balancer: Value, group: Value, *, errors: int, seconds: float
) -> Iterator[Alarm]:
    """What a load *balancer* sends requests to: a target *group*, both by the end of their ARNs.

    Tasks that start or stop are not unhealthy, so a deployment raises no alarm.
    """
    whole, part = {"LoadBalancer": balancer}, {"LoadBalancer": balancer, "TargetGroup": group}

    def number(metric: str, statistic: str, of: dict[str, Value], minutes: int = 5) -> Metric:
        return Metric(subject, "AWS/ApplicationELB", metric, of, statistic, minutes)

    yield Alarm(
        "Unhealthy",
        "A task has failed its health check for five minutes. First: the service's events in ECS, "
        "then the task's log; a task that stays so is replaced.",
        "Unhealthy targets",
        number("UnHealthyHostCount", "Maximum", part, minutes=1),
        threshold=1,
        periods=5,
    )
    yield Alarm(
        "Errors",
        "The application answered 5xx more often than we live with. First: the tracebacks of "
        "these minutes in its log group, then the traces with a fault.",
        "Answers 5xx",
        number("HTTPCode_Target_5XX_Count", "Sum", part),
        threshold=errors,
    )
    yield Alarm(
        "Unanswered",
        "The load balancer itself answered 5xx: no task was there, or none answered in time. "
        "First: whether the service has healthy tasks, then whether they time out.",
        "Answers 5xx",
        number("HTTPCode_ELB_5XX_Count", "Sum", whole),
        threshold=errors,
    )
    yield Alarm(
        "Slow",
        "One request in twenty has been slow for a quarter of an hour. First: the slowest traces, "
        "then the CPU of tasks and database.",
        "The slowest of twenty requests, in seconds",
        number("TargetResponseTime", "p95", part),
        threshold=seconds,
        periods=3,
    )


def api(subject: str, id_: Value, *, errors: int, milliseconds: int) -> Iterator[Alarm]:
    """An HTTP API, by its *id_*; a call that was throttled or refused is 4xx."""

    def number(metric: str, statistic: str) -> Metric:
        return Metric(subject, "AWS/ApiGateway", metric, {"ApiId": id_}, statistic)

    yield Alarm(
        "Errors",
        "The API answered 5xx more often than we live with. First: `error`, `authorizer` and "
        "`integration` in its access log say which function failed, and its log why.",
        "Answers 5xx",
        number("5xx", "Sum"),
        threshold=errors,
    )
    yield Alarm(
        "Slow",
        "One call in twenty has been slow for a quarter of an hour. First: Duration of the "
        "functions behind it, and how many calls were the first of a new one (Init Duration).",
        "The slowest of twenty calls, in milliseconds",
        number("Latency", "p95"),
        threshold=milliseconds,
        periods=3,
    )


def service(
    subject: str, cluster: Value, name: Value, *, tasks: int, insights: bool
) -> Iterator[Alarm]:
    """A service, by its *name* and its *cluster*'s: whether as many tasks run as should.

    ECS says how many it wants only where Container Insights are on. Without these, there is one
    sample of the CPU a minute for each running task (ECS developer guide, CloudWatch metrics), and
    autoscaling never wants fewer than *tasks*. No task reports nothing, so no data is no task:
    before the first release too, when indeed nobody is served. Ten minutes are a slow start.
    """
    of = {"ClusterName": cluster, "ServiceName": name}
    text = (
        "Fewer tasks have run for ten minutes than should, or none. First: the service's events "
        "in ECS and why the last task stopped (image, secrets, memory, health check)."
    )

    def count(namespace: str, metric: str, statistic: str) -> Metric:
        return Metric(subject, namespace, metric, of, statistic, minutes=1)

    if insights:
        yield Alarm(
            "Tasks",
            text,
            "Tasks",
            count("ECS/ContainerInsights", "DesiredTaskCount", "Maximum"),
            beyond=count("ECS/ContainerInsights", "RunningTaskCount", "Maximum"),
            threshold=1,
            periods=10,
            missing="breaching",
        )
    else:
        yield Alarm(
            "Tasks",
            text,
            "Tasks",
            count("AWS/ECS", "CPUUtilization", "SampleCount"),
            threshold=tasks,
            low=True,
            periods=10,
            missing="breaching" if tasks else "notBreaching",
        )
