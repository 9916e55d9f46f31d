"""Responses with several pages to the calls of an account."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deployer.aws.account import Account
from deployer.aws.cloud import (
    StackResource,
)
from deployer.data_guard import change_set_losses
from tests.deployer.aws.responses import (
    ARN,
    REGION,
    STACK_ID,
    change,
    described,
    event,
    stack,
)
from tests.loopback import Loopback, response


def test_stacks(fake_account: Account, fake_aws: Loopback) -> None:
    """The next page is requested with the token of the last one."""
    fake_aws.on(
        "DescribeStacks",
        response(Stacks=[stack("a"), stack("b")], NextToken="2"),
        response(Stacks=[], NextToken="3"),
        response(Stacks=[stack("c") | {"ParentId": STACK_ID}]),
    )

    found = fake_account.stacks(REGION)

    assert [stack.name for stack in found] == ["a", "b", "c"]
    assert [stack.is_nested for stack in found] == [False, False, True]
    assert [request.form.get("NextToken") for request in fake_aws.requests] == [None, "2", "3"]


def test_the_last_page_of_events(fake_account: Account, fake_aws: Loopback) -> None:
    """Without an earlier event, the newest page is enough."""
    fake_aws.on("DescribeStackEvents", response(StackEvents=[event(9), event(8)], NextToken="2"))

    events = fake_account.events(REGION, STACK_ID)

    assert [event.id for event in events] == ["8", "9"]
    assert len(fake_aws.requests) == 1


def test_all_events(fake_account: Account, fake_aws: Loopback) -> None:
    """All pages are read if no earlier event is known: the cause of a failure may be the oldest."""
    fake_aws.on(
        "DescribeStackEvents",
        response(StackEvents=[event(9), event(8)], NextToken="2"),
        response(StackEvents=[event(7)]),
    )

    events = fake_account.events(REGION, STACK_ID, "")

    assert [event.id for event in events] == ["7", "8", "9"]


@pytest.mark.parametrize(("after", "new", "calls"), [(8, "9", 1), (7, "89", 2), (6, "789", 2)])
def test_pages_of_events_after_an_earlier_one(
    fake_account: Account, fake_aws: Loopback, after: int, new: str, calls: int
) -> None:
    """Pages are read up to the earlier event, and no further."""
    fake_aws.on(
        "DescribeStackEvents",
        response(StackEvents=[event(9), event(8)], NextToken="2"),
        response(StackEvents=[event(7), event(6)], NextToken="3"),
    )

    events = fake_account.events(REGION, STACK_ID, str(after))

    assert list(new) == [event.id for event in events]
    assert calls == len(fake_aws.requests)


def test_changes(fake_account: Account, fake_aws: Loopback) -> None:
    """All pages of changes are read: an omitted change would not be approved."""
    fake_aws.on(
        "DescribeChangeSet",
        described([change("A")], NextToken="2"),
        described([], NextToken="3"),
        described([change("B"), change("C")]),
    )

    change_set = fake_account.change_set(REGION, ARN)

    assert [change.logical_id for change in change_set.changes] == ["A", "B", "C"]
    assert [request.form.get("NextToken") for request in fake_aws.requests] == [None, "2", "3"]


def test_a_loss_on_the_second_page(fake_account: Account, fake_aws: Loopback) -> None:
    """The guard checks the changes of every page: by policy, or by type if there is none."""
    bucket = {"Action": "Remove", "ResourceType": "AWS::S3::Bucket", "PolicyAction": "Retain"}
    log = {"ResourceType": "AWS::X::Y", "PolicyAction": "ReplaceAndSnapshot"}
    table = {"ResourceType": "AWS::DynamoDB::Table", "Replacement": "Conditional"}
    fake_aws.on(
        "DescribeChangeSet",
        described([change("Topic", ResourceType="AWS::SNS::Topic")], NextToken="2"),
        described(
            [
                change("Bucket", **bucket),
                change("Log", **log, Replacement="True"),
                change("Table", **table),
                change("Kept", **table | {"Replacement": "False"}),
            ]
        ),
    )

    losses = change_set_losses(fake_account.change_set(REGION, ARN), "network")

    assert [str(loss) for loss in losses] == [
        "network: Bucket (AWS::S3::Bucket) is removed: it is kept, outside of CloudFormation",
        "network: Log (AWS::X::Y) is replaced: a final snapshot is kept",
        "network: Table (AWS::DynamoDB::Table) may be replaced: its data is deleted",
    ]


@pytest.mark.parametrize(("since", "new", "calls"), [(8, "89", 2), (7, "789", 2), (0, "6789", 2)])
def test_events_since_a_time(
    fake_account: Account, fake_aws: Loopback, since: int, new: str, calls: int
) -> None:
    """Pages are read up to an older event, or to the end."""
    fake_aws.on(
        "DescribeStackEvents",
        response(StackEvents=[event(9), event(8)], NextToken="2"),
        response(StackEvents=[event(7), event(6)]),
    )

    events = fake_account.events_since(
        REGION, STACK_ID, datetime(2026, 11, 21, 0, 0, since, tzinfo=UTC)
    )

    assert list(new) == [event.id for event in events]
    assert calls == len(fake_aws.requests)


def test_resources(fake_account: Account, fake_aws: Loopback) -> None:
    """A resource that was not created yet has no physical id."""
    common = {"ResourceType": "AWS::SNS::Topic", "ResourceStatus": "CREATE_COMPLETE"}
    first = common | {"LogicalResourceId": "A", "PhysicalResourceId": "arn:a"}
    fake_aws.on(
        "ListStackResources",
        response(StackResourceSummaries=[first], NextToken="2"),
        response(StackResourceSummaries=[common | {"LogicalResourceId": "B"}]),
    )

    assert fake_account.resources(REGION, STACK_ID) == (
        StackResource("A", "arn:a", "AWS::SNS::Topic", "CREATE_COMPLETE"),
        StackResource("B", "", "AWS::SNS::Topic", "CREATE_COMPLETE"),
    )
