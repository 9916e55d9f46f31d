"""Following an operation: its events, the cause of a failure, and retained resources."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from deployer.aws.cloud import STACK, DeployedStack, StackEvent
from deployer.errors import CloudError, CredentialsError, UnreachableError
from deployer.events import Progress
from deployer.follow import (
    OperationResult,
    Watch,
    event_before_operation,
    follow,
    latest_event,
    running_operation,
)
from deployer.jobs import Pause
from deployer.model import Line
from tests.fakes import REGION, FakeClock, FakeCloud

OUTER = DeployedStack("crd-x-outer", "arn:outer", REGION, "UPDATE_ROLLBACK_COMPLETE")
LINE = Line("stacks/inner.py", 7)


def emulator_reason(arn: str) -> str:
    """Return CloudFormation's reason for a nested stack that failed."""
    return (
        f"Embedded stack {arn} was not successfully updated. Currently in "
        "UPDATE_ROLLBACK_IN_PROGRESS with reason: The following resource(s) failed: [X]."
    )


class Account(FakeCloud):
    """An account whose events are written by a test, one second after another."""

    def add_event(
        self, stack_id: str, name: str, status: str, reason: str = "", *, nested: str = ""
    ) -> None:
        """Add an event of the stack if *name* is its name, otherwise of a resource.

        *nested* is the id of the nested stack that the resource is.
        """
        self.clock.sleep(1)
        of_stack = stack_id == f"arn:{name}"
        self.history.setdefault(stack_id, []).append(
            StackEvent(
                id=f"{stack_id}-{self.clock.now()}",
                stack_id=stack_id,
                logical_id=name,
                physical_id=stack_id if of_stack else nested,
                type=STACK if of_stack or nested else "AWS::X::Y",
                status=status,
                reason=reason,
                at=datetime.fromtimestamp(self.clock.now(), UTC),
            )
        )


def follow_outer(account: FakeCloud, **lines: Line) -> tuple[OperationResult, list[Progress]]:
    """Follow the outer stack, which is idle, and return the result and the events."""
    account.put(OUTER)
    paths = {tuple(name.split("__")): line for name, line in lines.items()}
    work, events = follow(Watch(account, account.clock), OUTER, "", paths), []
    while True:
        try:
            item = next(work)
        except StopIteration as end:
            return end.value, events
        if isinstance(item, Pause):
            account.clock.sleep(item.seconds)
        elif isinstance(item, Progress):
            events.append(item)


def failed_account() -> Account:
    """Return an account with three levels of stacks, whose innermost fails, as it did before."""
    account = Account(FakeClock())
    account.add_event("arn:deep", "Old", "CREATE_FAILED", "long ago")
    account.add_event("arn:outer", "outer", "UPDATE_IN_PROGRESS")
    account.add_event("arn:deep", "Early", "UPDATE_FAILED", "Resource update cancelled")
    account.add_event("arn:deep", "Broken", "UPDATE_FAILED", "no room")
    account.add_event("arn:deep", "Late", "UPDATE_FAILED", "Resource update cancelled")
    failed, cancelled = "UPDATE_FAILED", "Resource update cancelled"
    account.add_event("arn:below", "Deep", failed, emulator_reason("arn:deep"), nested="arn:deep")
    account.add_event("arn:outer", "Beside", failed, cancelled, nested="arn:beside")
    account.add_event(
        "arn:outer", "Below", failed, emulator_reason("arn:below"), nested="arn:below"
    )
    account.add_event("arn:outer", "outer", "UPDATE_ROLLBACK_COMPLETE")
    return account


def test_the_cause_is_the_innermost_failure() -> None:
    """The cause has a path. Cancelled resources and failures of earlier operations are not causes."""
    result, _ = follow_outer(failed_account())

    assert result.cause is not None
    assert result.cause.resource_path == ("Below", "Deep", "Broken")
    assert result.cause.event.reason == "no room"


def test_the_cause_is_reported_before_its_consequences() -> None:
    """The event of the cause has the line that defines the resource."""
    _, events = follow_outer(failed_account(), Below__Deep__Broken=LINE)

    failed = [("/".join([*event.path, event.event.logical_id]), event.line) for event in events]
    assert failed[-3:-1] == [("Below/Deep/Broken", LINE), ("Below", None)]


def test_a_refused_read_says_that_the_operation_continues() -> None:
    """The permissions of the operator were reduced during the operation."""

    class Denied(Account):
        def events(
            self, region: str, stack_id: str, after: str | None = None
        ) -> tuple[StackEvent, ...]:
            raise CloudError("outer: DescribeStackEvents: AccessDenied", aws_code="AccessDenied")

    with pytest.raises(CloudError, match="AccessDenied") as refused:
        follow_outer(Denied(FakeClock()))

    assert refused.value.hint.startswith("the operation continues in AWS")


