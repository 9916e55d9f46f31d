"""The thresholds, actions and descriptions of the alarms."""

import re

import pytest
from msgspec.structs import replace

from tests.stacks.monitoring_templates import all_stacks, monitoring_of
from tests.stacks.templates import config_of


@pytest.fixture
def stack(config):
    return monitoring_of(all_stacks(config))


@pytest.fixture
def alarms(stack):
    return stack.of("AWS::CloudWatch::Alarm")


# Thresholds --------------------------------------------------------------------------------------

# fmt: off
THRESHOLDS = {  # metric, statistic, period in minutes, periods, operator, threshold, missing data
    "AvatarsThumbnailErrors": ("AWS/Lambda Errors", "Sum", 5, 1, ">=", 1, "notBreaching"),
    "AvatarsThumbnailThrottles": ("AWS/Lambda Throttles", "Sum", 5, 1, ">=", 1, "notBreaching"),
    "MessagesMessagingStreamIteratorAge":
        ("AWS/Lambda IteratorAge", "Maximum", 5, 2, ">=", 300_000, "notBreaching"),
    "MessagesDeadLetterQueueOldMessages":
        ("AWS/SQS ApproximateAgeOfOldestMessage", "Maximum", 60, 1, ">=", 43_200, "notBreaching"),
    "AvatarsDeadLetterQueueNotEmpty":
        ("AWS/SQS ApproximateNumberOfMessagesVisible", "Maximum", 5, 1, ">=", 1, "notBreaching"),
    "AvatarsDeadLetterQueueOldMessages":
        ("AWS/SQS ApproximateAgeOfOldestMessage", "Maximum", 60, 1, ">=", 864_000, "notBreaching"),
    "MessagesTableReadThrottles":
        ("AWS/DynamoDB ReadThrottleEvents", "Sum", 5, 2, ">=", 1, "notBreaching"),
    "MessagesIndexWriteThrottles":
        ("AWS/DynamoDB WriteThrottleEvents", "Sum", 5, 2, ">=", 1, "notBreaching"),
    "DatabaseFreeStorage":
        ("AWS/RDS FreeStorageSpace", "Minimum", 5, 6, "<", 2 * 1024**3, "ignore"),
    "PostsExpirePostsNotInvoked":
        ("AWS/Lambda Invocations", "Sum", 30, 2, "<", 1, "breaching"),
    "DatabaseCpuUtilization": ("AWS/RDS CPUUtilization", "Average", 5, 3, ">=", 80, "breaching"),
    "DatabaseConnections": ("AWS/RDS DatabaseConnections", "Maximum", 5, 3, ">=", 160, "ignore"),
    "BackendUnhealthyTargets":
        ("AWS/ApplicationELB UnHealthyHostCount", "Maximum", 1, 5, ">=", 1, "notBreaching"),
    "BackendServerErrors":
        ("AWS/ApplicationELB HTTPCode_Target_5XX_Count", "Sum", 5, 1, ">=", 5, "notBreaching"),
    "BackendLoadBalancerErrors":
        ("AWS/ApplicationELB HTTPCode_ELB_5XX_Count", "Sum", 5, 1, ">=", 5, "notBreaching"),
    "BackendLatency":
        ("AWS/ApplicationELB TargetResponseTime", "p95", 5, 3, ">=", 1, "notBreaching"),
    "AvatarsApiServerErrors": ("AWS/ApiGateway 5xx", "Sum", 5, 1, ">=", 5, "notBreaching"),
    "AvatarsApiLatency": ("AWS/ApiGateway Latency", "p95", 5, 3, ">=", 3000, "notBreaching"),
}
# fmt: on
OPERATORS = {"GreaterThanOrEqualToThreshold": ">=", "LessThanThreshold": "<"}


