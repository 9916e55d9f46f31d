"""Every resource has its alarms; traces and budgets."""

from dataclasses import replace as changed

import pytest
from msgspec.structs import replace

from deployer import policy
from deployer.policy.model import Stack as Parsed
from deployer.policy.model import Templates
from deployer.synth import synth
from stacks import layers
from tests.stacks.monitoring_templates import SETTINGS, all_stacks, monitoring_of
from tests.stacks.templates import CODE, config_of, text

pytestmark = pytest.mark.thorough

RULES = [rule for rule in policy.RULES if rule.id in {"C921", "C922"}]


@pytest.fixture
def stacks(config):
    return all_stacks(config)


@pytest.fixture
def stack(stacks):
    return monitoring_of(stacks)


@pytest.fixture
def alarms(stack):
    return stack.of("AWS::CloudWatch::Alarm")


# Every resource that can fail has alarms ---------------------------------------------------------


def findings(desired, env):
    """Return the findings about missing alarms and alarms without actions."""
    return [(finding.rule, finding.where) for finding in policy.check(desired, env, rules=RULES)]


def test_every_resource_has_its_alarms(stacks, config):
    """No function, queue, table, database, service, load balancer or API is without an alarm."""
    assert findings(synth(stacks), config.env) == []


def without_alarm(desired, title):
    """Return the stacks without one alarm."""
    complete = next(stack for stack in desired if stack.short_name == "monitoring")
    resources = {name: body for name, body in complete.body["Resources"].items() if name != title}
    incomplete = changed(complete, body={**complete.body, "Resources": resources})
    return [incomplete if stack is complete else stack for stack in desired]


def test_a_missing_alarm_is_a_finding(stacks, config, alarms):
    """The removal of each alarm is a finding, except for alarms that no rule requires.

    These are the alarms of indexes and streams, which are tested below, and those of schedules.
    """
    not_in_rules = {
        title
        for title in alarms
        if title.startswith("MessagesIndex") or title.endswith(("IteratorAge", "NotInvoked"))
    }
    desired = synth(stacks)

    unnoticed = {
        title for title in alarms if not findings(without_alarm(desired, title), config.env)
    }

    assert not_in_rules == unnoticed


@pytest.fixture
def templates(stacks, config):
    """Return the templates as the policy rules receive them."""
    desired = synth(stacks)
    return Templates(config.env, tuple(Parsed(stack, stack.body) for stack in desired))


def alarms_with(templates, metric, dimension):
    """Yield each alarm of *metric* with the value of its *dimension*."""
    for alarm in templates.of_type("CloudWatch::Alarm"):
        if alarm.get("MetricName") == metric:
            for pair in alarm.get("Dimensions"):
                if pair["Name"] == dimension:
                    yield alarm, pair["Value"]


@pytest.mark.parametrize("metric", ["ReadThrottleEvents", "WriteThrottleEvents"])
def test_every_index_has_alarms(templates, metric):
    """An index has metrics of its own, which are not part of the metrics of its table."""
    indexes = {
        index["IndexName"]
        for table in templates.of_type("DynamoDB::Table")
        for index in table.get("GlobalSecondaryIndexes")
    }
    found = {
        templates.exports[alarm.stack.subject.region, name["Fn::ImportValue"]]
        for alarm, name in alarms_with(templates, metric, "GlobalSecondaryIndexName")
    }

    assert indexes
    assert indexes == {producer.outputs[output]["Value"] for producer, output in found}


def test_every_stream_reader_has_an_alarm(templates):
    """The age of records has an alarm: a failed record is not an error of the function."""
    readers = {
        function
        for mapping in templates.of_type("Lambda::EventSourceMapping")
        for function in templates.referenced(mapping.stack, mapping.get("FunctionName"))
    }
    found = {
        function
        for alarm, name in alarms_with(templates, "IteratorAge", "FunctionName")
        for function in templates.referenced(alarm.stack, name)
    }

    assert readers
    assert readers == found


def test_the_verifier_has_an_alarm():
    """A second service, which is off by default, has alarms if it is on."""
    config = config_of("prod")
    verifier = replace(config.service, name="verifier", min_tasks=3)
    stacks = all_stacks(replace(config, verifier=verifier))

    assert "VerifierRunningTasks" in monitoring_of(stacks).of("AWS::CloudWatch::Alarm")
    assert findings(synth(stacks), config.env) == []


# Traces and budgets ------------------------------------------------------------------------------


def test_the_trace_group_shows_the_traces_of_the_service(stack, config):
    """The filter has the name under which the application reports its traces."""
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
    """A budget sends mail at 80 % of the limit, and when the forecast exceeds the limit."""
    (budget,) = budgets_for("one@cruddur.example").values()

    limit = {"Amount": 300, "Unit": "USD"}
    assert ("COST", "MONTHLY", limit) == tuple(
        budget["Budget"][key] for key in ("BudgetType", "TimeUnit", "BudgetLimit")
    )
    assert [
        tuple(
            notification["Notification"][key]
            for key in ("NotificationType", "Threshold", "ThresholdType")
        )
        for notification in budget["NotificationsWithSubscribers"]
    ] == [("ACTUAL", 80, "PERCENTAGE"), ("FORECASTED", 100, "PERCENTAGE")]


def test_alert_emails_receive_the_mails_of_budgets():
    """Each address has its own budget; without addresses there is none."""
    emails = ("one@cruddur.example", "two@cruddur.example")

    recipients = [
        [subscriber["Address"] for subscriber in notification["Subscribers"]]
        for budget in budgets_for(*emails).values()
        for notification in budget["NotificationsWithSubscribers"]
    ]

    assert [[emails[0]], [emails[0]], [emails[1]], [emails[1]]] == recipients
    assert budgets_for() == {}


def test_a_budget_of_zero_is_no_budget():
    """A limit of 0 creates no budget, because a new account may have no access to billing."""
    settings = replace(SETTINGS, monthly_budget_usd=0)
    stacks = layers(replace(config_of("prod"), monitoring=settings), CODE)

    assert monitoring_of(stacks).of("AWS::Budgets::Budget") == {}


def test_a_new_address_changes_no_budget():
    """The budgets of other addresses stay unchanged when an address is added."""
    one, both = budgets_for("b@x.example"), budgets_for("a@x.example", "b@x.example")

    names = {budget["Budget"]["BudgetName"] for budget in both.values()}
    assert one.items() <= both.items()
    assert names == {"crd-prod-monthly-axexample", "crd-prod-monthly-bxexample"}


def test_no_stack_depends_on_monitoring(stack):
    """The stack has no outputs, and only resources that observe others."""
    services = {
        resource["Type"].split("::")[1] for resource in stack.template["Resources"].values()
    }

    assert {"CloudWatch", "XRay"} <= services <= {"CloudWatch", "XRay", "Budgets"}
    assert "Outputs" not in stack.template
    assert "crd-" not in text(stack.template["Description"])
