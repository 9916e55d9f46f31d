"""The description of change sets with those of nested stacks, and the reason of a failure."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.aws.cloud import STACK, ChangeSet, DeployedStack, ResourceChange
from deployer.change_sets import describe_change_set
from deployer.errors import BusyError
from deployer.follow import Watch
from deployer.jobs import Pause
from deployer.model.template_tree import flatten
from tests.fakes import REGION, FakeClock, FakeCloud

EMPTY = "The submitted information didn't contain changes. Submit different information"


def failed(arn: str) -> str:
    """Return CloudFormation's reason for the parent change set."""
    return f"Nested change set {arn} was not successfully created: Currently in FAILED."


def change_set(
    arn: str, *changes: ResourceChange, status: str = "CREATE_COMPLETE", reason: str = ""
) -> ChangeSet:
    """Return a change set of the stack with the same name."""
    stack = arn.removeprefix("arn:")
    return ChangeSet(arn, "c", stack, "id", REGION, status, "AVAILABLE", reason, changes)


def nested_change(title: str, arn: str) -> ResourceChange:
    """Return the change of a nested stack that has a change set."""
    return ResourceChange("Modify", title, STACK, change_set=arn)


TABLE = ResourceChange("Modify", "Table", "AWS::DynamoDB::Table", replacement="True")


def cloud(*change_sets: ChangeSet, **more: Any) -> FakeCloud:
    """Return an account with these change sets."""
    return FakeCloud(
        FakeClock(), nested_sets={change_set.arn: change_set for change_set in change_sets}, **more
    )


def described(account: FakeCloud, arn: str = "arn:root", **watch: float) -> ChangeSet:
    """Return the description of the root change set."""
    work = describe_change_set(
        Watch(account, account.clock, **watch), REGION, arn, stack="crd-x-outer"
    )
    while True:
        try:
            pause = next(work)
        except StopIteration as end:
            return end.value
        assert isinstance(pause, Pause)
        account.clock.sleep(pause.seconds)


def with_paths(found: ChangeSet) -> list[tuple[str, str, str]]:
    """Return path, action and policy of each change."""
    return [
        ("/".join([*path, change.logical_id]), change.action, change.policy)
        for path, change in flatten(found.changes)
    ]


def test_changes_of_nested_stacks_at_any_depth() -> None:
    """The changes of nested stacks are described at each of three levels."""
    account = cloud(
        change_set("arn:root", nested_change("Inner", "arn:inner")),
        change_set("arn:inner", nested_change("Deep", "arn:deep"), TABLE),
        change_set("arn:deep", TABLE),
    )

    found = described(account)

    assert [name for name, *_ in with_paths(found)] == [
        "Inner",
        "Inner/Deep",
        "Inner/Deep/Table",
        "Inner/Table",
    ]
    assert found.changes[0].nested[1].replacement == "True"


def test_an_empty_nested_change_set_is_not_a_failure() -> None:
    """An empty nested change set has the status FAILED only because nothing changes."""
    account = cloud(
        change_set("arn:root", nested_change("Inner", "arn:inner")),
        change_set("arn:inner", status="FAILED", reason=EMPTY),
    )

    found = described(account)

    assert (found.status, with_paths(found)) == ("CREATE_COMPLETE", [("Inner", "Modify", "")])


def test_the_reason_is_that_of_the_innermost_change_set() -> None:
    """The reason of a failure is that of the innermost change set, not those of its parents."""
    account = cloud(
        change_set(
            "arn:root",
            nested_change("Inner", "arn:inner"),
            status="FAILED",
            reason=failed("arn:inner"),
        ),
        change_set(
            "arn:inner",
            nested_change("Deep", "arn:deep"),
            status="FAILED",
            reason=failed("arn:deep"),
        ),
        change_set("arn:deep", status="FAILED", reason="no such property"),
    )

    assert described(account).reason == "Inner/Deep: no such property"


def test_a_failure_is_found_by_the_arn_in_the_reason() -> None:
    """A failed nested change set is found by its ARN if the root change set lists no change."""
    account = cloud(
        change_set("arn:root", status="FAILED", reason=failed("arn:inner")),
        change_set("arn:inner", status="FAILED", reason="no such property"),
    )

    assert described(account).reason == "inner: no such property"


def test_an_empty_nested_change_set_may_fail_the_root() -> None:
    """The root is not treated as empty, since it has other changes."""
    account = cloud(
        change_set(
            "arn:root",
            nested_change("Inner", "arn:inner"),
            status="FAILED",
            reason=failed("arn:inner"),
        ),
        change_set("arn:inner", status="FAILED", reason=EMPTY),
    )

    found = described(account)

    assert found.reason == f"inner: {EMPTY}"
    assert not found.is_empty


def test_any_other_reason_is_unchanged() -> None:
    """The reason of a stack without nested stacks is returned unchanged."""
    account = cloud(change_set("arn:root", status="FAILED", reason="no such property"))

    assert described(account).reason == "no such property"


def test_pending_nested_change_sets_are_awaited() -> None:
    """Pending nested change sets are awaited, although the root fails when the first of them fails."""

    class Slow(FakeCloud):
        def change_set(self, region: str, arn: str) -> ChangeSet:
            found = super().change_set(region, arn)
            ready = arn == "arn:root" or self.clock.now() > 5
            return found if ready else change_set(arn, status="CREATE_IN_PROGRESS")

    slow = Slow(FakeClock())
    slow.nested_sets = cloud(
        change_set("arn:root", nested_change("Inner", "arn:inner")), change_set("arn:inner", TABLE)
    ).nested_sets

    assert [name for name, *_ in with_paths(described(slow))] == ["Inner", "Inner/Table"]
    assert slow.clock.now() > 5


def test_a_nested_change_set_that_stays_pending_is_a_timeout() -> None:
    """The change set is not executed after the timeout."""
    account = cloud(
        change_set("arn:root", nested_change("Inner", "arn:inner")),
        change_set("arn:inner", status="CREATE_PENDING"),
    )

    with pytest.raises(BusyError, match="crd-x-outer: its change set is still CREATE_PENDING"):
        described(account, timeout=60.0)


def test_the_resources_of_a_removed_nested_stack_are_listed() -> None:
    """The change set has only the stack; its deployed template has the resources."""
    account = cloud(
        change_set(
            "arn:root", ResourceChange("Remove", "Inner", STACK, "arn:stack/inner", policy="Delete")
        ),
        templates={
            "arn:stack/inner": '{"Resources": {"Table": {"Type": "AWS::DynamoDB::Table"}, '
            '"Kept": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "RetainExceptOnCreate"}}}'
        },
    )
    account.put(
        DeployedStack("inner", "arn:stack/inner", REGION, "CREATE_COMPLETE", is_nested=True)
    )

    assert with_paths(described(account)) == [
        ("Inner", "Remove", "Delete"),
        ("Inner/Table", "Remove", "Delete"),
        ("Inner/Kept", "Remove", "Retain"),
    ]


def test_a_retained_nested_stack_removes_no_resources() -> None:
    """A retained nested stack continues to exist, so its resources are not removed."""
    kept = ResourceChange("Remove", "Inner", STACK, "arn:stack/inner", policy="Retain")

    assert with_paths(described(cloud(change_set("arn:root", kept)))) == [
        ("Inner", "Remove", "Retain")
    ]
