"""Deployment of the monitoring stack of a whole environment to the emulator."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.emulator.templates import att, ref, resource
from tests.stacks.monitoring_templates import all_stacks, monitoring_of
from tests.stacks.templates import config_of

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def dependencies_of(template: dict[str, Any]) -> dict[str, Any]:
    """Return a stack that exports the imports of *template*: a topic, and names of no resources."""
    names = sorted(set(re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(template))))
    outputs = {
        re.sub(r"\W", "", name): {"Value": name.rpartition("-")[2], "Export": {"Name": name}}
        for name in names
    }
    outputs["crddevfoundationAlerts"]["Value"] = ref("Alerts")
    return {"Resources": {"Alerts": resource("AWS::SNS::Topic")}, "Outputs": outputs}


def test_monitoring_is_deployed(aws: Aws) -> None:
    """All alarms notify the topic, and dashboard, group and budget exist.

    AWS: AWS::CloudWatch::Alarm, AWS::CloudWatch::Dashboard, AWS::XRay::Group,
    AWS::Budgets::Budget.
    """
    template = monitoring_of(all_stacks(config_of("dev"))).template

    aws.deploy("crd-dev-dependencies", dependencies_of(template))
    stack = aws.deploy("crd-dev-monitoring", template)

    assert stack["StackStatus"] == "CREATE_COMPLETE", aws.events("crd-dev-monitoring")
    cloudwatch = aws.client("cloudwatch")
    alarms = cloudwatch.describe_alarms(MaxRecords=100)["MetricAlarms"]
    declared = {
        title
        for title, declaration in template["Resources"].items()
        if declaration["Type"] == "AWS::CloudWatch::Alarm"
    }
    assert declared == {alarm["AlarmName"].split("-")[3] for alarm in alarms}
    assert all(alarm["AlarmName"].startswith("crd-dev-monitoring-") for alarm in alarms)
    (topic,) = aws.client("sns").list_topics()["Topics"]
    assert {topic["TopicArn"]} == {action for alarm in alarms for action in alarm["AlarmActions"]}
    assert "p95" in {alarm.get("ExtendedStatistic") for alarm in alarms}

    body = cloudwatch.get_dashboard(DashboardName="crd-dev-overview")["DashboardBody"]
    alarm_status, *graphs = json.loads(body)["widgets"]
    assert {alarm["AlarmArn"] for alarm in alarms} == set(alarm_status["properties"]["alarms"])
    assert len(graphs) > 10
    assert "${" not in body

    (group,) = aws.client("xray").get_groups()["Groups"]
    assert group["FilterExpression"] == 'service("Name")'
    budgets = aws.client("budgets", "us-east-1")
    (budget,) = budgets.describe_budgets(AccountId=aws.endpoint.account)["Budgets"]
    assert budget["BudgetLimit"]["Amount"] == "300"


def test_an_alarm_notifies_the_topic(aws: Aws) -> None:
    """A message in a dead-letter queue raises an alarm, which is published to the topic.

    AWS: CloudWatch user guide, alarm actions. MiniStack ignores dimensions and missing data, so
    only an AWS account shows when exactly an alarm is raised.
    """
    template = monitoring_of(all_stacks(config_of("dev"))).template
    aws.deploy("crd-dev-dependencies", with_subscription(dependencies_of(template)))
    aws.deploy("crd-dev-monitoring", template)
    cloudwatch, sqs = aws.client("cloudwatch"), aws.client("sqs")
    mailbox = sqs.get_queue_url(QueueName="mailbox")["QueueUrl"]

    def raised_alarms() -> list[str]:
        cloudwatch.describe_alarms()  # MiniStack evaluates alarms in this call.
        messages = sqs.receive_message(QueueUrl=mailbox, MaxNumberOfMessages=10).get("Messages", [])
        notifications = [json.loads(json.loads(found["Body"])["Message"]) for found in messages]
        return [
            notification["AlarmName"]
            for notification in notifications
            if notification["NewStateValue"] == "ALARM"
        ]

    before = raised_alarms()
    cloudwatch.put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[
            {
                "MetricName": "ApproximateNumberOfMessagesVisible",
                "Dimensions": [{"Name": "QueueName", "Value": "DeadLetterQueue"}],
                "Value": 1,
            }
        ],
    )
    after = raised_alarms()

    assert not [name for name in before if "AvatarsDeadLetterQueueNotEmpty" in name]
    assert [name for name in after if "AvatarsDeadLetterQueueNotEmpty" in name]


def with_subscription(template: dict[str, Any]) -> dict[str, Any]:
    """Return *template* with a queue that is subscribed to the topic."""
    mailbox = resource("AWS::SQS::Queue", QueueName="mailbox")
    subscription = resource(
        "AWS::SNS::Subscription",
        TopicArn=ref("Alerts"),
        Protocol="sqs",
        Endpoint=att("Mailbox", "Arn"),
    )
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": att("Mailbox", "Arn"),
    }
    policy = resource(
        "AWS::SQS::QueuePolicy",
        Queues=[ref("Mailbox")],
        PolicyDocument={"Version": "2012-10-17", "Statement": [statement]},
    )
    resources = {
        **template["Resources"],
        "Mailbox": mailbox,
        "Subscription": subscription,
        "Policy": policy,
    }
    return {**template, "Resources": resources}
