"""Resources that are only recorded, and the calls that return them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.templates import att, ref, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws

GITHUB = "https://token.actions.githubusercontent.com"
SCALING = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/crd/backend-flask",
    "ScalableDimension": "ecs:service:DesiredCount",
}


def budget(amount: int) -> dict[str, Any]:
    """Return a monthly budget with an alert."""
    alert = {
        "Notification": {
            "NotificationType": "ACTUAL",
            "ComparisonOperator": "GREATER_THAN",
            "Threshold": 80,
        },
        "Subscribers": [{"SubscriptionType": "EMAIL", "Address": "me@cruddur.example"}],
    }
    limit = {"Amount": amount, "Unit": "USD"}
    spending = {"BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": limit}
    return resource(
        "AWS::Budgets::Budget",
        Budget={"BudgetName": "monthly", **spending},
        NotificationsWithSubscribers=[alert],
    )


def provider(audience: str) -> dict[str, Any]:
    """Return an OIDC provider for GitHub's tokens with an audience."""
    return resource("AWS::IAM::OIDCProvider", Url=GITHUB, ClientIdList=[audience])


def test_providers_and_budgets(aws: Aws) -> None:
    """An OIDC provider and a budget are created, updated and deleted; a duplicate is refused.

    AWS: AWS::IAM::OIDCProvider (EntityAlreadyExists), AWS::Budgets::Budget.
    """
    account = aws.endpoint.account

    def audiences_and_amount() -> tuple[list[str], str]:
        iam = aws.client("iam", "us-east-1")
        [arn] = [
            listed["Arn"]
            for listed in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
        ]
        provider_ = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        budgets = aws.client("budgets", "us-east-1").describe_budgets(AccountId=account)["Budgets"]
        return provider_["ClientIDList"], budgets[0]["BudgetLimit"]["Amount"]

    aws.deploy("s", template(Github=provider("sts.amazonaws.com"), Budget=budget(10)))
    first = audiences_and_amount()
    second_stack = aws.deploy("t", template(Github=provider("sts.amazonaws.com")))
    aws.deploy("s", template(Github=provider("other"), Budget=budget(20)))
    second = audiences_and_amount()
    aws.delete("s")

    assert first == (["sts.amazonaws.com"], "10")
    assert second == (["other"], "20")
    assert second_stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert (
        aws.client("iam", "us-east-1").list_open_id_connect_providers()["OpenIDConnectProviderList"]
        == []
    )
    assert aws.client("budgets", "us-east-1").describe_budgets(AccountId=account)["Budgets"] == []


def test_recorded(aws: Aws) -> None:
    """The read calls of services that MiniStack lacks return the resources of the stack.

    AWS: GetConnection, GetPipeline, DescribeScalableTargets, DescribeScalingPolicies, GetGroups.
    """
    tracking = {
        "TargetValue": 60,
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "ECSServiceAverageCPUUtilization"
        },
    }
    role = "arn:aws:iam::000000000000:role/x"
    action = {
        "Name": "fetch",
        "ActionTypeId": {
            "Category": "Source",
            "Owner": "AWS",
            "Provider": "CodeStarSourceConnection",
            "Version": "1",
        },
    }
    body = template(
        Connection=resource(
            "AWS::CodeConnections::Connection", ConnectionName="github", ProviderType="GitHub"
        ),
        Pipeline=resource(
            "AWS::CodePipeline::Pipeline",
            RoleArn=role,
            Stages=[{"Name": "Source", "Actions": [action]}],
        ),
        Target=resource(
            "AWS::ApplicationAutoScaling::ScalableTarget", MinCapacity=1, MaxCapacity=4, **SCALING
        ),
        Scaling=resource(
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            PolicyName="cpu",
            PolicyType="TargetTrackingScaling",
            ScalingTargetId=ref("Target"),
            TargetTrackingScalingPolicyConfiguration=tracking,
        ),
        Group=resource("AWS::XRay::Group", GroupName="backend", FilterExpression="fault"),
    )
    outputs = {"Arn": att("Connection", "ConnectionArn"), "Pipeline": ref("Pipeline")}
    body |= {"Outputs": {name: {"Value": value} for name, value in outputs.items()}}

    stack = aws.deploy("s", body)

    assert stack["StackStatus"] == "CREATE_COMPLETE", aws.events("s")
    arn, name = aws.outputs("s")["Arn"], aws.outputs("s")["Pipeline"]
    connections = aws.client("codeconnections")
    assert (
        connections.get_connection(ConnectionArn=arn)["Connection"]["ConnectionStatus"] == "PENDING"
    )
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        connections.get_connection(ConnectionArn=arn + "x")
    pipeline = aws.client("codepipeline").get_pipeline(name=name)["pipeline"]
    assert (role, "fetch") == (pipeline["roleArn"], pipeline["stages"][0]["actions"][0]["name"])
    scaling = aws.client("application-autoscaling")
    [target] = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    [policy] = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    assert (4, SCALING["ResourceId"]) == (target["MaxCapacity"], policy["ResourceId"])
    [group] = aws.client("xray").get_groups()["Groups"]
    assert group["FilterExpression"] == "fault"
    assert aws.delete("s")["StackStatus"] == "DELETE_COMPLETE"
    assert connections.list_connections()["Connections"] == []
