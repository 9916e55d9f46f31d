"""Why an operation failed, or what it kept: as deep in nested stacks as that is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from deployer.aws.cloud import STACK, DeployedStack, StackEvent
from deployer.errors import UnreachableError
from deployer.events import Progress
from deployer.follow import OperationResult, Watch, follow
from deployer.jobs import Pause
from deployer.model import Line
from tests.fakes import REGION, FakeClock, FakeCloud

OUTER = DeployedStack("crd-x-outer", "arn:outer", REGION, "UPDATE_ROLLBACK_COMPLETE")
MADE = Line("stacks/inner.py", 7)


def emulator(arn: str) -> str:
    """CloudFormation's reason for a nested stack that failed."""
    return (
        f"Embedded stack {arn} was not successfully updated. Currently in "
        "UPDATE_ROLLBACK_IN_PROGRESS with reason: The following resource(s) failed: [X]."
    )


class Account(FakeCloud):
    """An account of which a test writes the events, a second after each other."""

    def happens(
        self, stack_id: str, name: str, status: str, reason: str = "", *, nested: str = ""
    ) -> None:
        """Add an event: of the stack if *name* is its own, else of a resource.

        The latter is a nested stack if *nested* has its id.
        """
        self.clock.sleep(1)
        own = stack_id == f"arn:{name}"
        self.history.setdefault(stack_id, []).append(
            StackEvent(
                id=f"{stack_id}-{self.clock.now()}",
                stack_id=stack_id,
                logical_id=name,
                physical_id=stack_id if own else nested,
                type=STACK if own or nested else "AWS::X::Y",
                status=status,
                reason=reason,
                at=datetime.fromtimestamp(self.clock.now(), UTC),
            )
        )


def followed(account: FakeCloud, **lines: Line) -> tuple[OperationResult, list[Progress]]:
    """Follow the outer stack, which is idle, and return its end and the events."""
    account.put(OUTER)
    places = {tuple(name.split("__")): line for name, line in lines.items()}
    work, told = follow(Watch(account, account.clock), OUTER, "", places), []
    while True:
        try:
            item = next(work)
        except StopIteration as end:
            return end.value, told
        if isinstance(item, Pause):
            account.clock.sleep(item.seconds)
        elif isinstance(item, Progress):
            told.append(item)


def failing() -> Account:
    """Three levels, of which the innermost fails; it had failed before, too, at something else."""
    account = Account(FakeClock())
    account.happens("arn:deep", "Old", "CREATE_FAILED", "long ago")
    account.happens("arn:outer", "outer", "UPDATE_IN_PROGRESS")
    account.happens("arn:deep", "Early", "UPDATE_FAILED", "Resource update cancelled")
    account.happens("arn:deep", "Broken", "UPDATE_FAILED", "no room")
    account.happens("arn:deep", "Late", "UPDATE_FAILED", "Resource update cancelled")
    failed, cancelled = "UPDATE_FAILED", "Resource update cancelled"
    account.happens("arn:below", "Deep", failed, emulator("arn:deep"), nested="arn:deep")
    account.happens("arn:outer", "Beside", failed, cancelled, nested="arn:beside")
    account.happens("arn:outer", "Below", failed, emulator("arn:below"), nested="arn:below")
    account.happens("arn:outer", "outer", "UPDATE_ROLLBACK_COMPLETE")
    return account


def test_the_cause_is_the_innermost_failure() -> None:
    """It is reported with its path; cancelled resources and old failures are not causes."""
    ended, _ = followed(failing())

    assert ended.cause is not None
    assert ended.cause.resource_path == ("Below", "Deep", "Broken")
    assert ended.cause.event.reason == "no room"


def test_the_cause_is_told_before_its_consequences() -> None:
    """With the line that made it."""
    _, told = followed(failing(), Below__Deep__Broken=MADE)

    failed = [("/".join([*one.path, one.event.logical_id]), one.line) for one in told]
    assert failed[-3:-1] == [("Below/Deep/Broken", MADE), ("Below", None)]


