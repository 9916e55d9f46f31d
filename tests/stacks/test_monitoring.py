import json
import re
from dataclasses import replace as changed
from functools import cache

import pytest
from msgspec.structs import replace

from deployer import policy
from deployer.model import Layers
from deployer.policy.model import Stack as Parsed
from deployer.policy.model import Templates
from deployer.synth import synth
from stacks import layers, monitoring
from tests.stacks.templates import CODE, Emitted, config_of, text

SETTINGS = monitoring.Settings(
    monthly_budget_usd=300,
    server_errors=5,
    latency_ms=1000,
    api_latency_ms=3000,
    database_connections=160,
    database_free_gib=2,
)
RULES = [rule for rule in policy.RULES if rule.id in {"C921", "C922"}]


@cache
def all_stacks(config, settings=SETTINGS) -> Layers:
    """Return all stacks of *config*, with fixed settings of monitoring."""
    return layers(replace(config, monitoring=settings), CODE)


def monitoring_of(stacks):
    """Return the monitoring stack of *stacks*."""
    (found,) = (stack for stack in stacks if stack.short_name == "monitoring")
    return Emitted(found, json.loads(found.template.to_json()))


@pytest.fixture
def everything(config):
    return all_stacks(config)


@pytest.fixture
def stack(everything):
    return monitoring_of(everything)


@pytest.fixture
def alarms(stack):
    return stack.of("AWS::CloudWatch::Alarm")


# Every resource that can fail has alarms ---------------------------------------------------------


def findings(desired, env):
    """Return the findings about missing alarms and alarms without actions."""
    return [(finding.rule, finding.where) for finding in policy.check(desired, env, rules=RULES)]


def test_every_resource_has_its_alarms(everything, config):
    """No function, queue, table, database, service, load balancer or API is without an alarm."""
    assert [] == findings(synth(everything), config.env)


def without_alarm(desired, title):
    """Return the stacks without one alarm."""
    complete = next(stack for stack in desired if stack.short_name == "monitoring")
    resources = {name: body for name, body in complete.body["Resources"].items() if name != title}
    incomplete = changed(complete, body={**complete.body, "Resources": resources})
    return [incomplete if stack is complete else stack for stack in desired]


def test_a_missing_alarm_is_a_finding(everything, config, alarms):
    """The rules miss each alarm, except for those of indexes and streams, which are tested below."""
    not_in_rules = {
        title for title in alarms if title.startswith("MessagesIndex") or "IteratorAge" in title
    }
    desired = synth(everything)

    unnoticed = {
        title for title in alarms if not findings(without_alarm(desired, title), config.env)
    }

    assert not_in_rules == unnoticed


@pytest.fixture
def templates(everything, config):
    """The templates as the rules see them."""
    desired = synth(everything)
    return Templates(config.env, tuple(Parsed(stack, stack.body) for stack in desired))


def alarms_with(templates, metric, dimension):
    """Yield each alarm of *metric* with the value of its *dimension*."""
    for alarm in templates.of("CloudWatch::Alarm"):
        if alarm.get("MetricName") == metric:
            for pair in alarm.get("Dimensions"):
                if pair["Name"] == dimension:
                    yield alarm, pair["Value"]


@pytest.mark.parametrize("metric", ["ReadThrottleEvents", "WriteThrottleEvents"])
def test_every_index_has_alarms(templates, metric):
    """An index has metrics of its own, which are not part of the metrics of its table."""
    indexes = {
        index["IndexName"]
        for table in templates.of("DynamoDB::Table")
        for index in table.get("GlobalSecondaryIndexes")
    }
    found = {
        templates.exports[alarm.stack.subject.region, name["Fn::ImportValue"]]
        for alarm, name in alarms_with(templates, metric, "GlobalSecondaryIndexName")
    }

    assert indexes
    assert indexes == {producer.outputs[output]["Value"] for producer, output in found}


def test_every_stream_reader_has_an_alarm(templates):
    """A failure of a single record is not an error of the function."""
    readers = {
        function
        for mapping in templates.of("Lambda::EventSourceMapping")
        for function in templates.reached(mapping.stack, mapping.get("FunctionName"))
    }
    found = {
        function
        for alarm, name in alarms_with(templates, "IteratorAge", "FunctionName")
        for function in templates.reached(alarm.stack, name)
    }

    assert readers
    assert readers == found


def test_the_verifier_has_an_alarm():
    """A second service, which is off by default, has alarms if it is on."""
    config = config_of("prod")
    verifier = replace(config.service, name="verifier", min_tasks=3)
    stacks = all_stacks(replace(config, verifier=verifier))

    assert "VerifierRunningTasks" in monitoring_of(stacks).of("AWS::CloudWatch::Alarm")
    assert [] == findings(synth(stacks), config.env)


# Thresholds --------------------------------------------------------------------------------------

