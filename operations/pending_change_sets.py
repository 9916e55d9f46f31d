"""Find the change sets that wait for a reviewer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployer.aws.cloud import DeployedStack
    from deployer.deployment import DeploymentPlan
    from deployer.report import PendingChangeSet
    from operations.target import Target

_THREADS = 8


def find(target: Target, stacks: Iterable[DeployedStack]) -> list[PendingChangeSet]:
    """Return the change sets of *stacks* that can be executed, in the order of the stacks."""
    from multiprocessing.pool import ThreadPool

    with ThreadPool(_THREADS) as pool:
        found = pool.map(lambda stack: _change_sets(target, stack), stacks)
    return [change_set for change_sets in found for change_set in change_sets]


def of_changed(target: Target, planned: DeploymentPlan) -> list[PendingChangeSet]:
    """Return the change sets of the stacks that differ; those of other stacks are not read."""
    from deployer.plan import Keep

    changed = {
        (step.desired.region, step.desired.name)
        for step in planned.steps
        if not isinstance(step, Keep)
    }
    stacks = [stack for stack in planned.deployed if (stack.region, stack.name) in changed]
    return find(target, stacks) if stacks else []


def _change_sets(target: Target, stack: DeployedStack) -> list[PendingChangeSet]:
    from deployer.report import PendingChangeSet

    client = target.account.client("cloudformation", stack.region)
    pages = client.get_paginator("list_change_sets").paginate(StackName=stack.id)
    return [
        PendingChangeSet(stack.name, stack.region, summary["ChangeSetId"], target.env.name)
        for page in pages
        for summary in page["Summaries"]
        if summary["ExecutionStatus"] == "AVAILABLE"
    ]
