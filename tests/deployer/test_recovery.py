"""Attach, cancel and roll back: selection, approval and exit codes."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from deployer import recovery
from deployer.aws.cloud import STACK
from deployer.errors import ConfigError, GuardError
from tests.deployer.test_deployment import new_deployment, own_stack
from tests.standard_input import Stdin

BUSY = own_stack("network", status="UPDATE_IN_PROGRESS")
CLEANUP = own_stack("cluster", status="UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
FAILED = own_stack("old", status="UPDATE_ROLLBACK_FAILED")


def statuses(deployment):
    """Return the status of each stack."""
    return {name: stack.status for (_, name), stack in deployment.account.deployed.items()}


@pytest.mark.parametrize("task", [recovery.attach, recovery.cancel, recovery.roll_back])
def test_without_such_stacks_there_is_nothing_to_do(task):
    """The exit code is 0, and no question is asked."""
    deployment, stream = new_deployment(own_stack("network"), yes=False)

    assert task(deployment) == 0
    assert "nothing to do, in " in stream.getvalue()


@pytest.mark.parametrize("name", ["network", "crd-x-network"])
def test_a_stack_has_two_names(name):
    """A stack is named as for `destroy`."""
    deployment, _ = new_deployment(BUSY, own_stack("cluster"))

    recovery.cancel(deployment, [name])

    assert statuses(deployment)["crd-x-network"] == "UPDATE_ROLLBACK_COMPLETE"


def test_all_unknown_names_are_reported_together():
    """The hint lists the deployed stacks."""
    deployment, _ = new_deployment(BUSY)

    with pytest.raises(ConfigError) as error:
        recovery.attach(deployment, ["netwrok", "x"])

    assert str(error.value) == (
        "--stack=netwrok: there is no such stack; did you mean 'network'?\n"
        "--stack=x: there is no such stack\n"
        "hint: the deployed stacks are: network"
    )


def test_a_foreign_stack_is_not_cancelled():
    """Only stacks with the tags of the environment are selected."""
    foreign = replace(own_stack("theirs", status="UPDATE_IN_PROGRESS"), tags={})
    deployment, _ = new_deployment(BUSY, foreign)

    recovery.cancel(deployment)

    assert statuses(deployment)["crd-x-theirs"] == "UPDATE_IN_PROGRESS"


def test_a_named_stack_that_cannot_be_cancelled_is_refused():
    """Nothing is cancelled: the other stack, which could be, is left as well."""
    deployment, _ = new_deployment(BUSY, CLEANUP)

    with pytest.raises(GuardError, match="crd-x-cluster: UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"):
        recovery.cancel(deployment, ["network", "cluster"])

    assert deployment.account.writes == []


def test_without_names_a_stack_that_cannot_be_cancelled_is_left():
    """It is reported as a warning, and the others are cancelled."""
    deployment, stream = new_deployment(BUSY, CLEANUP)

    assert recovery.cancel(deployment) == 0
    assert "warning: crd-x-cluster: UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" in stream.getvalue()
    assert statuses(deployment)["crd-x-network"] == "UPDATE_ROLLBACK_COMPLETE"


@pytest.mark.parametrize(("task", "stack"), [(recovery.cancel, BUSY), (recovery.roll_back, FAILED)])
def test_without_approval_nothing_is_changed(monkeypatch, capsys, task, stack):
    """The question has the consequence for each stack; the default answer is no."""
    deployment, _ = new_deployment(stack, yes=False)
    monkeypatch.setattr(sys, "stdin", Stdin("\n"))

    with pytest.raises(GuardError, match="not approved: nothing was changed"):
        task(deployment)

    assert deployment.account.writes == []
    assert f"  {stack.name}: it" in capsys.readouterr().err.replace("its", "it")


def test_the_steps_are_shown_before_a_rollback_continues():
    """They have the resource that failed, and the command that skips it, which is not run."""
    deployment, stream = new_deployment(FAILED)
    stack = deployment.account.deployed[FAILED.region, FAILED.name]
    deployment.account.add_event(stack, "Vpc", "AWS::EC2::VPC", "UPDATE_FAILED", "in use")

    assert recovery.roll_back(deployment) == 0
    before, _, _ = stream.getvalue().partition("rolling back")
    assert "Vpc (AWS::EC2::VPC): in use" in before
    assert "--resources-to-skip LOGICAL_ID" in before


def test_the_history_is_sorted_by_start():
    """The operations of all stacks are in one list, the newest first."""
    deployment, _ = new_deployment(own_stack("network"), own_stack("cluster"))
    account = deployment.account
    for name in ("network", "cluster", "network"):
        stack = account.deployed[BUSY.region, f"crd-x-{name}"]
        account.clock.sleep(10)
        account.add_event(stack, stack.name, STACK, "UPDATE_IN_PROGRESS")
        account.add_event(stack, stack.name, STACK, "UPDATE_COMPLETE")

    assert [past.stack for past in recovery.history(deployment)] == [
        "crd-x-network",
        "crd-x-cluster",
        "crd-x-network",
    ]
