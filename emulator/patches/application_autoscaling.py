"""Record scaling targets and policies, and keep the desired count of services in their range."""

from __future__ import annotations

import uuid

from emulator.ministack import ecs
from emulator.ministack.cloudformation import Created, Props, ResourceType
from emulator.ministack.services import call_ecs
from emulator.patches.differences import Difference
from emulator.patches.recorded import (
    Data,
    Refusal,
    add_calls,
    add_recorded_type,
    arn,
    resources_of_type,
)

DIFFERENCES = (
    Difference(
        "DescribeScalableTargets and DescribeScalingPolicies return the targets and policies of "
        "stacks.",
        source="AWS::ApplicationAutoScaling::ScalableTarget and ScalingPolicy",
        ministack="Unknown types and service.",
        test="test_recorded.py::test_recorded",
    ),
    Difference(
        "Registering a scalable target moves the desired count of its service into its range.",
        source="API reference of RegisterScalableTarget",
        ministack="Unknown service; the desired count is unchanged.",
        test="test_desired_count",
    ),
    Difference(
        "A minimum that is raised above the desired count starts tasks.",
        source="not verified",
        ministack="Unknown service; the desired count is unchanged.",
        test="test_raised_minimum",
    ),
)

_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"


def install() -> None:
    """Install the patch."""
    add_recorded_type(
        _TARGET, lambda props, _name: _target_id(props), lambda target: {"Id": target}
    )
    add_recorded_type(_POLICY, _policy_arn, lambda policy: {"Arn": policy})
    target = ResourceType(_TARGET)
    target.create.after(lambda created, _title, props, _stack: _keep_in_range(created, props))
    target.update.after(lambda created, _id, _old, new, *_rest: _keep_in_range(created, new))
    add_calls(
        "application-autoscaling",
        {
            "DescribeScalableTargets": _describe_targets,
            "DescribeScalingPolicies": _describe_policies,
            "RegisterScalableTarget": _register,
        },
    )


def _target_id(props: Props) -> str:
    return "|".join(props[key] for key in ("ResourceId", "ScalableDimension", "ServiceNamespace"))


def _target_of(policy: Props) -> str:
    """Return the id of the target that a policy scales."""
    return str(policy.get("ScalingTargetId") or _target_id(policy))


def _policy_arn(props: Props, _name: str) -> str:
    resource = _target_of(props).partition("|")[0]
    name = f"{uuid.uuid4()}:resource/{resource}:policyName/{props['PolicyName']}"
    return arn("autoscaling", f"scalingPolicy:{name}")


def _keep_in_range(created: Created, props: Props) -> Created:
    """Move the desired count of an ECS service into the range of its scalable target."""
    if props["ServiceNamespace"] != "ecs":
        return created
    path = created[0].partition("|")[0].partition("service/")[2]
    service = ecs.service_records.get(path)
    is_suspended = (props.get("SuspendedState") or {}).get("DynamicScalingOutSuspended")
    if service and not is_suspended:
        count = min(max(service["desiredCount"], props["MinCapacity"]), props["MaxCapacity"])
        if count != service["desiredCount"]:
            cluster, _, name = path.partition("/")
            call_ecs("UpdateService", cluster=cluster, service=name, desiredCount=count)
    return created


def _describe_targets(data: Data) -> Data:
    targets = [
        {**target.props, "CreationTime": 0}
        for target in resources_of_type(_TARGET)
        if _is_requested(target.physical_id, data)
    ]
    return {"ScalableTargets": targets}


def _describe_policies(data: Data) -> Data:
    policies = []
    for policy in resources_of_type(_POLICY):
        target = _target_of(policy.props)
        if _is_requested(target, data):
            resource, dimension, namespace = target.split("|")
            policies.append(
                {
                    **policy.props,
                    "PolicyARN": policy.physical_id,
                    "ResourceId": resource,
                    "ScalableDimension": dimension,
                    "ServiceNamespace": namespace,
                    "CreationTime": 0,
                }
            )
    return {"ScalingPolicies": policies}


def _register(data: Data) -> Data | Refusal:
    """Update the scalable target of a stack with the values in a call."""
    for target in resources_of_type(_TARGET):
        if _is_requested(target.physical_id, data):
            target.props.update(data)
            _keep_in_range((target.physical_id, {}), target.props)
            return {}
    return (
        "ValidationException",
        f"{data['ResourceId']}: the emulator has only scalable targets of stacks",
    )


def _is_requested(target: str, data: Data) -> bool:
    resource, _, namespace = target.split("|")
    resources = data.get("ResourceIds") or [data.get("ResourceId", resource)]
    return namespace == data["ServiceNamespace"] and resource in resources
