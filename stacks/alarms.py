"""The alarms of each kind of resource: metric, threshold and description.

The description of an alarm is part of its mail, so it says what happened and what to check first.
The CloudWatch pages of each service's guide document the metrics, their dimensions and when they
are reported. Thresholds without a source are this project's.

Missing data is `notBreaching` if it means that no error happened: without data the alarm returns to
OK. If a resource always reports metrics while it exists, missing data is `breaching` in one of its
alarms and `ignore` (keep the state) in the others.
"""

from __future__ import annotations

from collections.abc import Iterator

from deployer.model import Value
from stacks.parts.alarms import Alarm, Metric

DAY_SECONDS = 24 * 3600
GIB = 1024**3


def function(subject: str, name: Value) -> Iterator[Alarm]:
    """Yield the alarms of a Lambda function.

    The metric Errors counts exceptions and timeouts. A function that rejects an invalid request
    returns normally, which is not an error.
    """

    def count(metric: str) -> Metric:
        return Metric(subject, "AWS/Lambda", metric, {"FunctionName": name}, "Sum")

    yield Alarm(
        "Errors",
        "An invocation of the function failed or timed out. Check the newest traceback in its log "
        "group. Lambda retries an asynchronous invocation, then sends it to the dead-letter queue.",
        "Errors of functions",
        count("Errors"),
        threshold=1,
    )
    yield Alarm(
        "Throttles",
        "Lambda throttled an invocation because the account has reached its concurrency limit. "
        "Check which function is invoked so often (Invocations), then the quota in Service Quotas.",
        "Throttled invocations of functions",
        count("Throttles"),
        threshold=1,
    )


def scheduled_function(subject: str, name: Value) -> Iterator[Alarm]:
    """Yield the alarm of a function that a schedule invokes at least every half hour."""
    yield Alarm(
        "NotInvoked",
        "The schedule has not invoked the function for an hour. Check whether the rule is enabled, "
        "and the metric FailedInvocations of the rule.",
        "Invocations of scheduled functions",
        Metric(subject, "AWS/Lambda", "Invocations", {"FunctionName": name}, "Sum", minutes=30),
        threshold=1,
        periods=2,
        below=True,
        missing_data="breaching",
    )


def stream_reader(subject: str, name: Value) -> Iterator[Alarm]:
    """Yield the alarm of a function that reads a stream.

    The function reports a failed record in its response, which the metric Errors does not count. So
    the alarm uses the age of the oldest record. Lambda retries a record ten times, which takes at
    most 15 minutes, then sends its position to the dead-letter queue. The alarm fires before that.
    """
    yield Alarm(
        "IteratorAge",
        "The function has been behind its stream for ten minutes: a record fails again and again "
        "and blocks those after it. Check the log group of the function for the record.",
        "Iterator age of streams (ms)",
        Metric(subject, "AWS/Lambda", "IteratorAge", {"FunctionName": name}, "Maximum"),
        threshold=5 * 60 * 1000,
        periods=2,
    )


def dead_letter_queue(subject: str, name: Value) -> Iterator[Alarm]:
    """Yield the alarms of a dead-letter queue for events.

    The queue keeps a message for 14 days, and the second alarm fires after ten days.
    """
    yield _messages(
        subject,
        name,
        "The dead-letter queue has a message: all retries of an event failed. Check the message, "
        "which contains the event and the error. Fix the cause, send it again, and delete it.",
    )
    yield _old_messages(
        subject,
        name,
        "A message has been in the dead-letter queue for ten days and is deleted after 14. Check "
        "the message, as for the alarm that the queue is not empty.",
        seconds=10 * DAY_SECONDS,
    )


def stream_dead_letter_queue(subject: str, name: Value) -> Iterator[Alarm]:
    """Yield the alarms of a dead-letter queue for records of a DynamoDB stream.

    A message has only the position of the records in the stream, which keeps them for 24 hours
    (Lambda developer guide, DynamoDB error handling). The second alarm fires before that.
    """
    yield _messages(
        subject,
        name,
        "The dead-letter queue has a message: all retries of records of a stream failed. The "
        "message has only their position, and the stream deletes them after 24 hours. Check the "
        "log of the function. The next message of each affected conversation corrects it.",
    )
    yield _old_messages(
        subject,
        name,
        "A message has been in the dead-letter queue for 12 hours, and the stream deletes the "
        "records 24 hours after they were written. Check whether they are needed and read them "
        "now, then delete the message.",
        seconds=DAY_SECONDS // 2,
    )


