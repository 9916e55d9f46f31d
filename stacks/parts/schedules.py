"""Schedules that invoke a Lambda function."""

from __future__ import annotations

from troposphere import awslambda, events

from deployer.model import Template
from stacks.parts.functions import allow_invoke


def invoke_at(t: Template, function: awslambda.Function, rate: str, description: str) -> None:
    """Invoke *function* at a *rate*, such as rate(5 minutes).

    A failed run is not repeated, because the next run does what it left.
    """
    title = function.title
    t.add_resource(
        awslambda.EventInvokeConfig(
            f"{title}InvokeConfig",
            FunctionName=function.ref(),
            Qualifier="$LATEST",
            MaximumRetryAttempts=0,
        )
    )
    rule = t.add_resource(
        events.Rule(
            f"{title}Schedule",
            Description=description,
            ScheduleExpression=rate,
            Targets=[events.Target(Id=title, Arn=function.get_att("Arn"))],
        )
    )
    allow_invoke(t, function, "events", rule.get_att("Arn"))
