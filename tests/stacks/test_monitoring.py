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
from deployer.template_yaml import dump, load
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
def watched(config, settings=SETTINGS) -> Layers:
    """All layers of *config*."""
    return layers(replace(config, monitoring=settings), CODE)


def of(crd):
    """What watch is in these layers."""
    (found,) = (one for one in crd if one.short_name == "monitoring")
    return Emitted(found, json.loads(found.template.to_json()))


@pytest.fixture
def everything(config):
    """All layers."""
    return watched(config)


@pytest.fixture
def stack(everything):
    """The stack of this layer."""
    return of(everything)


@pytest.fixture
def alarms(stack):
    """Its alarms by title."""
    return stack.of("AWS::CloudWatch::Alarm")


# Whatever can fail unseen has its alarms ---------------------------------------------------------


def findings(wanted, env):
    """What has no alarm, or has one that nobody hears."""
    return [(one.rule, one.where) for one in policy.check(wanted, env, rules=RULES)]


def test_nothing_is_unwatched(everything, config):
    """No function, queue, table, database, service, load balancer or API of any layer."""
    assert [] == findings(synth(everything), config.env)


def without(wanted, title):
    """The stacks, as if nobody had thought of an alarm."""
    watching = next(each for each in wanted if each.short_name == "monitoring")
    template = load(watching.text)
    del template["Resources"][title]
    blind = changed(watching, text=dump(template))
    return [blind if each is watching else each for each in wanted]


def test_each_alarm_is_missed(everything, config, alarms):
    """By the rules: so the test above can fail, for each kind of thing."""
    more = {title for title in alarms if title.startswith("MessagesIndex") or "Behind" in title}
    wanted = synth(everything)

    silent = {title for title in alarms if not findings(without(wanted, title), config.env)}

    assert more == silent  # Those that the rules do not ask for: the two tests below do.


@pytest.fixture
def model(everything, config):
    """The templates as rules see them."""
    wanted = synth(everything)
    return Templates(config.env, tuple(Parsed(one, load(one.text)) for one in wanted))


def of_metric(model, name, dimension):
    """What each alarm about the metric *name* says in *dimension*: what it names, or as text."""
    for alarm in model.of("CloudWatch::Alarm"):
        if alarm.get("MetricName") == name:
            for one in alarm.get("Dimensions"):
                if one["Name"] == dimension:
                    yield alarm, one["Value"]


@pytest.mark.parametrize("metric", ["ReadThrottleEvents", "WriteThrottleEvents"])
def test_every_index_is_watched(model, metric):
    """It has metrics of its own, which those of its table do not include."""
    indexes = {
        index["IndexName"]
        for table in model.of("DynamoDB::Table")
        for index in table.get("GlobalSecondaryIndexes")
    }
    found = {
        model.exports[alarm.stack.subject.region, name["Fn::ImportValue"]]
        for alarm, name in of_metric(model, metric, "GlobalSecondaryIndexName")
    }

    assert indexes
    assert indexes == {below.outputs[output]["Value"] for below, output in found}


def test_whoever_follows_a_stream_is_watched(model):
    """What it reports of single records is no error of the function."""
    followers = {
        function
        for mapping in model.of("Lambda::EventSourceMapping")
        for function in model.reached(mapping.stack, mapping.get("FunctionName"))
    }
    found = {
        function
        for alarm, name in of_metric(model, "IteratorAge", "FunctionName")
        for function in model.reached(alarm.stack, name)
    }

    assert followers
    assert followers == found


def test_a_second_service_is_watched_too():
    """It is off by default."""
    config = config_of("prod")
    verifier = replace(config.service, name="verifier", min_tasks=3)
    crd = watched(replace(config, verifier=verifier))

    assert "VerifierTasks" in of(crd).of("AWS::CloudWatch::Alarm")
    assert [] == findings(synth(crd), config.env)


# When somebody is told ---------------------------------------------------------------------------