def test_expired_credentials_end_with_the_resume_command() -> None:
    """The operation continues in AWS; after a login, the same command or `attach` follows it."""

    class Expired(Account):
        def events(
            self, region: str, stack_id: str, after: str | None = None
        ) -> tuple[StackEvent, ...]:
            raise CredentialsError("outer: expired", hint="log in again, then rerun the command")

    with pytest.raises(CredentialsError) as expired:
        follow_outer(Expired(FakeClock()))

    assert expired.value.hint == (
        "the operation continues in AWS: log in again, then rerun the command"
    )


def test_a_cancellation_is_never_the_cause() -> None:
    """If only cancelled resources were reported, the stack has the reason."""
    account = Account(FakeClock())
    account.add_event("arn:outer", "outer", "UPDATE_IN_PROGRESS", "User Initiated")
    account.add_event("arn:outer", "Early", "UPDATE_FAILED", "Resource update cancelled")
    reason = "The following resource(s) failed to update: [Vpc]."
    account.add_event("arn:outer", "outer", "UPDATE_ROLLBACK_IN_PROGRESS", reason)
    account.add_event("arn:outer", "outer", "UPDATE_ROLLBACK_COMPLETE")

    result, _ = follow_outer(account)

    assert result.explanation == reason


def test_the_events_of_a_cancelled_nested_stack_are_not_read() -> None:
    """A cancelled stack has no relevant events, and the role may have no permission to read them."""
    account = failed_account()

    follow_outer(account)

    assert [stack_id for name, stack_id in account.calls if name == "events_since"] == [
        "arn:below",
        "arn:deep",
    ]


def test_a_nested_stack_without_a_physical_id_is_found_in_the_reason() -> None:
    """A nested stack whose creation failed early has no id; it is found by the id in the reason."""
    account = Account(FakeClock())
    account.add_event("arn:outer", "outer", "CREATE_IN_PROGRESS")
    account.add_event("arn:below", "Broken", "CREATE_FAILED", "no room")
    reason = emulator_reason("arn:below")
    account.add_event("arn:outer", "Below", "CREATE_FAILED", reason, nested="not created yet")
    account.add_event("arn:outer", "outer", "UPDATE_ROLLBACK_COMPLETE")

    result, _ = follow_outer(account)

    assert result.cause is not None
    assert result.cause.resource_path == ("Below", "Broken")


def test_a_nested_stack_that_cannot_be_read_is_the_cause() -> None:
    """If a nested stack cannot be read, the cause is the reason of its parent."""
    account = failed_account()
    del account.history["arn:deep"]

    result, _ = follow_outer(account)

    assert result.cause is not None
    assert result.cause.resource_path == ("Below", "Deep")
    assert result.cause.event.reason == emulator_reason("arn:deep")


def test_an_unreachable_account_is_called_again() -> None:
    """An unreachable account is called again: a lost connection is not the cause of a failure."""

    class FlakyAccount(Account):
        lost = 2

        def events_since(self, *args: object) -> tuple[StackEvent, ...]:
            if self.lost:
                self.lost -= 1
                raise UnreachableError("no response")
            return super().events_since(*args)

    steady = failed_account()
    flaky = FlakyAccount(steady.clock, history=steady.history)

    result, _ = follow_outer(flaky)

    assert result.cause is not None
    assert result.cause.resource_path == ("Below", "Deep", "Broken")


def test_a_nested_stack_with_a_reason_of_its_own_is_the_cause() -> None:
    """An export in use fails a nested stack, although none of its resources fails."""
    account = Account(FakeClock())
    account.add_event("arn:outer", "outer", "UPDATE_IN_PROGRESS")
    account.add_event("arn:below", "below", "UPDATE_ROLLBACK_IN_PROGRESS", "export in use")
    reason = emulator_reason("arn:below")
    account.add_event("arn:outer", "Below", "UPDATE_FAILED", reason, nested="arn:below")
    account.add_event("arn:outer", "outer", "UPDATE_ROLLBACK_COMPLETE")

    result, _ = follow_outer(account)

    assert result.cause is not None
    assert (result.cause.resource_path, result.cause.event.reason) == (("Below",), "export in use")


def test_the_last_events_of_a_deletion_are_read() -> None:
    """Events may appear between a read of the events and one of the stack."""

    class LateAccount(Account):
        def events(
            self, region: str, stack_id: str, after: str | None = None
        ) -> tuple[StackEvent, ...]:
            known = super().events(region, stack_id, after)
            self.add_event("arn:outer", "Bucket", "DELETE_SKIPPED")
            self.put(replace(OUTER, status="DELETE_COMPLETE"))
            return known

    account = LateAccount(FakeClock())
    account.add_event("arn:outer", "outer", "DELETE_IN_PROGRESS")

    result, _ = follow_outer(account)

    assert ("Bucket",) in [event.resource_path for event in result.retained]


