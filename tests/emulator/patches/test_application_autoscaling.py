"""Scaling targets of stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.emulator_server import Aws
from tests.emulator.ecs_services import SCALING, described_service, service


def test_desired_count(aws: Aws) -> None:
    """A new scalable target moves the desired count into its range; an update does not change it.

    AWS: RegisterScalableTarget, “it changes the resource's current capacity to a value that is
    inside of this range”.
    """
    scaling = aws.client("application-autoscaling")
    actions = ("DynamicScalingIn", "DynamicScalingOut", "ScheduledScaling")
    suspended = {f"{action}Suspended": True for action in actions}

    aws.deploy("s", service())
    before = described_service(aws)["desiredCount"]
    aws.deploy("s", service(tasks=(2, 4)))
    after = described_service(aws)["desiredCount"]
    aws.client("ecs").update_service(cluster="crd", service="web", desiredCount=3)
    aws.deploy("s", service("web:2", tasks=(2, 4)))
    later = described_service(aws)
    scaling.register_scalable_target(**SCALING, SuspendedState=suspended)
    [target] = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    with pytest.raises(ClientError, match="ValidationException"):
        scaling.register_scalable_target(**SCALING | {"ResourceId": "service/crd/other"})

    assert (0, 2, 3) == (before, after, later["desiredCount"])
    [newest] = [
        deployment for deployment in later["deployments"] if deployment["status"] == "PRIMARY"
    ]
    assert ("COMPLETED", 3) == (newest["rolloutState"], later["runningCount"])
    assert (2, suspended) == (target["MinCapacity"], target["SuspendedState"])
