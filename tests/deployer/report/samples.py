"""A small run for tests of all reporters: one stack is created, one fails, one is skipped."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from deployer.aws.cloud import (
    STACK,
    ChangeSet,
    DeployedStack,
    PropertyChange,
    ResourceChange,
    StackEvent,
)
from deployer.data_loss import DataLoss
from deployer.errors import RolledBackError
from deployer.events import (
    ChangeSetCreated,
    Event,
    Finished,
    OperationStarted,
    Outcome,
    Progress,
    Started,
)
from deployer.model import Line
from deployer.plan import Blocked, Create, Keep, Orphan, Step, Update, Upload
from deployer.removal import Deletion
from deployer.report import Reporter, reporter
from tests.fakes import REGION, FakeClock, desired_stack

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def found(short_name: str, status: str = "CREATE_COMPLETE", **more: object) -> DeployedStack:
    name = f"crd-x-{short_name}"
    return DeployedStack(name=name, id=f"arn:stack/{name}", region=REGION, status=status, **more)


def change_set(short_name: str, *changes: ResourceChange) -> ChangeSet:
    stack = found(short_name)
    return ChangeSet(
        arn=f"arn:changeSet/{short_name}",
        name="deploy-1",
        stack=stack.name,
        stack_id=stack.id,
        region=REGION,
        status="CREATE_COMPLETE",
        execution="AVAILABLE",
        changes=changes,
    )


def added(logical_id: str, type_: str = "AWS::EC2::Subnet") -> ResourceChange:
    return ResourceChange("Add", logical_id, type_)


def changed(logical_id: str, *properties: PropertyChange, **more: str) -> ResourceChange:
    return ResourceChange("Modify", logical_id, "AWS::X::Y", properties=properties, **more)


def progress(short_name: str, logical_id: str, status: str, reason: str = "") -> Progress:
    stack = found(short_name)
    of_stack = logical_id == stack.name
    stack_event = StackEvent(
        id=f"{logical_id}-{status}",
        stack_id=stack.id,
        logical_id=logical_id,
        physical_id=stack.id if of_stack else f"id-of-{logical_id}",
        type=STACK if of_stack else "AWS::EC2::VPC",
        status=status,
        reason=reason,
        at=AT,
    )
    return Progress(stack.name, stack_event, None if of_stack else Line("stacks/network.py", 88))


STEPS: tuple[Step, ...] = (
    Create(desired_stack("network"), "not in the account yet"),
    Update(desired_stack("cluster"), found("cluster"), "template changed"),
    Keep(desired_stack("assets"), found("assets"), "unchanged"),
    Blocked(desired_stack("database"), found("database"), "UPDATE_FAILED", "roll it back"),
)
HINT = "to remove it: ./inv destroy --stack=crd-x-old --env=x"
ORPHANS = (Orphan(found("old"), "deployed, but no longer in layers()", HINT),)
DELETIONS = (
    Deletion(
        found("messages", is_protected=True),
        data_losses=(
            DataLoss("Table", "AWS::DynamoDB::Table", "is removed", "its data is deleted"),
            DataLoss(
                "Bucket", "AWS::S3::Bucket", "is removed", "it is retained, outside of any stack"
            ),
        ),
        confirmation_reason="is protected",
    ),
    Deletion(found("old"), is_orphan=True),
)
UPLOADS = (Upload(desired_stack("cluster"), "the template has 60,000 bytes"),)

NETWORK, CLUSTER = "crd-x-network", "crd-x-cluster"
WHY = "LoadBalancer (AWS::X::Y): no capacity left (defined at stacks/cluster.py:9)"
FAILURE = RolledBackError(
    f"{CLUSTER}: {WHY}\nthe stack is in UPDATE_ROLLBACK_COMPLETE",
    hint="fix it, then rerun ./inv deploy --stack=cluster",
)

CREATING: tuple[Event, ...] = (
    Started(NETWORK, "create", "not in the account yet"),
    ChangeSetCreated(NETWORK, change_set("network", added("Vpc"), added("Subnet1"))),
    OperationStarted(NETWORK, REGION, "create", f"arn:stack/{NETWORK}"),
    progress("network", NETWORK, "CREATE_IN_PROGRESS"),
    progress("network", "Vpc", "CREATE_IN_PROGRESS"),
    progress("network", "Vpc", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
    progress("network", "Vpc", "CREATE_COMPLETE"),
)
CREATED: tuple[Event, ...] = (
    progress("network", "Subnet1", "CREATE_COMPLETE"),
    progress("network", NETWORK, "CREATE_COMPLETE"),
    Finished(NETWORK, Outcome.CREATED),
)
FAILED: tuple[Event, ...] = (
    Started(CLUSTER, "update", "template changed"),
    ChangeSetCreated(
        CLUSTER,
        change_set(
            "cluster",
            changed("Service", PropertyChange("/Properties/DesiredCount", "1", "2")),
        ),
    ),
    OperationStarted(CLUSTER, REGION, "update", f"arn:stack/{CLUSTER}"),
    progress("cluster", "Service", "UPDATE_FAILED", "no capacity\nleft"),
    Finished(CLUSTER, Outcome.FAILED, FAILURE.message, error=FAILURE),
    Finished("crd-x-service", Outcome.SKIPPED, f"it depends on {CLUSTER}"),
)


def make_reporter(
    *, json: bool = False, live: bool | None = None, environ: Mapping[str, str] | None = None
) -> tuple[Reporter, io.StringIO, FakeClock]:
    """Return a reporter, its stream and its clock."""
    stream, clock = io.StringIO(), FakeClock()
    result = reporter(json=json, stream=stream, environ=environ or {}, live=live, now=clock.now)
    return result, stream, clock


def report_all(reporter_: Reporter, clock: FakeClock, events: Sequence[Event]) -> None:
    """Report every event, each two seconds after the one before."""
    for event in events:
        clock.sleep(2.0)
        reporter_.event(event)
