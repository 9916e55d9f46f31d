"""Descriptions of change sets, and the parameters of calls."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.aws import connect
from deployer.aws.account import Account
from deployer.aws.cloud import (
    ChangeSetRequest,
    PropertyChange,
)
from deployer.errors import CloudError
from tests.deployer.aws.responses import (
    ARN,
    ENV,
    OWN_IDENTITY,
    REGION,
    STACK_ID,
    change,
    described,
    detail,
)
from tests.loopback import CLOSE_CONNECTION, Loopback, Response, error, response

TOO_EARLY = (
    "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. "
    "To troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure "
    "information."
)


def test_resources_without_values_are_described(fake_account: Account, fake_aws: Loopback) -> None:
    """If AWS omits resources from a description with values, it is requested without values.

    The warning is quoted in aws/aws-cdk-cli pull request 1785; not verified on AWS.
    """
    warning = (
        "[WARN] --include-property-values option can return incomplete ChangeSet data because: "
        "ChangeSet creation failed for resource [B] because: no schema"
    )
    valued = change("C", Details=[detail(BeforeValue="1", AfterValue="2")])
    fake_aws.on(
        "DescribeChangeSet",
        described([change("A"), valued], StatusReason=warning),
        described([change("A")], StatusReason=warning, NextToken="2"),
        described([change("B", Replacement="True"), change("C")], StatusReason=warning),
    )

    change_set = fake_account.change_set(REGION, ARN)

    changes = {change.logical_id: change for change in change_set.changes}
    assert list(changes) == ["A", "B", "C"]
    assert changes["B"].replaces
    assert (PropertyChange("/Properties/P", "1", "2"),) == changes["C"].properties
    values = [request.form["IncludePropertyValues"] for request in fake_aws.requests]
    assert values == ["true", "false", "false"]


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        (
            [detail(BeforeValue="1", AfterValue="2"), detail(cause="P")],
            PropertyChange("/Properties/P", "1", "2", cause="P"),
        ),
        (
            [detail(cause="P"), detail(BeforeValue="1", AfterValue="2")],
            PropertyChange("/Properties/P", "1", "2", cause="P"),
        ),
        (
            [detail("Conditionally"), detail("Always"), detail("Never")],
            PropertyChange("/Properties/P", None, None, "Always"),
        ),
        (
            [detail("Conditionally"), detail("Tomorrow")],
            PropertyChange("/Properties/P", None, None, "Tomorrow"),
        ),
        ([detail(AfterValue=""), detail()], PropertyChange("/Properties/P", None, "")),
        ([{"Target": {"Attribute": "Tags"}}], PropertyChange("/Tags", None, None)),
        (
            [{"Target": {"Attribute": "Properties", "Name": "P"}}, detail(cause="Q")],
            PropertyChange("/Properties/P", None, None, cause="Q"),
        ),
    ],
    ids=["value first", "cause first", "worst", "unknown", "empty", "tags", "without a path"],
)
def test_a_property_has_one_change(
    fake_account: Account,
    fake_aws: Loopback,
    details: list[Any],
    expected: PropertyChange,
) -> None:
    """A property that AWS lists twice, for its value and for its cause, has one change."""
    fake_aws.on("DescribeChangeSet", described([change("A", Details=details)]))

    change_set = fake_account.change_set(REGION, ARN)

    assert (expected,) == change_set.changes[0].properties


def test_a_failed_early_validation_has_its_reasons(
    fake_account: Account, fake_aws: Loopback
) -> None:
    """The reasons of a failed early validation are read by DescribeEvents. Not verified on AWS."""
    fake_aws.on("DescribeChangeSet", described([], Status="FAILED", StatusReason=TOO_EARLY))
    failure = {
        "EventType": "VALIDATION_ERROR",
        "LogicalResourceId": "Bucket",
        "ValidationStatusReason": "Bucket 'x' already exists.",
    }
    fake_aws.on(
        "DescribeEvents",
        response(OperationEvents=[failure | {"ValidationPath": "/Resources/B"}], NextToken="2"),
        response(OperationEvents=[failure]),
    )

    change_set = fake_account.change_set(REGION, ARN)

    assert change_set.reason.splitlines() == [
        TOO_EARLY,
        "/Resources/B: Bucket 'x' already exists.",
        "Bucket: Bucket 'x' already exists.",
    ]
    form = fake_aws.requests[1].form
    assert (form["ChangeSetName"], form["Filters.FailedEvents"]) == (ARN, "true")


def test_a_failed_early_validation_without_permission(
    fake_account: Account, fake_aws: Loopback
) -> None:
    """Without permission for DescribeEvents the reason still says that validation failed."""
    fake_aws.on("DescribeChangeSet", described([], Status="FAILED", StatusReason=TOO_EARLY))
    fake_aws.on("DescribeEvents", error("AccessDenied", "not you", 403))

    change_set = fake_account.change_set(REGION, ARN)

    assert change_set.reason == TOO_EARLY


def test_other_failures_need_no_further_call(fake_account: Account, fake_aws: Loopback) -> None:
    """Other failures, such as an empty change set, need one call only."""
    nothing = "The submitted information didn't contain changes."
    fake_aws.on("DescribeChangeSet", described([], Status="FAILED", StatusReason=nothing))

    change_set = fake_account.change_set(REGION, ARN)

    assert change_set.is_empty
    assert fake_aws.actions == ["DescribeChangeSet"]


def test_writes_have_a_token(fake_aws: Loopback) -> None:
    """After a lost response the call is repeated, and AWS recognises it by the token."""
    account = connect.connect_endpoint(fake_aws.url, REGION, ENV.account, "secret")
    fake_aws.on("CreateChangeSet", CLOSE_CONNECTION, response(Id=ARN, StackId=STACK_ID))
    fake_aws.on("ExecuteChangeSet", response())
    fake_aws.on("DeleteStack", response())

    account.create_change_set(ChangeSetRequest("run-1", "s", REGION, "CREATE", "{}"))
    account.execute_change_set(REGION, ARN, "run-2")
    account.delete_stack(REGION, STACK_ID, "run-3")

    tokens = [
        (
            request.action,
            request.form.get("ClientToken") or request.form.get("ClientRequestToken"),
        )
        for request in fake_aws.requests
    ]
    assert tokens == [
        ("CreateChangeSet", "run-1"),
        ("CreateChangeSet", "run-1"),
        ("ExecuteChangeSet", "run-2"),
        ("DeleteStack", "run-3"),
    ]


def test_the_repeat_of_an_accepted_execution(fake_aws: Loopback) -> None:
    """After a lost response, AWS answers the repeat with the status that the first one has caused.

    botocore repeats the call with the same token, by which `deployer.execute` finds its operation.
    """
    account = connect.connect_endpoint(fake_aws.url, REGION, ENV.account, "secret")
    running = f"ChangeSet [{ARN}] cannot be executed in its current status of [EXECUTE_IN_PROGRESS]"
    fake_aws.on("ExecuteChangeSet", CLOSE_CONNECTION, error("InvalidChangeSetStatus", running))

    with pytest.raises(CloudError) as raised:
        account.execute_change_set(REGION, ARN, "run-2")

    assert raised.value.aws_code == "InvalidChangeSetStatus"
    assert [request.form["ClientRequestToken"] for request in fake_aws.requests] == ["run-2"] * 2


def test_rollback_is_never_disabled(fake_aws: Loopback) -> None:
    """No request asks AWS to keep what a failed operation has made."""
    account = connect.connect_endpoint(fake_aws.url, REGION, ENV.account, "secret")
    fake_aws.on("CreateChangeSet", response(Id=ARN, StackId=STACK_ID))
    fake_aws.on("ExecuteChangeSet", response())

    account.create_change_set(ChangeSetRequest("run-1", "s", REGION, "CREATE", "{}"))
    account.execute_change_set(REGION, ARN, "run-2")

    assert [
        {"DisableRollback", "OnStackFailure"} & request.form.keys() for request in fake_aws.requests
    ] == [set(), set()]


@pytest.mark.parametrize(("nested", "nested_flag"), [(True, "true"), (False, None)])
def test_nested_stacks_are_included_on_request(
    fake_account: Account, fake_aws: Loopback, nested: bool, nested_flag: str | None
) -> None:
    """Nested stacks are included in a change set only on request, as by default in AWS."""
    fake_aws.on("CreateChangeSet", response(Id=ARN, StackId=STACK_ID))

    fake_account.create_change_set(
        ChangeSetRequest("run-1", "s", REGION, "CREATE", "{}", include_nested=nested)
    )

    assert nested_flag == fake_aws.requests[0].form.get("IncludeNestedStacks")


def test_a_nested_stack_has_its_change_set(fake_account: Account, fake_aws: Loopback) -> None:
    """A nested stack in a change set has the id of its own change set; other resources have none."""
    fake_aws.on("DescribeChangeSet", described([change("A", ChangeSetId=ARN), change("B")]))

    found = fake_account.change_set(REGION, ARN).changes

    assert [change.change_set for change in found] == [ARN, ""]


def test_an_upload_requires_a_bucket_of_the_account(
    fake_account: Account, fake_aws: Loopback
) -> None:
    """S3 refuses a bucket of another account; the account id is requested once."""
    fake_aws.on("GetCallerIdentity", response(**OWN_IDENTITY))
    fake_aws.on("PUT", Response())

    fake_account.upload(REGION, "store", "a", b"1")
    fake_account.upload(REGION, "store", "b", b"2")

    assert fake_aws.actions == ["GetCallerIdentity", "PUT", "PUT"]
    assert [ENV.account] * 2 == [
        request.headers["x-amz-expected-bucket-owner"] for request in fake_aws.requests[1:]
    ]


def test_an_object_is_read_only_from_a_bucket_of_the_account(
    fake_account: Account, fake_aws: Loopback
) -> None:
    """The checksum is requested; a refusal is not treated as absence."""
    fake_aws.on("GetCallerIdentity", response(**OWN_IDENTITY))
    fake_aws.on("HEAD", Response(status=404), Response(status=403))

    absent = fake_account.stored_object(REGION, "store", "a")
    with pytest.raises(CloudError, match="s3://store/a: HeadObject: 403"):
        fake_account.stored_object(REGION, "store", "a")

    headers = fake_aws.requests[1].headers
    assert absent is None
    assert headers["x-amz-expected-bucket-owner"] == ENV.account
    assert headers["x-amz-checksum-mode"] == "ENABLED"
