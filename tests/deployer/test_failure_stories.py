"""The first line of the report of a failed operation is the cause, in recorded failures."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployer.aws.cloud import STACK, DeployedStack, StackEvent
from deployer.follow import OperationResult, Watch, follow
from deployer.jobs import complete
from deployer.operation_errors import operation_error
from tests.fakes import OWNER, REGION, FakeClock, FakeCloud

STORIES = tomllib.loads((Path(__file__).parent / "failure_stories.toml").read_text())["story"]
NAME = "crd-x-a"


def account_with(events: str) -> FakeCloud:
    """Return an account with the events of a stack and of its nested stacks."""
    account, nested = FakeCloud(FakeClock()), ""
    for number, line in enumerate(events.split("\n")):
        if line.endswith(":"):
            nested = line.removesuffix(":")
        elif line:
            event = _event(number, line, nested)
            account.history.setdefault(event.stack_id, []).append(event)
    last = account.history[f"arn:{NAME}"][-1]
    account.put(DeployedStack(NAME, last.stack_id, REGION, last.status))
    return account


def _event(number: int, line: str, nested: str) -> StackEvent:
    seconds, name, *rest = line.split(" ", 2)
    stack_id = f"arn:{nested or NAME}"
    type_ = STACK
    text = rest[0]
    if name != "stack":
        type_, _, text = text.partition(" ")
    status, _, reason = text.partition(" ")
    is_nested = name != "stack" and type_ == STACK
    return StackEvent(
        id=f"event-{number}",
        stack_id=stack_id,
        logical_id=name if name != "stack" else nested or NAME,
        physical_id=f"arn:{name}" if is_nested else stack_id if name == "stack" else name,
        type=type_,
        status=status,
        reason=reason,
        at=datetime.fromtimestamp(int(seconds), UTC),
    )


def followed(account: FakeCloud) -> OperationResult:
    """Follow the operation to its end."""
    stack = account.deployed[REGION, NAME]
    return complete(follow(Watch(account, account.clock), stack, ""), account.clock)


def first_line(story: dict[str, str]) -> str:
    """Return the first line of the report of a story, without the name of the stack."""
    result = followed(account_with(story["events"]))
    error = operation_error(result, OWNER)
    return error.message.splitlines()[0].removeprefix(f"{NAME}: ")


def test_there_are_at_least_thirty_stories() -> None:
    """Their names differ."""
    assert len({story["name"] for story in STORIES}) == len(STORIES) >= 30


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story["name"])
def test_the_first_line_is_the_cause(story: dict[str, str]) -> None:
    """Neither a cancelled sibling, nor a failure in the rollback, nor the outer stack is the cause."""
    assert first_line(story).startswith(story["cause"])


def test_the_explanation_follows_the_cause() -> None:
    """The first line is the cause; then come the lines about the stopped tasks."""
    story = next(story for story in STORIES if story["name"] == "circuit breaker of an ECS service")
    account = account_with(story["events"])
    watch = Watch(
        account,
        account.clock,
        explain=lambda region, event: (f"stopped task of {event.logical_id} in {region}",),
    )

    result = complete(follow(watch, account.deployed[REGION, NAME], ""), account.clock)

    lines = operation_error(result, OWNER).message.splitlines()
    assert lines[1:] == [
        "stopped task of Service in ca-central-1",
        "the stack is in UPDATE_ROLLBACK_COMPLETE",
    ]