def test_retained_resources_of_nested_stacks_have_their_path() -> None:
    """Retained resources of the stack itself are listed first."""
    account = Account(FakeClock())
    account.add_event("arn:outer", "outer", "DELETE_IN_PROGRESS")
    account.add_event("arn:outer", "Bucket", "DELETE_SKIPPED")
    account.add_event("arn:deep", "Table", "DELETE_SKIPPED")
    account.add_event("arn:below", "Topic", "DELETE_COMPLETE")
    account.add_event("arn:below", "Deep", "DELETE_COMPLETE", nested="arn:deep")
    account.add_event("arn:outer", "Below", "DELETE_COMPLETE", nested="arn:below")
    account.add_event("arn:outer", "outer", "DELETE_COMPLETE")

    result, _ = follow_outer(account)

    assert [event.resource_path for event in result.retained] == [
        ("Bucket",),
        ("Below", "Deep", "Table"),
    ]


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("User Initiated", None),
        ("", None),
        ("Cannot update export X as it is in use by Y.", ()),
    ],
)
def test_a_reason_of_the_stack_is_a_cause_unless_it_is_generic(
    reason: str, cause: tuple[str, ...] | None
) -> None:
    """The reason of a stack is a cause, except `User Initiated`, which AWS gives by default."""
    account = Account(FakeClock())
    account.add_event("arn:outer", "outer", "UPDATE_IN_PROGRESS", "User Initiated")
    account.add_event("arn:outer", "outer", "UPDATE_ROLLBACK_IN_PROGRESS", reason)
    account.add_event("arn:outer", "outer", "UPDATE_ROLLBACK_COMPLETE")

    result, _ = follow_outer(account)

    assert cause == (result.cause.resource_path if result.cause else None)


def test_the_explanation_has_resource_type_and_reason() -> None:
    """An explanation has the cause with its resource type, or the reason or status of the stack."""
    result, _ = follow_outer(failed_account())
    unexplained = OperationResult(OUTER)

    assert result.explanation == "Below/Deep/Broken (AWS::X::Y): no room"
    assert unexplained.explanation == "UPDATE_ROLLBACK_COMPLETE"
    assert OperationResult(replace(OUTER, reason="out of time")).explanation == "out of time"


@pytest.mark.parametrize(
    ("status", "operation"),
    [
        ("CREATE_IN_PROGRESS", "create"),
        ("ROLLBACK_IN_PROGRESS", "create"),
        ("UPDATE_IN_PROGRESS", "update"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "update"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "update"),
        ("IMPORT_ROLLBACK_IN_PROGRESS", "import"),
        ("DELETE_IN_PROGRESS", "delete"),
    ],
)
def test_the_running_operation_follows_from_the_status(status: str, operation: str) -> None:
    """A rollback belongs to the operation that is rolled back."""
    assert operation == running_operation(replace(OUTER, status=status))


STARTED, CREATED = ("outer", "UPDATE_IN_PROGRESS"), ("outer", "CREATE_COMPLETE")
CHANGED, UPDATED = ("Vpc", "UPDATE_IN_PROGRESS"), ("outer", "UPDATE_COMPLETE")


@pytest.mark.parametrize(
    ("history", "before"),
    [
        ([], None),
        ([STARTED], None),
        ([CREATED], None),
        ([CREATED, STARTED], 0),
        ([CREATED, STARTED, CHANGED], 0),
        ([CREATED, STARTED, UPDATED, STARTED], 2),
        ([CREATED, STARTED, UPDATED, STARTED, CHANGED], 2),
    ],
    ids=["no event", "first", "other", "newest", "older", "repeated", "repeated and older"],
)
def test_the_event_before_the_running_operation(
    history: list[tuple[str, str]], before: int | None
) -> None:
    """Events after it belong to the operation, even if its first event is the newest."""
    account = Account(FakeClock(), history={"arn:outer": []})
    for name, status in history:
        account.add_event("arn:outer", name, status)
    stack = replace(OUTER, status="UPDATE_IN_PROGRESS")

    found = event_before_operation(Watch(account, account.clock), stack)

    assert ("" if before is None else account.history["arn:outer"][before].id) == found


def test_the_newest_event_is_the_last_of_the_previous_operation() -> None:
    """A stack without events has none."""
    account = Account(FakeClock(), history={"arn:outer": []})
    watch = Watch(account, account.clock)

    assert latest_event(watch, REGION, "arn:outer") == ""
    account.add_event("arn:outer", "outer", "CREATE_COMPLETE")
    account.add_event("arn:outer", "outer", "UPDATE_COMPLETE")

    assert account.history["arn:outer"][1].id == latest_event(watch, REGION, "arn:outer")


def test_an_idle_stack_without_an_event_of_the_end_is_an_error() -> None:
    """The operation may have been rejected; the error says what to do."""
    account = Account(FakeClock(), history={"arn:outer": []})

    with pytest.raises(UnreachableError, match="no event reports the end") as raised:
        follow_outer(account)

    assert "rerun the command" in raised.value.hint
    assert 600 < account.clock.now() < 700


def test_the_timeouts() -> None:
    """An operation is followed for an hour, and AWS may be unreachable for ten minutes."""
    account = Account(FakeClock())
    watch = Watch(account, account.clock)

    assert (watch.timeout, watch.unreachable_timeout) == (3600.0, 600.0)