# fmt: off
TABLE = {  # metric, statistic, minutes, times in a row, from where on, without data
    "ThumbnailErrors": ("AWS/Lambda Errors", "Sum", 5, 1, ">=", 1, "notBreaching"),
    "ThumbnailThrottles": ("AWS/Lambda Throttles", "Sum", 5, 1, ">=", 1, "notBreaching"),
    "MessagingStreamBehind":
        ("AWS/Lambda IteratorAge", "Maximum", 5, 3, ">=", 900_000, "notBreaching"),
    "AvatarsFailuresWaiting":
        ("AWS/SQS ApproximateNumberOfMessagesVisible", "Maximum", 5, 1, ">=", 1, "notBreaching"),
    "AvatarsFailuresForgotten":
        ("AWS/SQS ApproximateAgeOfOldestMessage", "Maximum", 60, 1, ">=", 864_000, "notBreaching"),
    "MessagesReadThrottles":
        ("AWS/DynamoDB ReadThrottleEvents", "Sum", 5, 2, ">=", 1, "notBreaching"),
    "MessagesIndexWriteThrottles":
        ("AWS/DynamoDB WriteThrottleEvents", "Sum", 5, 2, ">=", 1, "notBreaching"),
    "DatabaseStorage":
        ("AWS/RDS FreeStorageSpace", "Minimum", 5, 6, "<", 2 * 1024**3, "ignore"),
    "DatabaseCpu": ("AWS/RDS CPUUtilization", "Average", 5, 3, ">=", 80, "breaching"),
    "DatabaseConnections": ("AWS/RDS DatabaseConnections", "Maximum", 5, 3, ">=", 160, "ignore"),
    "BackendUnhealthy":
        ("AWS/ApplicationELB UnHealthyHostCount", "Maximum", 1, 5, ">=", 1, "notBreaching"),
    "BackendErrors":
        ("AWS/ApplicationELB HTTPCode_Target_5XX_Count", "Sum", 5, 1, ">=", 5, "notBreaching"),
    "BackendUnanswered":
        ("AWS/ApplicationELB HTTPCode_ELB_5XX_Count", "Sum", 5, 1, ">=", 5, "notBreaching"),
    "BackendSlow":
        ("AWS/ApplicationELB TargetResponseTime", "p95", 5, 3, ">=", 1, "notBreaching"),
    "AvatarsApiErrors": ("AWS/ApiGateway 5xx", "Sum", 5, 1, ">=", 5, "notBreaching"),
    "AvatarsApiSlow": ("AWS/ApiGateway Latency", "p95", 5, 3, ">=", 3000, "notBreaching"),
}
# fmt: on
SIGNS = {"GreaterThanOrEqualToThreshold": ">=", "LessThanThreshold": "<"}


def row(alarm):
    """An alarm as a row of the table."""
    return (
        f"{alarm['Namespace']} {alarm['MetricName']}",
        alarm.get("Statistic") or alarm["ExtendedStatistic"],
        alarm["Period"] / 60,
        alarm["EvaluationPeriods"],
        SIGNS[alarm["ComparisonOperator"]],
        alarm["Threshold"],
        alarm["TreatMissingData"],
    )


@pytest.mark.parametrize("title", TABLE)
def test_when_somebody_is_told(alarms, title):
    """Each kind: what is measured, for how long, and how much of it is too much."""
    assert TABLE[title] == row(alarms[title])


def test_every_kind_of_alarm_is_in_the_table(alarms):
    """But how many tasks run, which depends on what the cluster says."""
    kinds = {row(alarm)[0] for title, alarm in alarms.items() if title != "ServiceTasks"}

    assert {metric for metric, *_ in TABLE.values()} == kinds


def test_without_container_insights_samples_are_counted():
    """One a minute for each task that runs; autoscaling wants no fewer than the fewest."""
    config = config_of("dev")
    two = replace(config, service=replace(config.service, min_tasks=2))

    alarm = of(watched(two)).of("AWS::CloudWatch::Alarm")["ServiceTasks"]

    assert ("AWS/ECS CPUUtilization", "SampleCount", 1, 10, "<", 2, "breaching") == row(alarm)


