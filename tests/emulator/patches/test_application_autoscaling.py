"""Scaling targets of stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.container_services import (
    Settings,
    Shop,
    image,
    is_steady,
    push,
    service,
    stopped_service,
)
from tests.emulator.templates import resource

__all__ = ["stopped_service"]

if TYPE_CHECKING:
    from tests.emulator_server import Aws

SCALING = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/shop/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}
ACTIVITIES = ("DynamicScalingIn", "DynamicScalingOut", "ScheduledScaling")
SUSPENDED = {f"{activity}Suspended": True for activity in ACTIVITIES}


def deploy(aws: Aws, uri: str, *, minimum: int = 0) -> Shop:
    """Deploy a service without a desired count of its own, scaled from *minimum* to 4 tasks."""
    body = service(Settings(uri, count=0))
    if minimum:
        del body["Resources"]["Service"]["Properties"]["DesiredCount"]
        capacity: dict[str, Any] = {"MinCapacity": minimum, "MaxCapacity": 4}
        target = resource("AWS::ApplicationAutoScaling::ScalableTarget", **capacity, **SCALING)
        body["Resources"]["Target"] = target | {"DependsOn": "Service"}
    stack = aws.deploy("shop", body, Capabilities=["CAPABILITY_IAM"])
    assert stack["StackStatus"].endswith("E_COMPLETE"), aws.events("shop")
    return Shop(aws)


def test_desired_count(aws: Aws) -> None:
    """A new scalable target moves the desired count into its range; an update does not change it.

    AWS: RegisterScalableTarget, “it changes the resource's current capacity to a value that is
    inside of this range”.
    """
    first, second = push(aws, image("red")), push(aws, image("blue"))
    scaling = aws.client("application-autoscaling")

    before = deploy(aws, first).service["desiredCount"]
    shop = deploy(aws, first, minimum=2)
    after = shop.service["desiredCount"]
    shop.wait_for(is_steady)
    running = len(shop.tasks())
    shop.update(desiredCount=3)
    deploy(aws, second, minimum=2)
    later = shop.service
    scaling.register_scalable_target(**SCALING, SuspendedState=SUSPENDED)
    [target] = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    with pytest.raises(ClientError, match="ValidationException"):
        scaling.register_scalable_target(**SCALING | {"ResourceId": "service/crd/other"})

    assert (before, after, running, later["desiredCount"]) == (0, 2, 2, 3)
    [newest] = later["deployments"]
    assert (newest["rolloutState"], later["runningCount"]) == ("COMPLETED", 3)
    assert (target["MinCapacity"], target["SuspendedState"]) == (2, SUSPENDED)


def test_raised_minimum(aws: Aws) -> None:
    """A minimum above the desired count starts tasks, unless scaling out is suspended.

    AWS: not verified.
    """
    shop = deploy(aws, push(aws, image()), minimum=1)
    scaling = aws.client("application-autoscaling")

    scaling.register_scalable_target(**SCALING, MinCapacity=2)
    shop.wait_for(is_steady)
    raised = shop.service["desiredCount"]
    scaling.register_scalable_target(**SCALING, SuspendedState=SUSPENDED)
    scaling.register_scalable_target(**SCALING, MinCapacity=3)

    assert (raised, shop.service["desiredCount"]) == (2, 2)
