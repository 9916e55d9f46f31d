"""Change sets that a reviewer has not executed."""

from __future__ import annotations

from deployer.deployment import DeploymentPlan
from deployer.plan import Create, Keep
from deployer.report import PendingChangeSet
from operations import pending_change_sets
from tests.fakes import REGION, desired_stack
from tests.operations.fake_account import Account, Client, deployed_stack, target


def test_only_executable_change_sets() -> None:
    """A change set that failed or is being created cannot be executed, so it is left out."""
    statuses = ("AVAILABLE", "UNAVAILABLE", "EXECUTE_FAILED", "OBSOLETE")
    summaries = [{"ChangeSetId": f"arn:{status}", "ExecutionStatus": status} for status in statuses]
    client = Client(list_change_sets=[{"Summaries": []}, {"Summaries": summaries}])
    stacks = [deployed_stack(f"crd-x-{name}", {}) for name in ("users", "cdn")]

    found = pending_change_sets.find(target(Account({}, {"cloudformation": client})), stacks)

    assert found == [
        PendingChangeSet("crd-x-users", REGION, "arn:AVAILABLE", "x"),
        PendingChangeSet("crd-x-cdn", REGION, "arn:AVAILABLE", "x"),
    ]
    assert sorted(arguments["StackName"] for _, arguments in client.calls) == [
        "arn:crd-x-cdn",
        "arn:crd-x-users",
    ]


def test_only_stacks_that_differ_are_read() -> None:
    """A plan lists the change sets of the stacks that it changes, also of one that is in review."""
    client = Client(list_change_sets=[{"Summaries": []}])
    kept, changed = (desired_stack(name) for name in ("users", "cdn"))
    stacks = tuple(deployed_stack(stack.name, {}) for stack in (kept, changed))
    steps = (Keep(kept, stacks[0], "unchanged"), Create(changed, "has only a change set"))
    planned = DeploymentPlan(stacks, steps, (), ())
    account = target(Account({}, {"cloudformation": client}))

    pending_change_sets.of_changed(account, planned)

    assert [arguments["StackName"] for _, arguments in client.calls] == ["arn:crd-x-cdn"]