def test_where_there_may_be_no_task_no_data_is_no_alarm():
    """Nothing is reported where nothing runs."""
    config = config_of("dev")
    none = replace(config, service=replace(config.service, min_tasks=0))

    alarm = of(watched(none)).of("AWS::CloudWatch::Alarm")["ServiceTasks"]

    assert "notBreaching" == alarm["TreatMissingData"]


def test_with_container_insights_ecs_says_how_many_it_wants():
    """One task less than that, for ten minutes."""
    config = config_of("prod")
    insights = replace(config, cluster=replace(config.cluster, container_insights="enabled"))

    alarm = of(watched(insights)).of("AWS::CloudWatch::Alarm")["ServiceTasks"]

    difference, much, less = alarm["Metrics"]
    assert ("much - less", True) == (difference["Expression"], difference["ReturnData"])
    assert ("much", "DesiredTaskCount") == (much["Id"], much["MetricStat"]["Metric"]["MetricName"])
    assert ("less", "RunningTaskCount") == (less["Id"], less["MetricStat"]["Metric"]["MetricName"])
    assert (1, 10) == (alarm["Threshold"], alarm["EvaluationPeriods"])
    assert "breaching" == alarm["TreatMissingData"]


# Who is told, and what ---------------------------------------------------------------------------


def test_alarms_go_to_the_alert_topic(alarms, config):
    """Each, and nowhere else."""
    topic = {"Fn::ImportValue": f"crd-{config.env.name}-foundation-Alerts"}

    assert alarms
    for alarm in alarms.values():
        assert [topic] == alarm["AlarmActions"]
        assert alarm.get("OKActions", [topic]) == [topic]


def test_what_is_over_is_said_to_be(alarms):
    """What happened is not undone, so of what was counted there is no all-clear."""
    for title, alarm in alarms.items():
        assert ("OKActions" in alarm) == (alarm.get("Statistic") != "Sum"), title


def test_a_mail_says_what_to_do(alarms):
    """The description of an alarm is in it; CloudWatch takes 1024 characters."""
    for alarm in alarms.values():
        assert re.fullmatch(r"[A-Z].+\. First: .+\.", alarm["AlarmDescription"])
        assert len(alarm["AlarmDescription"]) <= 1024


def test_alarms_are_named_after_their_stack(alarms):
    """By CloudFormation: a release may change what has the name of its environment."""
    assert not [alarm for alarm in alarms.values() if "AlarmName" in alarm]


# The dashboard -----------------------------------------------------------------------------------


@pytest.fixture
def dashboard(stack):
    """The text of the dashboard, and what its names stand for."""
    properties = stack.one("AWS::CloudWatch::Dashboard")
    body, values = properties["DashboardBody"]["Fn::Sub"]
    return body, values


@pytest.fixture
def widgets(dashboard):
    """What is on it."""
    return json.loads(dashboard[0])["widgets"]


def test_every_alarm_is_a_light(widgets, alarms):
    """In one widget, on top."""
    assert "alarm" == widgets[0]["type"]
    assert {f"${{{title}.Arn}}" for title in alarms} == set(widgets[0]["properties"]["alarms"])


def test_every_number_that_an_alarm_is_about_is_drawn(widgets, alarms):
    """Of each thing there is, with the same statistic over the same time."""
    lines = [line for widget in widgets[1:] for line in widget["properties"]["metrics"]]
    drawn = {(line[0], line[1], line[-1]["stat"], line[-1]["period"]) for line in lines}
    simple = [alarm for alarm in alarms.values() if "MetricName" in alarm]

    assert drawn >= {
        (
            alarm["Namespace"],
            alarm["MetricName"],
            alarm.get("Statistic") or alarm["ExtendedStatistic"],
            alarm["Period"],
        )
        for alarm in simple
    }
    assert len(lines) >= len(alarms)


def test_no_line_is_drawn_twice(widgets):
    """And in one graph no two have the same label."""
    for widget in widgets[1:]:
        labels = [line[-1]["label"] for line in widget["properties"]["metrics"]]
        assert len(set(labels)) == len(labels)


