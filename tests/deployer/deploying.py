"""Plan, execute and delete stacks of a FakeCloud, for the tests of these modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deployer import execute, plan
from deployer.aws.cloud import ChangeSet
from deployer.events import Event, Finished, Outcome
from deployer.follow import Watch
from deployer.model.desired import DesiredStack
from deployer.plan import Recreate
from deployer.removal import Deletion
from deployer.run import LatestStacks, Run
from tests.fakes import OWNER, FakeCloud, desired_stack

NETWORK = desired_stack("network", outputs={"Vpc": "vpc-1"})
CLUSTER = desired_stack("cluster", needs=["network"])
REGISTRY = desired_stack("registry")
THREE = (NETWORK, REGISTRY, CLUSTER)


def approve(_: ChangeSet | Recreate) -> bool:
    """Approve everything."""
    return True


def refuse(_: ChangeSet | Recreate) -> bool:
    """Approve nothing."""
    return False


def deploy(
    cloud: FakeCloud,
    stacks: Sequence[DesiredStack],
    *,
    jobs: int = 4,
    run_id: str = "run",
    **run: object,
) -> list[Event]:
    """Plan and execute, as `./inv deploy` does, and return all events."""
    deployed = [
        stack
        for region in dict.fromkeys(stack.region for stack in stacks)
        for stack in cloud.stacks(region)
    ]
    return list(
        execute.deploy(
            plan.plan(stacks, deployed),
            Run(
                **{  # type: ignore[arg-type]  # the values differ between tests
                    "id": run_id,
                    "watch": Watch(cloud, cloud.clock),
                    "approve": approve,
                    "stacks": LatestStacks(deployed),
                    "owner": OWNER,
                }
                | run
            ),
            jobs=jobs,
        )
    )


def all_deletions(
    cloud: FakeCloud, after: Mapping[str, tuple[str, ...]] | None = None
) -> list[Deletion]:
    """Return deletions of all stacks; *after* maps a stack to the stacks to delete before it."""
    return [
        Deletion(stack, after=(after or {}).get(stack.name, ()))
        for stack in cloud.deployed.values()
    ]


def outcomes(events: Sequence[Event]) -> dict[str, Outcome]:
    """Return the outcome of each stack."""
    return {event.stack: event.outcome for event in events if isinstance(event, Finished)}


def finished(events: Sequence[Event], stack: str) -> Finished:
    """Return the first event with an outcome of a stack."""
    return next(event for event in events if isinstance(event, Finished) and event.stack == stack)