def test_a_cancelled_nested_stack_is_not_looked_into() -> None:
    """It has no relevant events, and the role may have no permission to read them."""
    account = failing()

    followed(account)

    assert [about for name, about in account.calls if name == "events_since"] == [
        "arn:below",
        "arn:deep",
    ]


def test_a_nested_stack_without_a_physical_id_is_found_in_the_reason() -> None:
    """Its creation failed at once."""
    account = Account(FakeClock())
    account.happens("arn:outer", "outer", "CREATE_IN_PROGRESS")
    account.happens("arn:below", "Broken", "CREATE_FAILED", "no room")
    reason = emulator("arn:below")
    account.happens("arn:outer", "Below", "CREATE_FAILED", reason, nested="not made yet")
    account.happens("arn:outer", "outer", "UPDATE_ROLLBACK_COMPLETE")

    ended, _ = followed(account)

    assert ended.cause is not None
    assert ended.cause.resource_path == ("Below", "Broken")


def test_a_nested_stack_that_cannot_be_read_is_the_cause() -> None:
    """The outer reason is better than none."""
    account = failing()
    del account.history["arn:deep"]

    ended, _ = followed(account)

    assert ended.cause is not None
    assert ended.cause.resource_path == ("Below", "Deep")
    assert ended.cause.event.reason == emulator("arn:deep")


def test_an_account_out_of_reach_is_asked_again() -> None:
    """A lost connection is not the cause of the failure."""

    class Flaky(Account):
        lost = 2

        def events_since(self, *args: object) -> tuple[StackEvent, ...]:
            if self.lost:
                self.lost -= 1
                raise UnreachableError("no answer")
            return super().events_since(*args)

    steady = failing()
    flaky = Flaky(steady.clock, history=steady.history)

    ended, _ = followed(flaky)

    assert ended.cause is not None
    assert ended.cause.resource_path == ("Below", "Deep", "Broken")


def test_a_nested_stack_that_gives_its_own_reason_is_named() -> None:
    """No resource of it failed: an export in use is a matter of the stack."""
    account = Account(FakeClock())
    account.happens("arn:outer", "outer", "UPDATE_IN_PROGRESS")
    account.happens("arn:below", "below", "UPDATE_ROLLBACK_IN_PROGRESS", "export in use")
    reason = emulator("arn:below")
    account.happens("arn:outer", "Below", "UPDATE_FAILED", reason, nested="arn:below")
    account.happens("arn:outer", "outer", "UPDATE_ROLLBACK_COMPLETE")

    ended, _ = followed(account)

    assert ended.cause is not None
    assert (ended.cause.resource_path, ended.cause.event.reason) == (("Below",), "export in use")


def test_the_last_events_of_a_deletion_are_read() -> None:
    """They may come between a look at the events and one at the stack, which is deleted then."""

    class Late(Account):
        def events(self, region: str, stack_id: str, after: str = "") -> tuple[StackEvent, ...]:
            known = super().events(region, stack_id, after)
            self.happens("arn:outer", "Bucket", "DELETE_SKIPPED")
            self.put(replace(OUTER, status="DELETE_COMPLETE"))
            return known

    account = Late(FakeClock())
    account.happens("arn:outer", "outer", "DELETE_IN_PROGRESS")

    ended, _ = followed(account)

    assert ("Bucket",) in [one.resource_path for one in ended.retained]


def test_what_is_kept_in_nested_stacks_is_named_with_its_path() -> None:
    """At any depth, beside what the stack itself keeps."""
    account = Account(FakeClock())
    account.happens("arn:outer", "outer", "DELETE_IN_PROGRESS")
    account.happens("arn:outer", "Bucket", "DELETE_SKIPPED")
    account.happens("arn:deep", "Table", "DELETE_SKIPPED")
    account.happens("arn:below", "Topic", "DELETE_COMPLETE")
    account.happens("arn:below", "Deep", "DELETE_COMPLETE", nested="arn:deep")
    account.happens("arn:outer", "Below", "DELETE_COMPLETE", nested="arn:below")
    account.happens("arn:outer", "outer", "DELETE_COMPLETE")

    ended, _ = followed(account)

    assert [one.resource_path for one in ended.retained] == [
        ("Bucket",),
        ("Below", "Deep", "Table"),
    ]
