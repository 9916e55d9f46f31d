"""Change sets that a reviewer has not executed."""

from __future__ import annotations

from deployer.report import PendingChangeSet
from operations import pending_change_sets
from tests.fakes import REGION
from tests.operations.fake_account import Account, Client, deployed_stack, target


def test_only_executable_change_sets() -> None:
    """A change set that failed or is being created cannot be executed, so it is left out."""
    statuses = ("AVAILABLE", "UNAVAILABLE", "EXECUTE_FAILED", "OBSOLETE")
    summaries = [{"ChangeSetId": f"arn:{status}", "ExecutionStatus": status} for status in statuses]
    client = Client(list_change_sets=[{"Summaries": []}, {"Summaries": summaries}])
    stacks = [deployed_stack(f"crd-x-{name}", {}) for name in ("users", "cdn")]

    found = pending_change_sets.find(target(Account({}, {"cloudformation": client})), stacks)

    assert found == [
        PendingChangeSet("crd-x-users", REGION, "arn:AVAILABLE"),
        PendingChangeSet("crd-x-cdn", REGION, "arn:AVAILABLE"),
    ]
    assert sorted(arguments["StackName"] for _, arguments in client.calls) == [
        "arn:crd-x-cdn",
        "arn:crd-x-users",
    ]