def _messages(subject: str, queue: Value, description: str) -> Alarm:
    """Return the alarm that fires if the dead-letter *queue* is not empty."""
    return Alarm(
        "NotEmpty",
        description,
        "Messages in dead-letter queues",
        _of_queue(subject, queue, "ApproximateNumberOfMessagesVisible"),
        threshold=1,
    )


def _old_messages(subject: str, queue: Value, description: str, *, seconds: int) -> Alarm:
    """Return the alarm that fires if a message has been in the *queue* for *seconds*.

    SQS reports no metrics for a queue that has been inactive for six hours, so the period is long.
    """
    return Alarm(
        "OldMessages",
        description,
        "Age of the oldest message in dead-letter queues (s)",
        _of_queue(subject, queue, "ApproximateAgeOfOldestMessage", minutes=60),
        threshold=seconds,
    )


def _of_queue(subject: str, queue: Value, metric: str, minutes: int = 5) -> Metric:
    return Metric(subject, "AWS/SQS", metric, {"QueueName": queue}, "Maximum", minutes)


def table(subject: str, name: Value, index: Value | None = None) -> Iterator[Alarm]:
    """Yield the alarms of an on-demand table, or of its *index*, which has metrics of its own.

    Clients retry throttled requests, so the alarms fire only after ten minutes of throttling.
    """
    dimensions = {"TableName": name} | ({"GlobalSecondaryIndexName": index} if index else {})
    for operation in ("Read", "Write"):
        yield Alarm(
            f"{operation}Throttles",
            f"DynamoDB has throttled {operation.lower()}s for ten minutes. Check whether one "
            "conversation or user causes most of them (enable CloudWatch Contributor Insights), then the "
            "throughput quotas of the account.",
            "Throttled requests of tables",
            Metric(subject, "AWS/DynamoDB", f"{operation}ThrottleEvents", dimensions, "Sum"),
            threshold=1,
            periods=2,
        )


def database(
    subject: str, instance: Value, *, free_gib: float, connections: int
) -> Iterator[Alarm]:
    """Yield the alarms of an RDS *instance*.

    RDS extends the storage when at most a tenth is free, at most every six hours and up to a limit.
    If less than *free_gib* is free for half an hour, RDS could not extend it. RDS always reports
    metrics of a running database, so missing data means that the database is not running.
    """

    def number(metric: str, statistic: str) -> Metric:
        return Metric(subject, "AWS/RDS", metric, {"DBInstanceIdentifier": instance}, statistic)

    yield Alarm(
        "FreeStorage",
        f"The database has less than {free_gib:g} GiB of free storage, and RDS did not extend it. "
        "Check whether the storage has reached max_storage_gib, and raise that setting: a full "
        "disk stops the database.",
        "Free storage of the database (bytes)",
        number("FreeStorageSpace", "Minimum"),
        threshold=free_gib * GIB,
        below=True,
        periods=6,
        missing_data="ignore",
    )
    yield Alarm(
        "CpuUtilization",
        "The CPU of the database has been busy for 15 minutes, or the database is not running. "
        "Check its status and events in RDS, then the top statements in Database Insights.",
        "CPU utilization of the database (percent)",
        number("CPUUtilization", "Average"),
        threshold=80,
        periods=3,
        missing_data="breaching",
    )
    yield Alarm(
        "Connections",
        "Nearly all connections to the database are in use; without one, requests fail. Check "
        "which clients hold them (pg_stat_activity), then the number of tasks and the size of the "
        "connection pool of each.",
        "Connections to the database",
        number("DatabaseConnections", "Maximum"),
        threshold=connections,
        periods=3,
        missing_data="ignore",
    )


