"""Rolling back failed updates, and continuing rollbacks that failed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.aws.cloud import DeployedStack
from deployer.errors import GuardError, ManualRepairError
from deployer.events import Event, Outcome
from deployer.rollback import manual_steps, objection, roll_back, skip_hint
from tests.deployer.deploying import NETWORK, deploy, finished, outcomes
from tests.deployer.test_attach import new_run
from tests.fakes import FakeClock, FakeCloud


def failed_cloud(status: str) -> FakeCloud:
    """Return an account with a stack in *status*."""
    account = FakeCloud(FakeClock())
    deploy(account, [NETWORK])
    account.put(replace(only_stack(account), status=status))
    return account


def only_stack(account: FakeCloud) -> DeployedStack:
    """Return the stack of the account."""
    return next(iter(account.deployed.values()))


def rolled_back(account: FakeCloud) -> list[Event]:
    """Roll back the stack and return the events."""
    return list(roll_back([only_stack(account)], new_run(account)))


@pytest.mark.parametrize(
    ("status", "call"),
    [
        ("UPDATE_FAILED", "rollback_stack"),
        ("UPDATE_ROLLBACK_FAILED", "continue_update_rollback"),
    ],
)
def test_the_rollback_is_followed(status: str, call: str) -> None:
    """Each state has its own call, and both end in service."""
    account = failed_cloud(status)
    account.calls.clear()

    events = rolled_back(account)

    assert outcomes(events) == {"crd-x-network": Outcome.ROLLED_BACK}
    assert account.writes == [(call, only_stack(account).id)]


def test_a_rollback_that_fails_again_lists_the_resources() -> None:
    """The error has the manual steps and the command that skips a resource, which is not run."""
    account = failed_cloud("UPDATE_ROLLBACK_FAILED")
    account.fails["crd-x-network"] = "Vpc"

    error = finished(rolled_back(account), "crd-x-network").error

    assert isinstance(error, ManualRepairError)
    assert error.message.splitlines()[1] == "  Vpc (AWS::Fake::Thing): still in use"
    assert "--resources-to-skip LOGICAL_ID" in error.hint


def test_the_manual_steps_are_those_of_the_last_rollback() -> None:
    """Failures of the update, and of earlier rollbacks, are not listed."""
    account = failed_cloud("UPDATE_FAILED")
    stack = only_stack(account)
    account.add_event(stack, "Early", "AWS::X::Y", "UPDATE_FAILED", "no room")
    account.fails["crd-x-network"] = "Vpc"
    rolled_back(account)

    steps = manual_steps(only_stack(account), account.history[stack.id])

    assert steps == (
        "crd-x-network: UPDATE_ROLLBACK_FAILED: before its rollback continues, fix what failed:\n"
        "  Vpc (AWS::Fake::Thing): still in use"
    )


def test_without_an_event_the_reason_of_the_stack_is_shown() -> None:
    """Events are deleted after 90 days."""
    stack = replace(only_stack(failed_cloud("UPDATE_ROLLBACK_FAILED")), reason="[Vpc] failed")

    assert manual_steps(stack, []).endswith("\n  [Vpc] failed")


def test_a_stack_that_changed_meanwhile_is_left() -> None:
    """Another operator may have repaired it after it was shown."""
    account = failed_cloud("UPDATE_FAILED")
    shown = only_stack(account)
    account.put(replace(shown, status="UPDATE_ROLLBACK_COMPLETE"))

    events = list(roll_back([shown], new_run(account)))

    assert isinstance(finished(events, "crd-x-network").error, GuardError)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("UPDATE_COMPLETE", "deploy its commit"),
        ("UPDATE_IN_PROGRESS", "./inv cancel"),
        ("ROLLBACK_COMPLETE", "./inv deploy creates it again"),
        ("REVIEW_IN_PROGRESS", "it was never created"),
        ("CREATE_FAILED", "delete-stack"),
        ("ROLLBACK_FAILED", "delete-stack"),
        ("DELETE_FAILED", "delete-stack"),
    ],
)
def test_other_states_have_an_objection(status: str, advice: str) -> None:
    """The objection says what to do instead."""
    stack = only_stack(failed_cloud(status))

    assert objection(stack).startswith(f"crd-x-network: {status}: ")
    assert advice in objection(stack)


def test_the_skip_command_names_the_stack_and_region() -> None:
    """It can be copied; only the logical id is to be filled in."""
    stack = only_stack(failed_cloud("UPDATE_ROLLBACK_FAILED"))

    assert f"--stack-name {stack.id} --region ca-central-1" in skip_hint(stack)
