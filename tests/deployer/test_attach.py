"""Following operations that another run started."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployer.attach import attach
from deployer.aws.cloud import DeployedStack
from deployer.delete import delete_now
from deployer.errors import RolledBackError
from deployer.events import Event, Finished, Outcome
from deployer.follow import Watch
from deployer.jobs import Pause
from deployer.run import Run
from tests.deployer.deploying import NETWORK, approve, deploy, finished, outcomes
from tests.fakes import OWNER, FakeClock, FakeCloud, Killed, desired_stack


def busy_cloud(version: int, **cloud: object) -> FakeCloud:
    """Return an account in which a run was killed after it began to deploy the network."""
    account = FakeCloud(FakeClock())
    if version > 1:
        deploy(account, [NETWORK], run_id="first")
    for name, value in cloud.items():
        setattr(account, name, value)
    with pytest.raises(Killed):
        deploy(_killed_after_execution(account), [desired_stack("network", version=version)])
    return account


def _killed_after_execution(account: FakeCloud) -> FakeCloud:
    execute = account.execute_change_set

    def execute_and_die(region: str, arn: str, token: str) -> None:
        execute(region, arn, token)
        raise Killed

    account.execute_change_set = execute_and_die  # type: ignore[method-assign]
    return account


def new_run(account: FakeCloud) -> Run:
    """Return the inputs of a run."""
    return Run("attach", Watch(account, account.clock), approve, owner=OWNER)


def attached(account: FakeCloud) -> list[Event]:
    """Attach to all busy stacks and return the events."""
    busy = [stack for stack in account.deployed.values() if stack.is_busy]
    return list(attach(busy, {}, new_run(account)))


@pytest.mark.parametrize(("version", "outcome"), [(1, Outcome.CREATED), (2, Outcome.UPDATED)])
def test_an_operation_of_another_run_is_followed(version: int, outcome: Outcome) -> None:
    """It ends with the outcome that the run that started it would have had."""
    assert outcomes(attached(busy_cloud(version))) == {"crd-x-network": outcome}


def test_nothing_is_changed() -> None:
    """Attaching only reads."""
    account = busy_cloud(1)
    account.calls.clear()

    attached(account)

    assert account.writes == []


def test_a_failed_operation_has_its_exit_code() -> None:
    """A rolled back update ends with 5, and the cause is the message, as in a deploy."""
    events = attached(busy_cloud(2, fails={"crd-x-network": "Vpc"}))

    error = finished(events, "crd-x-network").error
    assert isinstance(error, RolledBackError)
    assert error.message.splitlines()[0] == "crd-x-network: Vpc (AWS::Fake::Thing): no room"


def test_a_deletion_is_followed() -> None:
    """A deletion that another run started ends with the outcome deleted."""
    account = FakeCloud(FakeClock())
    deploy(account, [NETWORK])
    deletion = delete_now(_deployed(account), new_run(account))
    _until_pause(deletion)

    assert outcomes(attached(account)) == {"crd-x-network": Outcome.DELETED}


def test_stacks_with_the_same_name_are_both_followed() -> None:
    """In two regions there may be stacks of one name."""
    account = busy_cloud(1)
    there = desired_stack("network", region="us-east-1")
    with pytest.raises(Killed):
        deploy(_killed_after_execution(account), [there])

    events = attached(account)

    assert sum(isinstance(event, Finished) for event in events) == 2


def _deployed(account: FakeCloud) -> DeployedStack:
    return next(iter(account.deployed.values()))


def _until_pause(work: Iterator[object]) -> None:
    while not isinstance(next(work), Pause):
        pass