def targets(
    subject: str, load_balancer: Value, target_group: Value, *, errors: int, seconds: float
) -> Iterator[Alarm]:
    """Yield the alarms of a target group and its load balancer.

    Both are given by the last part of the ARN, as in the dimensions of the metrics. Targets that
    start or stop do not count as unhealthy, so a deployment causes no alarm.
    """
    of_balancer = {"LoadBalancer": load_balancer}
    of_targets = {"LoadBalancer": load_balancer, "TargetGroup": target_group}

    def number(metric: str, statistic: str, of: dict[str, Value], minutes: int = 5) -> Metric:
        return Metric(subject, "AWS/ApplicationELB", metric, of, statistic, minutes)

    yield Alarm(
        "UnhealthyTargets",
        "A task has failed its health check for five minutes. Check the service's events in ECS, "
        "then the log of the task. ECS replaces a task that stays unhealthy.",
        "Unhealthy targets",
        number("UnHealthyHostCount", "Maximum", of_targets, minutes=1),
        threshold=1,
        periods=5,
    )
    yield Alarm(
        "ServerErrors",
        "The application responded to more requests with 5xx than the threshold. Check the "
        "tracebacks of these minutes in its log group, then the traces with a fault.",
        "Responses with 5xx",
        number("HTTPCode_Target_5XX_Count", "Sum", of_targets),
        threshold=errors,
    )
    yield Alarm(
        "LoadBalancerErrors",
        "The load balancer itself responded with 5xx: no task was available, or none responded in "
        "time. Check whether the service has healthy tasks, then whether they time out.",
        "Responses with 5xx",
        number("HTTPCode_ELB_5XX_Count", "Sum", of_balancer),
        threshold=errors,
    )
    yield Alarm(
        "Latency",
        "The slowest 5 % of requests have been too slow for 15 minutes. Check the slowest traces, "
        "then the CPU of tasks and database.",
        "Latency of requests, p95 (s)",
        number("TargetResponseTime", "p95", of_targets),
        threshold=seconds,
        periods=3,
    )


def api(subject: str, id_: Value, *, errors: int, milliseconds: int) -> Iterator[Alarm]:
    """Yield the alarms of an HTTP API. A throttled or denied request is a 4xx response, not 5xx."""

    def number(metric: str, statistic: str) -> Metric:
        return Metric(subject, "AWS/ApiGateway", metric, {"ApiId": id_}, statistic)

    yield Alarm(
        "ServerErrors",
        "The API responded to more requests with 5xx than the threshold. Check `error`, "
        "`authorizer` and `integration` in its access log for the failed function, then "
        "the log of that function.",
        "Responses with 5xx",
        number("5xx", "Sum"),
        threshold=errors,
    )
    yield Alarm(
        "Latency",
        "The slowest 5 % of requests have been too slow for 15 minutes. Check the duration of the "
        "functions behind the API, then how many of the requests were cold starts (Init Duration).",
        "Latency of the API, p95 (ms)",
        number("Latency", "p95"),
        threshold=milliseconds,
        periods=3,
    )


def service(
    subject: str, cluster: Value, name: Value, *, tasks: int, has_container_insights: bool
) -> Iterator[Alarm]:
    """Yield the alarm of an ECS service that runs fewer tasks than desired for ten minutes.

    ECS reports the desired count only with Container Insights (*has_container_insights*). Otherwise the alarm
    counts samples of the CPU metric: each running task reports one per minute (ECS developer guide,
    CloudWatch metrics), and autoscaling keeps at least *tasks*. If no task runs there is no data,
    so missing data is breaching, also before the first release.
    """
    dimensions = {"ClusterName": cluster, "ServiceName": name}
    description = (
        "Fewer tasks than desired have run for ten minutes, or none. Check the service's events in "
        "ECS and why the last task stopped (image, secrets, memory, health check). The alarm is "
        "also active before the first release, and while the service is stopped."
    )

    def count(namespace: str, metric: str, statistic: str) -> Metric:
        return Metric(subject, namespace, metric, dimensions, statistic, minutes=1)

    if has_container_insights:
        yield Alarm(
            "RunningTasks",
            description,
            "Running tasks",
            count("ECS/ContainerInsights", "DesiredTaskCount", "Maximum"),
            minus=count("ECS/ContainerInsights", "RunningTaskCount", "Maximum"),
            threshold=1,
            periods=10,
            missing_data="breaching",
        )
    else:
        yield Alarm(
            "RunningTasks",
            description,
            "Running tasks",
            count("AWS/ECS", "CPUUtilization", "SampleCount"),
            threshold=tasks,
            below=True,
            periods=10,
            missing_data="breaching" if tasks else "notBreaching",
        )