def row(alarm):
    """Return an alarm as a row of the table."""
    return (
        f"{alarm['Namespace']} {alarm['MetricName']}",
        alarm.get("Statistic") or alarm["ExtendedStatistic"],
        alarm["Period"] / 60,
        alarm["EvaluationPeriods"],
        OPERATORS[alarm["ComparisonOperator"]],
        alarm["Threshold"],
        alarm["TreatMissingData"],
    )


@pytest.mark.parametrize("title", THRESHOLDS)
def test_thresholds(alarms, title):
    """Each kind of alarm has the documented metric, duration and threshold."""
    assert THRESHOLDS[title] == row(alarms[title])


def test_every_kind_of_alarm_is_in_the_table(alarms):
    """Every metric with an alarm is in THRESHOLDS, except for running tasks, which have own tests."""
    metrics = {row(alarm)[0] for title, alarm in alarms.items() if title != "ServiceRunningTasks"}

    assert {metric for metric, *_ in THRESHOLDS.values()} == metrics


def test_without_container_insights_samples_are_counted():
    """The alarm counts the samples of the tasks, one per minute, against the minimum of tasks."""
    config = config_of("dev")
    two_tasks = replace(config, service=replace(config.service, min_tasks=2))

    stack = monitoring_of(all_stacks(two_tasks))

    alarm = stack.of("AWS::CloudWatch::Alarm")["ServiceRunningTasks"]
    assert row(alarm) == ("AWS/ECS CPUUtilization", "SampleCount", 1, 10, "<", 2, "breaching")


def test_missing_data_is_no_alarm_if_no_task_is_required():
    """If no task is required, missing data raises no alarm: there are no metrics then."""
    config = config_of("dev")
    no_tasks = replace(config, service=replace(config.service, min_tasks=0))

    stack = monitoring_of(all_stacks(no_tasks))

    alarm = stack.of("AWS::CloudWatch::Alarm")["ServiceRunningTasks"]
    assert alarm["TreatMissingData"] == "notBreaching"


def test_with_container_insights_desired_and_running_tasks_are_compared():
    """The alarm is on if one task is missing for ten minutes."""
    config = config_of("prod")
    insights = replace(config, cluster=replace(config.cluster, container_insights="enabled"))

    stack = monitoring_of(all_stacks(insights))

    alarm = stack.of("AWS::CloudWatch::Alarm")["ServiceRunningTasks"]
    difference, *queries = alarm["Metrics"]
    names = {query["Id"]: query["MetricStat"]["Metric"]["MetricName"] for query in queries}
    assert (difference["Expression"], difference["ReturnData"]) == ("metric - minus", True)
    assert names == {"metric": "DesiredTaskCount", "minus": "RunningTaskCount"}
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (1, 10)
    assert alarm["TreatMissingData"] == "breaching"


# Alarm actions and descriptions ------------------------------------------------------------------


def test_alarms_notify_the_alert_topic(alarms, config):
    """Each alarm notifies the alert topic, and has no other action."""
    topic = {"Fn::ImportValue": f"crd-{config.env.name}-foundation-Alerts"}

    assert alarms
    for alarm in alarms.values():
        assert [topic] == alarm["AlarmActions"]
        assert alarm.get("OKActions", [topic]) == [topic]


def test_alarms_notify_when_they_are_over(alarms):
    """Alarms notify when they are over, except for those that count events."""
    for title, alarm in alarms.items():
        assert ("OKActions" in alarm) == (alarm.get("Statistic") != "Sum"), title


def test_a_description_has_what_to_check(alarms):
    """The mail of an alarm contains its description, which has at most 1024 characters."""
    for alarm in alarms.values():
        assert re.fullmatch(r"[A-Z].+\. Check .+\.", alarm["AlarmDescription"])
        assert len(alarm["AlarmDescription"]) <= 1024


def test_cloudformation_names_the_alarms(alarms):
    """A generated name starts with the stack's name, as the permissions of a release require."""
    assert not [alarm for alarm in alarms.values() if "AlarmName" in alarm]
