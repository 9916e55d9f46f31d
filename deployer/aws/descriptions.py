"""Convert the responses of CloudFormation to the values of `deployer.aws.cloud`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.aws.cloud import (
    ChangeSetSummary,
    DeployedStack,
    PropertyChange,
    PropertyDrift,
    ResourceChange,
    ResourceDrift,
    StackEvent,
    StackResource,
)

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import (
        ChangeSetSummaryTypeDef,
        OperationEventTypeDef,
        ResourceChangeDetailTypeDef,
        ResourceChangeTypeDef,
        StackEventTypeDef,
        StackResourceDriftTypeDef,
        StackResourceSummaryTypeDef,
        StackTypeDef,
    )

_SEVERITY = {"Never": 0, "Conditionally": 1}  # "Always", and any value not known here, is 2.


def deployed_stack(stack: StackTypeDef, region: str) -> DeployedStack:
    """Convert a stack of DescribeStacks."""
    return DeployedStack(
        name=stack["StackName"],
        id=stack.get("StackId", ""),
        region=region,
        status=stack["StackStatus"],
        reason=stack.get("StackStatusReason", ""),
        tags={tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])},
        parameters={
            parameter.get("ParameterKey", ""): parameter.get("ParameterValue", "")
            for parameter in stack.get("Parameters", [])
        },
        outputs={
            output.get("OutputKey", ""): output.get("OutputValue", "")
            for output in stack.get("Outputs", [])
        },
        is_protected=stack.get("EnableTerminationProtection", False),
        is_nested="ParentId" in stack,
        updated_at=stack.get("LastUpdatedTime") or stack.get("CreationTime"),
        role=stack.get("RoleARN", ""),
    )


def change_set_summary(summary: ChangeSetSummaryTypeDef, region: str) -> ChangeSetSummary:
    """Convert a change set of ListChangeSets."""
    return ChangeSetSummary(
        arn=summary.get("ChangeSetId", ""),
        name=summary.get("ChangeSetName", ""),
        stack=summary.get("StackName", ""),
        stack_id=summary.get("StackId", ""),
        region=region,
        is_available=summary.get("ExecutionStatus") == "AVAILABLE",
    )


def stack_resource(summary: StackResourceSummaryTypeDef) -> StackResource:
    """Convert a resource of ListStackResources."""
    return StackResource(
        logical_id=summary["LogicalResourceId"],
        physical_id=summary.get("PhysicalResourceId", ""),
        type=summary["ResourceType"],
        status=summary["ResourceStatus"],
    )


def stack_event(event: StackEventTypeDef) -> StackEvent:
    """Convert an event of DescribeStackEvents."""
    return StackEvent(
        id=event["EventId"],
        stack_id=event["StackId"],
        logical_id=event.get("LogicalResourceId", ""),
        physical_id=event.get("PhysicalResourceId", ""),
        type=event.get("ResourceType", ""),
        status=event.get("ResourceStatus", ""),
        reason=event.get("ResourceStatusReason", ""),
        at=event["Timestamp"],
    )


def resource_change(change: ResourceChangeTypeDef) -> ResourceChange:
    """Convert a change of DescribeChangeSet."""
    return ResourceChange(
        action=change.get("Action", ""),
        logical_id=change.get("LogicalResourceId", ""),
        type=change.get("ResourceType", ""),
        physical_id=change.get("PhysicalResourceId", ""),
        replacement=change.get("Replacement", ""),
        policy=change.get("PolicyAction", ""),
        properties=_property_changes(change.get("Details", [])),
        change_set=change.get("ChangeSetId", ""),
    )


def resource_drift(drift: StackResourceDriftTypeDef) -> ResourceDrift:
    """Convert a drift of DescribeStackResourceDrifts."""
    return ResourceDrift(
        drift["LogicalResourceId"],
        drift["ResourceType"],
        drift.get("PhysicalResourceId", ""),
        drift["StackResourceDriftStatus"] == "DELETED",
        tuple(
            PropertyDrift(
                difference["PropertyPath"],
                None if difference["DifferenceType"] == "ADD" else difference["ExpectedValue"],
                None if difference["DifferenceType"] == "REMOVE" else difference["ActualValue"],
            )
            for difference in drift.get("PropertyDifferences", [])
        ),
    )


def validation_failure(event: OperationEventTypeDef) -> str:
    """Return the place and the reason of a failed event of DescribeEvents, as `place: reason`."""
    place = event.get("ValidationPath") or event.get("LogicalResourceId", "")
    reason = (
        event.get("ValidationStatusReason")
        or event.get("HookStatusReason")
        or event.get("ResourceStatusReason", "")
    )
    return ": ".join(filter(None, (place, reason)))


def validation_finding(event: OperationEventTypeDef) -> str:
    """Return the mode of a finding (FAIL or WARN), and its place and reason."""
    mode = event.get("ValidationFailureMode") or event.get("HookFailureMode", "")
    return " ".join(filter(None, (mode, validation_failure(event))))


def _property_changes(details: Iterable[ResourceChangeDetailTypeDef]) -> tuple[PropertyChange, ...]:
    """Return one change for each property; AWS may list the values and the cause separately."""
    changes: dict[str, PropertyChange] = {}
    for detail in details:
        change = _property_change(detail)
        changes[change.path] = _merged(changes.get(change.path, change), change)
    return tuple(changes.values())


def _property_change(detail: ResourceChangeDetailTypeDef) -> PropertyChange:
    target = detail.get("Target", {})
    path = "/".join(filter(None, (target.get("Attribute"), target.get("Name"))))
    return PropertyChange(
        path=target.get("Path") or f"/{path}",
        before=target.get("BeforeValue"),
        after=target.get("AfterValue"),
        recreation=target.get("RequiresRecreation", "Never"),
        cause=detail.get("CausingEntity", ""),
    )


def _merged(first: PropertyChange, second: PropertyChange) -> PropertyChange:
    return replace(
        first,
        before=second.before if first.before is None else first.before,
        after=second.after if first.after is None else first.after,
        recreation=max(
            first.recreation, second.recreation, key=lambda value: _SEVERITY.get(value, 2)
        ),
        cause=first.cause or second.cause,
    )
