"""Saved plans and change sets left for review, in an account in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from deployer import apply, plan
from deployer.aws.cloud import ChangeSet
from deployer.deployment import Deployment
from deployer.errors import ConfigError, DeployError, GuardError, StaleError
from deployer.model.desired import DesiredStack
from deployer.planned_change_sets import PlannedChangeSet
from deployer.saved_plan import SavedPlan, saved_stack
from tests.deployer.test_deployment import ENV, FOREIGN, new_deployment
from tests.fakes import ACCOUNT, REGION, FakeCloud, desired_stack
from tests.standard_input import Stdin

NETWORK = desired_stack("network")
CLUSTER = desired_stack("cluster", needs=["network"])


@pytest.fixture(autouse=True)
def _without_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the comparison with build/ and the lint, which other tests cover."""
    monkeypatch.setattr("deployer.deployment.check_before_deployment", lambda *_: None)
    monkeypatch.setattr("deployer.environment.Environment.write_or_check_templates", lambda _: None)


def deployment(*desired: DesiredStack, yes: bool = True) -> Deployment:
    """Return a deployment of an empty account."""
    return new_deployment(desired=desired, yes=yes)[0]


def saved(prepared: Deployment) -> SavedPlan:
    """Create the change sets of a plan, and return the plan as the file has it."""
    planned = prepared.plan()
    found: list[PlannedChangeSet] = []
    prepared.review(planned, jobs=4, save=found.extend)
    known = plan.index(planned.deployed)
    stacks = tuple(saved_stack(item, known) for item in found if item.change_set)
    return SavedPlan(1, ENV.name, ACCOUNT, REGION, "abc", "", stacks)


def cloud(prepared: Deployment) -> FakeCloud:
    """Return the account in memory."""
    account: Any = prepared.account
    return account


def test_a_plan_executes_exactly_its_change_sets() -> None:
    """No change set is created, and each saved one is executed after its dependencies."""
    prepared = deployment(NETWORK, CLUSTER)
    document = saved(prepared)
    before = len(cloud(prepared).writes)

    result = apply.apply(prepared, document, "abc", jobs=4)

    writes = cloud(prepared).writes[before:]
    assert result.exit_code == 0
    assert writes == [("execute_change_set", stack.change_set) for stack in document.stacks]
    assert [stack.status for stack in result.stacks] == ["CREATE_COMPLETE", "CREATE_COMPLETE"]


def test_a_stale_plan_changes_nothing() -> None:
    """Every reason is in one error, and no request that writes is sent."""
    prepared = deployment(NETWORK, CLUSTER)
    document = saved(prepared)
    apply.apply(prepared, document, "abc", jobs=4)
    before = len(cloud(prepared).writes)

    with pytest.raises(StaleError) as refused:
        apply.apply(prepared, document, "def", jobs=4)

    assert refused.value.message.splitlines() == [
        "the revision was abc and is def now",
        "crd-x-network: it was created meanwhile: CREATE_COMPLETE",
        "crd-x-network: its change set no longer exists",
        "crd-x-cluster: it was created meanwhile: CREATE_COMPLETE",
        "crd-x-cluster: its change set no longer exists",
    ]
    assert (refused.value.code, len(cloud(prepared).writes)) == (4, before)


def test_a_plan_needs_an_approval(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --yes, one question is asked for all change sets; the default answer is no."""
    prepared = deployment(NETWORK)
    document = saved(prepared)
    monkeypatch.setattr("sys.stdin", Stdin("\n"))
    prepared = replace(prepared, options=replace(prepared.options, yes=False))

    with pytest.raises(GuardError, match="not approved"):
        apply.apply(prepared, document, "abc", jobs=4)

    assert cloud(prepared).executed == []


def test_a_plan_without_change_sets_does_nothing() -> None:
    """An empty plan has exit code 0."""
    prepared = deployment(NETWORK)
    document = msgspec.structs.replace(saved(prepared), stacks=())

    assert apply.apply(prepared, document, "abc", jobs=4).exit_code == 0
    assert cloud(prepared).executed == []


def left(prepared: Deployment) -> list[str]:
    """Leave the change sets of a plan for review, and return their ARNs."""
    return [stack.change_set for stack in saved(prepared).stacks]


def test_change_sets_left_for_review_are_executed() -> None:
    """The stack is created with the change set that an earlier run left."""
    prepared = deployment(NETWORK)

    assert apply.execute_pending(prepared, left(prepared), jobs=1) == 0
    assert [stack.status for stack in cloud(prepared).deployed.values()] == ["CREATE_COMPLETE"]


def test_each_change_set_left_for_review_needs_an_approval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The change set is shown before the question, and is kept if it is not approved."""
    prepared = deployment(NETWORK)
    arns = left(prepared)
    monkeypatch.setattr("sys.stdin", Stdin("n\n", terminal=True))
    prepared = replace(prepared, options=replace(prepared.options, yes=False))

    assert apply.execute_pending(prepared, arns, jobs=1) == GuardError.code
    assert [*cloud(prepared).change_sets] == arns


def test_change_sets_left_for_review_are_deleted() -> None:
    """The empty stack that was created for the change set is deleted as well."""
    prepared = deployment(NETWORK)

    (deleted,) = apply.delete_pending(prepared, left(prepared))

    assert deleted.stack == "crd-x-network"
    assert (cloud(prepared).change_sets, cloud(prepared).deployed) == ({}, {})


@pytest.mark.parametrize(
    ("arn", "error", "message"),
    [
        ("x", ConfigError, "--arn=x: is not the ARN"),
        (f"arn:aws:cloudformation:{REGION}:1:changeSet/x", StaleError, "no longer exists"),
    ],
)
def test_unknown_change_sets_are_refused(arn: str, error: type[DeployError], message: str) -> None:
    """An ARN must be that of an existing change set in a region of the environment."""
    prepared = deployment(NETWORK)

    with pytest.raises(error, match=message):
        apply.delete_pending(prepared, [arn])


def test_a_change_set_of_a_foreign_stack_is_refused() -> None:
    """A change set of another environment is neither executed nor deleted."""
    prepared, _ = new_deployment(*FOREIGN, desired=(NETWORK,))
    arn = f"arn:aws:cloudformation:{REGION}:1:changeSet/theirs"
    cloud(prepared).nested_sets[arn] = ChangeSet(
        arn, "theirs", "crd-x-byhand", FOREIGN[1].id, REGION, "CREATE_COMPLETE", "AVAILABLE"
    )

    with pytest.raises(GuardError, match="crd-x-byhand in ca-central-1: not a stack of x"):
        apply.execute_pending(prepared, [arn], jobs=1)


def test_two_change_sets_of_one_stack_are_refused() -> None:
    """The first execution would make the second one obsolete."""
    prepared = deployment(NETWORK)
    arns = [*left(prepared), *left(prepared)]

    with pytest.raises(ConfigError, match="crd-x-network: has more than one of the change sets"):
        apply.execute_pending(prepared, arns, jobs=1)

    assert cloud(prepared).executed == []
