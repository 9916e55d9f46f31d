"""The alarms, the dashboard, the sampling rule and the budget of a whole environment."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.emulator.templates import att, ref, resource
from tests.stacks.monitoring_templates import all_stacks, monitoring_of
from tests.stacks.templates import config_of

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def below(template: dict[str, Any]) -> dict[str, Any]:
    """A stack that exports whatever *template* imports: a topic, and names of nothing."""
    names = sorted(set(re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(template))))
    outputs = {
        re.sub(r"\W", "", name): {"Value": name.rpartition("-")[2], "Export": {"Name": name}}
        for name in names
    }
    outputs["crddevfoundationAlerts"]["Value"] = ref("Alerts")
    return {"Resources": {"Alerts": resource("AWS::SNS::Topic")}, "Outputs": outputs}


def test_the_stack_is_made(aws: Aws) -> None:
    """As CloudFormation makes it; every alarm tells the topic, and every name has its value.

    AWS: AWS::CloudWatch::Alarm, AWS::CloudWatch::Dashboard, AWS::XRay::SamplingRule,
    AWS::XRay::Group, AWS::Budgets::Budget.
    """
    template = monitoring_of(all_stacks(config_of("dev"))).template

    aws.deploy("crd-dev-below", below(template))
    stack = aws.deploy("crd-dev-monitoring", template)

    assert "CREATE_COMPLETE" == stack["StackStatus"], aws.events("crd-dev-monitoring")
    cloudwatch = aws.client("cloudwatch")
    alarms = cloudwatch.describe_alarms(MaxRecords=100)["MetricAlarms"]
    wanted = {
        title
        for title, one in template["Resources"].items()
        if one["Type"] == "AWS::CloudWatch::Alarm"
    }
    assert wanted == {one["AlarmName"].split("-")[3] for one in alarms}
    assert all(one["AlarmName"].startswith("crd-dev-monitoring-") for one in alarms)
    (topic,) = aws.client("sns").list_topics()["Topics"]
    assert {topic["TopicArn"]} == {action for one in alarms for action in one["AlarmActions"]}
    assert "p95" in {one.get("ExtendedStatistic") for one in alarms}

    body = cloudwatch.get_dashboard(DashboardName="crd-dev-overview")["DashboardBody"]
    lights, *graphs = json.loads(body)["widgets"]
    assert {one["AlarmArn"] for one in alarms} == set(lights["properties"]["alarms"])
    assert len(graphs) > 10
    assert "${" not in body

    rules = aws.client("xray").get_sampling_rules()["SamplingRuleRecords"]
    assert ("crd-dev-service", 9000) in {
        (one["SamplingRule"]["RuleName"], one["SamplingRule"]["Priority"]) for one in rules
    }
    (group,) = aws.client("xray").get_groups()["Groups"]
    assert 'service("Name")' == group["FilterExpression"]
    budgets = aws.client("budgets", "us-east-1")
    (budget,) = budgets.describe_budgets(AccountId=aws.endpoint.account)["Budgets"]
    assert "300" == budget["BudgetLimit"]["Amount"]


def test_an_alarm_tells_whoever_listens(aws: Aws) -> None:
    """A failure that waits in a queue; before, there was nothing to tell.

    AWS: CloudWatch user guide, alarm actions. The emulator knows no dimensions and does not say
    what no data means, so which alarm goes on when is for an AWS account to show.
    """
    template = monitoring_of(all_stacks(config_of("dev"))).template
    aws.deploy("crd-dev-below", listening(below(template)))
    aws.deploy("crd-dev-monitoring", template)
    cloudwatch, sqs = aws.client("cloudwatch"), aws.client("sqs")
    mailbox = sqs.get_queue_url(QueueName="mailbox")["QueueUrl"]

    def told() -> list[str]:
        cloudwatch.describe_alarms()  # The emulator looks at its alarms when it is asked.
        mails = sqs.receive_message(QueueUrl=mailbox, MaxNumberOfMessages=10).get("Messages", [])
        news = [json.loads(json.loads(one["Body"])["Message"]) for one in mails]
        return [one["AlarmName"] for one in news if one["NewStateValue"] == "ALARM"]

    before = told()
    cloudwatch.put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[
            {
                "MetricName": "ApproximateNumberOfMessagesVisible",
                "Dimensions": [{"Name": "QueueName", "Value": "Failures"}],
                "Value": 1,
            }
        ],
    )
    after = told()

    assert not [name for name in before if "AvatarsFailuresNotEmpty" in name]
    assert [name for name in after if "AvatarsFailuresNotEmpty" in name]


def listening(template: dict[str, Any]) -> dict[str, Any]:
    """The same, and a queue that hears what the topic is told."""
    mailbox = resource("AWS::SQS::Queue", QueueName="mailbox")
    heard = resource(
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
    resources = {**template["Resources"], "Mailbox": mailbox, "Heard": heard, "Policy": policy}
    return {**template, "Resources": resources}
