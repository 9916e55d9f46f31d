"""The number of tasks of an ECS service, which follows its load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from troposphere import applicationautoscaling as scaling

from deployer.model import Template, Value


@dataclass(frozen=True)
class Autoscaling:
    """The limits of the number of tasks, and the load per task that autoscaling aims at."""

    min_tasks: int
    max_tasks: int
    cpu_percent: int
    requests_per_minute: int


def define(
    t: Template,
    settings: Autoscaling,
    *,
    condition: str,
    service_id: Value,
    targets: Value | None,
) -> None:
    """Scale with the average CPU utilization and, with *targets*, with the requests per task.

    *targets* is the resource label of the target group: see PredefinedMetricSpecification in the
    API reference. *service_id* is `service/CLUSTER/NAME`.
    """
    target = t.add_resource(
        scaling.ScalableTarget(
            "ServiceScalableTarget",
            Condition=condition,
            ServiceNamespace="ecs",
            ScalableDimension="ecs:service:DesiredCount",
            ResourceId=service_id,
            MinCapacity=settings.min_tasks,
            MaxCapacity=settings.max_tasks,
        )
    )
    _target_tracking(t, target, "Cpu", settings.cpu_percent, "ECSServiceAverageCPUUtilization")
    if targets is not None:
        _target_tracking(
            t,
            target,
            "Requests",
            settings.requests_per_minute,
            "ALBRequestCountPerTarget",
            ResourceLabel=targets,
        )


def _target_tracking(
    t: Template,
    target: scaling.ScalableTarget,
    title: str,
    value: int,
    metric: str,
    **properties: Any,
) -> None:
    t.add_resource(
        scaling.ScalingPolicy(
            f"{title}ScalingPolicy",
            Condition=target.Condition,
            PolicyName=title,
            PolicyType="TargetTrackingScaling",
            ScalingTargetId=target.ref(),
            TargetTrackingScalingPolicyConfiguration=(
                scaling.TargetTrackingScalingPolicyConfiguration(
                    TargetValue=value,
                    ScaleInCooldown=300,
                    ScaleOutCooldown=60,
                    PredefinedMetricSpecification=scaling.PredefinedMetricSpecification(
                        PredefinedMetricType=metric, **properties
                    ),
                )
            ),
        )
    )