def test_every_name_on_the_dashboard_stands_for_something(dashboard, stack):
    """A value of another stack, or the ARN of an alarm."""
    body, values = dashboard

    names = set(re.findall(r"\$\{([^}]+)\}", body))

    own = {f"{title}.Arn" for title in stack.template["Resources"]}
    assert set(values) == names - own - {"AWS::Region"}
    assert all("Fn::ImportValue" in value for value in values.values())


def test_distributions_are_seen_from_their_region(widgets):
    """They report to one region only; an alarm there could not reach the topic here."""
    regions = {
        (line[0] == "AWS/CloudFront", widget["properties"]["region"])
        for widget in widgets[1:]
        for line in widget["properties"]["metrics"]
    }

    assert {(True, "us-east-1"), (False, "${AWS::Region}")} == regions


# Traces and money --------------------------------------------------------------------------------


def test_traces_are_sampled_as_ever(stack, config):
    """Five a second and a tenth of the rest, of the application alone."""
    rule = stack.one("AWS::XRay::SamplingRule")["SamplingRule"]

    service = {"Fn::ImportValue": f"crd-{config.env.name}-service-Name"}
    assert (service, 0.1, 5, 9000) == tuple(
        rule[key] for key in ("ServiceName", "FixedRate", "ReservoirSize", "Priority")
    )
    assert {"*"} == {
        rule[key] for key in ("ServiceType", "Host", "HTTPMethod", "URLPath", "ResourceARN")
    }
    assert len(rule["RuleName"]) <= 32


def test_a_group_shows_the_traces_of_the_application(stack, config):
    """X-Ray knows it by the name that it gives itself."""
    group = stack.one("AWS::XRay::Group")

    name = {"Fn::ImportValue": f"crd-{config.env.name}-service-Name"}
    assert {"Fn::Sub": ['service("${Service}")', {"Service": name}]} == group["FilterExpression"]
    assert len(group["GroupName"]) <= 32


def budgets_of(*emails):
    """The budgets of an environment where these hear of alarms, by title."""
    config = config_of("prod")
    heard = replace(config, foundation=replace(config.foundation, alert_emails=emails))
    return of(watched(heard)).of("AWS::Budgets::Budget")


def test_the_budget_mails_before_the_money_is_spent():
    """At four fifths of what was spent, and as soon as it will not do."""
    (budget,) = budgets_of("one@cruddur.example").values()

    limit = {"Amount": 300, "Unit": "USD"}
    assert ("COST", "MONTHLY", limit) == tuple(
        budget["Budget"][key] for key in ("BudgetType", "TimeUnit", "BudgetLimit")
    )
    assert [("ACTUAL", 80, "PERCENTAGE"), ("FORECASTED", 100, "PERCENTAGE")] == [
        tuple(
            one["Notification"][key] for key in ("NotificationType", "Threshold", "ThresholdType")
        )
        for one in budget["NotificationsWithSubscribers"]
    ]


def test_whoever_hears_of_alarms_hears_of_money():
    """And where there is nobody, there is no budget."""
    emails = ("one@cruddur.example", "two@cruddur.example")

    heard = [
        [subscriber["Address"] for subscriber in one["Subscribers"]]
        for budget in budgets_of(*emails).values()
        for one in budget["NotificationsWithSubscribers"]
    ]

    assert [[emails[0]], [emails[0]], [emails[1]], [emails[1]]] == heard
    assert {} == budgets_of()


def test_adding_an_address_changes_no_budget():
    """CloudFormation would make another one of the same name first, and AWS refuse it."""
    one, both = budgets_of("b@x.example"), budgets_of("a@x.example", "b@x.example")

    names = {budget["Budget"]["BudgetName"] for budget in both.values()}
    assert one.items() <= both.items()
    assert {"crd-prod-monthly-axexample", "crd-prod-monthly-bxexample"} == names


def test_nothing_else_is_in_the_stack(stack):
    """It only looks: what it watches does not depend on it."""
    types = {one["Type"].split("::")[1] for one in stack.template["Resources"].values()}

    assert {"CloudWatch", "XRay"} <= types <= {"CloudWatch", "XRay", "Budgets"}
    assert "Outputs" not in stack.template
    assert "crd-" not in text(stack.template["Description"])
