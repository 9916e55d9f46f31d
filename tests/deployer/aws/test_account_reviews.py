"""Lists of change sets, findings of validation, and drift, from responses of botocore's model."""

from __future__ import annotations

from typing import Any

from deployer.aws.account import Account
from deployer.aws.cloud import (
    ChangeSetSummary,
    DriftDetection,
    PropertyDrift,
    ResourceDrift,
)
from tests.deployer.aws.responses import (
    ARN,
    REGION,
    STACK_ID,
    valid_response,
)
from tests.loopback import Loopback


def test_every_page_of_change_sets(fake_account: Account, fake_aws: Loopback) -> None:
    """A change set that is executed or is being created is not available."""

    def summary(name: str, execution: str) -> dict[str, str]:
        return {
            "StackId": STACK_ID,
            "StackName": "crd-dev-network",
            "ChangeSetId": f"arn:{name}",
            "ChangeSetName": name,
            "ExecutionStatus": execution,
        }

    fake_aws.on(
        "ListChangeSets",
        valid_response("ListChangeSets", Summaries=[summary("a", "AVAILABLE")], NextToken="2"),
        valid_response("ListChangeSets", Summaries=[summary("b", "OBSOLETE")]),
    )

    found = fake_account.stack_change_sets(REGION, STACK_ID)

    network = "crd-dev-network"
    assert found == (
        ChangeSetSummary("arn:a", "a", network, STACK_ID, REGION, is_available=True),
        ChangeSetSummary("arn:b", "b", network, STACK_ID, REGION, is_available=False),
    )


def test_findings_of_the_validation(fake_account: Account, fake_aws: Loopback) -> None:
    """Warnings are findings, too; other events of the operation are not."""
    warning = {
        "EventType": "VALIDATION_ERROR",
        "ValidationFailureMode": "WARN",
        "ValidationPath": "/Resources/Bucket",
        "ValidationStatusReason": "The bucket is not empty.",
    }
    events = [{"EventType": "STACK_EVENT"}, warning]
    fake_aws.on("DescribeEvents", valid_response("DescribeEvents", OperationEvents=events))

    findings = fake_account.validation_findings(REGION, ARN)

    assert findings == ("WARN /Resources/Bucket: The bucket is not empty.",)
    assert fake_aws.requests[0].form["ChangeSetName"] == ARN


def test_a_drift_detection(fake_account: Account, fake_aws: Loopback) -> None:
    """A detection has an id, and is running, complete or failed."""
    known = {
        "StackId": STACK_ID,
        "StackDriftDetectionId": "d-1",
        "Timestamp": "2026-12-01T00:00:00Z",
    }
    status, failed = "DescribeStackDriftDetectionStatus", "DETECTION_FAILED"
    fake_aws.on("DetectStackDrift", valid_response("DetectStackDrift", StackDriftDetectionId="d-1"))
    fake_aws.on(
        status,
        valid_response(status, **known, DetectionStatus="DETECTION_IN_PROGRESS"),
        valid_response(status, **known, DetectionStatus="DETECTION_COMPLETE"),
        valid_response(status, **known, DetectionStatus=failed, DetectionStatusReason="no"),
    )

    detection_id = fake_account.detect_drift(REGION, STACK_ID)
    found = [fake_account.drift_detection(REGION, detection_id) for _ in range(3)]

    assert found == [
        DriftDetection(is_running=True),
        DriftDetection(is_running=False),
        DriftDetection(is_running=False, has_failed=True, reason="no"),
    ]


def test_every_page_of_drifts(fake_account: Account, fake_aws: Loopback) -> None:
    """An added property has no expected value, a removed one no actual value."""

    def drift(name: str, status: str, *differences: tuple[str, str, str]) -> dict[str, Any]:
        keys = ("DifferenceType", "ExpectedValue", "ActualValue")
        return {
            "StackId": STACK_ID,
            "LogicalResourceId": name,
            "PhysicalResourceId": f"{name}-1",
            "ResourceType": "AWS::SQS::Queue",
            "StackResourceDriftStatus": status,
            "Timestamp": "2026-12-01T00:00:00Z",
            "PropertyDifferences": [
                {"PropertyPath": "/P"} | dict(zip(keys, difference, strict=True))
                for difference in differences
            ],
        }

    values = [("ADD", "null", "a"), ("REMOVE", "b", "null"), ("NOT_EQUAL", "b", "c")]
    name = "DescribeStackResourceDrifts"
    fake_aws.on(
        name,
        valid_response(name, StackResourceDrifts=[drift("A", "MODIFIED", *values)], NextToken="2"),
        valid_response(name, StackResourceDrifts=[drift("B", "DELETED")]),
    )

    found = fake_account.resource_drifts(REGION, STACK_ID)

    expected = [("/P", None, "a"), ("/P", "b", None), ("/P", "b", "c")]
    properties = tuple(PropertyDrift(*item) for item in expected)
    queue = "AWS::SQS::Queue"
    assert found == (
        ResourceDrift("A", queue, "A-1", properties=properties),
        ResourceDrift("B", queue, "B-1", is_deleted=True),
    )
    form = fake_aws.requests[1].form
    assert (form["NextToken"], form["StackResourceDriftStatusFilters.member.1"]) == (
        "2",
        "MODIFIED",
    )
