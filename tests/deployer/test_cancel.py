"""Cancelling updates and creations."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.cancel import CONSEQUENCES, cancel, objection
from deployer.errors import GuardError
from deployer.events import Event, Outcome
from tests.deployer.deploying import finished, outcomes
from tests.deployer.test_attach import busy_cloud, new_run
from tests.fakes import FakeCloud


def cancelled(account: FakeCloud) -> list[Event]:
    """Cancel the operation of every stack and return the events."""
    return list(cancel([*account.deployed.values()], new_run(account)))


def test_an_update_is_rolled_back() -> None:
    """The stack is in service as before the update."""
    account = busy_cloud(2)

    events = cancelled(account)

    assert outcomes(events) == {"crd-x-network": Outcome.CANCELLED}
    assert [stack.status for stack in account.deployed.values()] == ["UPDATE_ROLLBACK_COMPLETE"]


def test_a_creation_is_deleted() -> None:
    """A stack that never was in service is deleted."""
    account = busy_cloud(1)

    events = cancelled(account)

    assert outcomes(events) == {"crd-x-network": Outcome.CANCELLED}
    assert account.deployed == {}


@pytest.mark.parametrize("version", [1, 2])
def test_an_operation_that_has_ended_is_not_cancelled(version: int) -> None:
    """Between the question and the answer the operation may end: the stack stays as it is."""
    account = busy_cloud(version)
    shown = [*account.deployed.values()]
    account.finish_operations()
    after = dict(account.deployed)

    events = list(cancel(shown, new_run(account)))

    assert isinstance(finished(events, "crd-x-network").error, GuardError)
    assert account.deployed == after


def test_an_update_that_ends_before_the_call_is_explained() -> None:
    """AWS refuses the call; the error has the new status, not AWS's message."""
    account = busy_cloud(2)
    shown = [*account.deployed.values()]
    read = account.events

    def finish_first(*arguments: object) -> object:
        account.finish_operations()
        return read(*arguments)  # type: ignore[arg-type]

    account.events = finish_first  # type: ignore[assignment,method-assign]

    error = finished(list(cancel(shown, new_run(account))), "crd-x-network").error

    assert error is not None
    assert "and is UPDATE_COMPLETE now; nothing was cancelled" in error.message


def test_a_rollback_that_fails_needs_a_repair() -> None:
    """The exit code is 6, and the hint has the next command."""
    events = cancelled(busy_cloud(2, fails={"crd-x-network": "Vpc"}))

    error = finished(events, "crd-x-network").error
    assert error is not None
    assert error.code == 6
    assert "./inv rollback --stack=crd-x-network" in error.hint


@pytest.mark.parametrize(
    "status",
    [
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "ROLLBACK_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
        "IMPORT_IN_PROGRESS",
        "IMPORT_ROLLBACK_IN_PROGRESS",
        "REVIEW_IN_PROGRESS",
        "UPDATE_COMPLETE",
    ],
)
def test_other_states_have_an_objection(status: str) -> None:
    """The objection has the stack and its status."""
    stack = replace(next(iter(busy_cloud(1).deployed.values())), status=status)

    assert objection(stack).startswith(f"crd-x-network: {status}: ")


@pytest.mark.parametrize("status", CONSEQUENCES)
def test_running_updates_and_creations_have_none(status: str) -> None:
    """They can be cancelled."""
    stack = replace(next(iter(busy_cloud(1).deployed.values())), status=status)

    assert objection(stack) == ""
