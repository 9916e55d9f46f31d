"""Find the change sets that wait for a reviewer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployer.aws.cloud import DeployedStack
    from deployer.report import PendingChangeSet
    from operations.target import Target

_THREADS = 8


def find(target: Target, stacks: Iterable[DeployedStack]) -> list[PendingChangeSet]:
    """Return the change sets of *stacks* that can be executed, in the order of the stacks."""
    from multiprocessing.pool import ThreadPool

    with ThreadPool(_THREADS) as pool:
        found = pool.map(lambda stack: _change_sets(target, stack), stacks)
    return [change_set for change_sets in found for change_set in change_sets]


def _change_sets(target: Target, stack: DeployedStack) -> list[PendingChangeSet]:
    from deployer.report import PendingChangeSet

    client = target.account.client("cloudformation", stack.region)
    pages = client.get_paginator("list_change_sets").paginate(StackName=stack.id)
    return [
        PendingChangeSet(stack.name, stack.region, summary["ChangeSetId"])
        for page in pages
        for summary in page["Summaries"]
        if summary["ExecutionStatus"] == "AVAILABLE"
    ]