# fmt: off
THRESHOLDS = {  # metric, statistic, period in minutes, periods, operator, threshold, missing data
    "AvatarsThumbnailErrors": ("AWS/Lambda Errors", "Sum", 5, 1, ">=", 1, "notBreaching"),
    "AvatarsThumbnailThrottles": ("AWS/Lambda Throttles", "Sum", 5, 1, ">=", 1, "notBreaching"),
    "MessagesMessagingStreamIteratorAge":
        ("AWS/Lambda IteratorAge", "Maximum", 5, 3, ">=", 900_000, "notBreaching"),
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
    """Only the alarm of the running tasks is not: it depends on Container Insights."""
    metrics = {row(alarm)[0] for title, alarm in alarms.items() if title != "ServiceRunningTasks"}

    assert {metric for metric, *_ in THRESHOLDS.values()} == metrics


def test_without_container_insights_samples_are_counted():
    """Each running task reports one sample per minute; autoscaling keeps the minimum of tasks."""
    config = config_of("dev")
    two_tasks = replace(config, service=replace(config.service, min_tasks=2))

    stack = monitoring_of(all_stacks(two_tasks))

    alarm = stack.of("AWS::CloudWatch::Alarm")["ServiceRunningTasks"]
    assert ("AWS/ECS CPUUtilization", "SampleCount", 1, 10, "<", 2, "breaching") == row(alarm)


def test_missing_data_is_no_alarm_if_no_task_is_required():
    """A service without tasks reports no metrics."""
    config = config_of("dev")
    no_tasks = replace(config, service=replace(config.service, min_tasks=0))

    stack = monitoring_of(all_stacks(no_tasks))

    alarm = stack.of("AWS::CloudWatch::Alarm")["ServiceRunningTasks"]
    assert "notBreaching" == alarm["TreatMissingData"]


def test_with_container_insights_desired_and_running_tasks_are_compared():
    """The alarm is on if one task is missing for ten minutes."""
    config = config_of("prod")
    insights = replace(config, cluster=replace(config.cluster, container_insights="enabled"))

    stack = monitoring_of(all_stacks(insights))

    alarm = stack.of("AWS::CloudWatch::Alarm")["ServiceRunningTasks"]
    difference, *queries = alarm["Metrics"]
    names = {query["Id"]: query["MetricStat"]["Metric"]["MetricName"] for query in queries}
    assert ("metric - minus", True) == (difference["Expression"], difference["ReturnData"])
    assert {"metric": "DesiredTaskCount", "minus": "RunningTaskCount"} == names
    assert (1, 10) == (alarm["Threshold"], alarm["EvaluationPeriods"])
    assert "breaching" == alarm["TreatMissingData"]


# Alarm actions and descriptions ------------------------------------------------------------------


def test_alarms_notify_the_alert_topic(alarms, config):
    """No alarm has another action."""
    topic = {"Fn::ImportValue": f"crd-{config.env.name}-foundation-Alerts"}

    assert alarms
    for alarm in alarms.values():
        assert [topic] == alarm["AlarmActions"]
        assert alarm.get("OKActions", [topic]) == [topic]


def test_alarms_notify_when_they_are_over(alarms):
    """Alarms that count events do not, since the events are not undone."""
    for title, alarm in alarms.items():
        assert ("OKActions" in alarm) == (alarm.get("Statistic") != "Sum"), title


def test_a_description_says_what_to_check(alarms):
    """The mail of an alarm contains its description, which has at most 1024 characters."""
    for alarm in alarms.values():
        assert re.fullmatch(r"[A-Z].+\. Check .+\.", alarm["AlarmDescription"])
        assert len(alarm["AlarmDescription"]) <= 1024


def test_cloudformation_names_the_alarms(alarms):
    """A generated name starts with the stack's name, as the permissions of a release require."""
    assert not [alarm for alarm in alarms.values() if "AlarmName" in alarm]


# The dashboard -----------------------------------------------------------------------------------


@pytest.fixture
def dashboard(stack):
    """The body of the dashboard, and the values of its variables."""
    properties = stack.one("AWS::CloudWatch::Dashboard")
    body, values = properties["DashboardBody"]["Fn::Sub"]
    return body, values


@pytest.fixture
def widgets(dashboard):
    return json.loads(dashboard[0])["widgets"]


def test_the_dashboard_shows_every_alarm(widgets, alarms):
    """The first widget has the state of all alarms."""
    assert "alarm" == widgets[0]["type"]
    assert {f"${{{title}.Arn}}" for title in alarms} == set(widgets[0]["properties"]["alarms"])


def test_the_dashboard_has_a_line_for_every_metric_of_an_alarm(widgets, alarms):
    """A line has the same statistic and period as the alarm."""
    lines = [line for widget in widgets[1:] for line in widget["properties"]["metrics"]]
    shown = {(line[0], line[1], line[-1]["stat"], line[-1]["period"]) for line in lines}
    with_one_metric = [alarm for alarm in alarms.values() if "MetricName" in alarm]

    assert shown >= {
        (
            alarm["Namespace"],
            alarm["MetricName"],
            alarm.get("Statistic") or alarm["ExtendedStatistic"],
            alarm["Period"],
        )
        for alarm in with_one_metric
    }
    assert len(lines) >= len(alarms)


def test_labels_are_unique_in_a_graph(widgets):
    """No line is in a graph twice."""
    for widget in widgets[1:]:
        labels = [line[-1]["label"] for line in widget["properties"]["metrics"]]
        assert len(set(labels)) == len(labels)


def test_every_variable_of_the_dashboard_has_a_value(dashboard, stack):
    """A variable is an import from another stack, or the ARN of an alarm."""
    body, values = dashboard

    names = set(re.findall(r"\$\{([^}]+)\}", body))

    alarm_arns = {f"{title}.Arn" for title in stack.template["Resources"]}
    assert set(values) == names - alarm_arns - {"AWS::Region"}
    assert all("Fn::ImportValue" in value for value in values.values())


def test_graphs_of_distributions_read_from_us_east_1(widgets):
    """CloudFront reports its metrics to one region only."""
    regions = {
        (line[0] == "AWS/CloudFront", widget["properties"]["region"])
        for widget in widgets[1:]
        for line in widget["properties"]["metrics"]
    }

    assert {(True, "us-east-1"), (False, "${AWS::Region}")} == regions


# Traces and budgets ------------------------------------------------------------------------------


def test_the_sampling_rule_traces_the_service(stack, config):
    """Five requests per second and a tenth of the others are traced, as in the original."""
    rule = stack.one("AWS::XRay::SamplingRule")["SamplingRule"]

    service = {"Fn::ImportValue": f"crd-{config.env.name}-service-Name"}
    assert (service, 0.1, 5, 9000) == tuple(
        rule[key] for key in ("ServiceName", "FixedRate", "ReservoirSize", "Priority")
    )
    assert {"*"} == {
        rule[key] for key in ("ServiceType", "Host", "HTTPMethod", "URLPath", "ResourceARN")
    }
    assert len(rule["RuleName"]) <= 32


def test_the_trace_group_shows_the_traces_of_the_service(stack, config):
    """The application reports its traces under the name of the service."""
    group = stack.one("AWS::XRay::Group")

    name = {"Fn::ImportValue": f"crd-{config.env.name}-service-Name"}
    assert {"Fn::Sub": ['service("${Service}")', {"Service": name}]} == group["FilterExpression"]
    assert len(group["GroupName"]) <= 32


def budgets_for(*emails):
    """Return the budgets of an environment with these alert emails, by title."""
    config = config_of("prod")
    foundation = replace(config.foundation, alert_emails=emails)
    stacks = all_stacks(replace(config, foundation=foundation))
    return monitoring_of(stacks).of("AWS::Budgets::Budget")


def test_a_budget_mails_before_the_limit_is_reached():
    """It mails at 80 %, and when the forecast exceeds the limit."""
    (budget,) = budgets_for("one@cruddur.example").values()

    limit = {"Amount": 300, "Unit": "USD"}
    assert ("COST", "MONTHLY", limit) == tuple(
        budget["Budget"][key] for key in ("BudgetType", "TimeUnit", "BudgetLimit")
    )
    assert [("ACTUAL", 80, "PERCENTAGE"), ("FORECASTED", 100, "PERCENTAGE")] == [
        tuple(
            notification["Notification"][key]
            for key in ("NotificationType", "Threshold", "ThresholdType")
        )
        for notification in budget["NotificationsWithSubscribers"]
    ]


def test_alert_emails_receive_the_mails_of_budgets():
    """Each address has its own budget; without addresses there is none."""
    emails = ("one@cruddur.example", "two@cruddur.example")

    recipients = [
        [subscriber["Address"] for subscriber in notification["Subscribers"]]
        for budget in budgets_for(*emails).values()
        for notification in budget["NotificationsWithSubscribers"]
    ]

    assert [[emails[0]], [emails[0]], [emails[1]], [emails[1]]] == recipients
    assert {} == budgets_for()


def test_a_new_address_changes_no_budget():
    """CloudFormation would create the replacement first, and AWS would refuse the same name."""
    one, both = budgets_for("b@x.example"), budgets_for("a@x.example", "b@x.example")

    names = {budget["Budget"]["BudgetName"] for budget in both.values()}
    assert one.items() <= both.items()
    assert {"crd-prod-monthly-axexample", "crd-prod-monthly-bxexample"} == names


def test_no_stack_depends_on_monitoring(stack):
    """The stack only observes: it has no other resource types and no outputs."""
    services = {
        resource["Type"].split("::")[1] for resource in stack.template["Resources"].values()
    }

    assert {"CloudWatch", "XRay"} <= services <= {"CloudWatch", "XRay", "Budgets"}
    assert "Outputs" not in stack.template
    assert "crd-" not in text(stack.template["Description"])
