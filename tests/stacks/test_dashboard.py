"""The CloudWatch dashboard."""

import json
import re

import pytest

from tests.stacks.monitoring_templates import all_stacks, monitoring_of


@pytest.fixture
def stack(config):
    return monitoring_of(all_stacks(config))


@pytest.fixture
def alarms(stack):
    return stack.of("AWS::CloudWatch::Alarm")


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
    assert widgets[0]["type"] == "alarm"
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


def test_labels_are_unique_in_a_widget(widgets):
    """No two lines of a widget have the same label."""
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


def test_widgets_of_distributions_read_from_us_east_1(widgets):
    """Widgets of distributions use the only region to which CloudFront reports its metrics."""
    regions = {
        (line[0] == "AWS/CloudFront", widget["properties"]["region"])
        for widget in widgets[1:]
        for line in widget["properties"]["metrics"]
    }

    assert regions == {(True, "us-east-1"), (False, "${AWS::Region}")}
