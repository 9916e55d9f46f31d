"""Fakes for tests: a clock that the test controls, and an AWS account in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count

from deployer.aws.cloud import (
    STACK,
    ChangeSet,
    ChangeSetRequest,
    ChangeSetSummary,
    DeployedStack,
    Identity,
    ResourceChange,
    StackEvent,
    StackResource,
    StoredObject,
)
from deployer.errors import CloudError
from deployer.model import OutputOf
from deployer.model.desired import DIGEST, DesiredStack
from deployer.ownership import Owner
from deployer.template_yaml import load

REGION, ACCOUNT = "ca-central-1", "000000000000"
OWNER = Owner("cruddur", "x", "crd-x-")
READS = {"identity", "stacks", "stack", "template", "resources", "change_set"}
READS |= {
    "recent_events",
    "stack_change_sets",
    "validation_findings",
    "events",
    "events_since",
    "parameter",
    "stored_object",
}


def desired_stack(
    name: str,
    *,
    needs: Collection[str] = (),
    region: str = REGION,
    version: int = 1,
    outputs: Mapping[str, str] | None = None,
    parameters: Mapping[str, OutputOf] | None = None,
    protect: bool = False,
    holds_data: bool = False,
) -> DesiredStack:
    """Return a stack of the environment x, with a template that `FakeCloud` can read."""
    digest = f"{name}-{version}"
    values = {DIGEST: digest, **(outputs or {})}
    body = {"Outputs": {name: {"Value": value} for name, value in values.items()}}
    return DesiredStack(
        short_name=name,
        name=f"crd-x-{name}",
        region=region,
        text=json.dumps(body),
        digest=digest,
        body=body,
        dependencies=tuple(f"crd-x-{need}" for need in needs),
        parameters=parameters or {},
        tags=OWNER.tags(f"crd-x-{name}"),
        protect=protect,
        holds_data=holds_data,
    )


def with_template(stack: DesiredStack, text: str) -> DesiredStack:
    """Return *stack* with another template."""
    return replace(stack, text=text, body=load(text))


CHANGED_RESOURCE = ResourceChange("Modify", "Thing", "AWS::Fake::Thing")


@dataclass
class FakeClock:
    """A clock whose time passes only in `sleep`."""

    time: float = 0.0

    def now(self) -> float:
        """Return the seconds since the test started."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Advance the time by *seconds*."""
        self.time += seconds


class Killed(BaseException):
    """The end of the process, as by SIGKILL: the deployer does not catch this exception."""


@dataclass
class Operation:
    """A running operation on a stack, and the time of its end."""

    ends: float
    finish: Callable[[], None]


@dataclass
class FakeCloud:
    """An account in memory that refuses what CloudFormation refuses.

    *seconds* maps stack names to the duration of an operation, 8 by default; a change set takes 3.
    *fails* maps stack names to the logical id of a resource that cannot be created. *exports_in_use*
    maps stack names to the reason that AWS reports if an export is still imported. The process ends
    before the call with the number *kill_at*, counted from 1.

    For nested stacks, *templates* and *listed* map names or ids of stacks to their templates and
    resources, *changes* maps names to the changes of a change set, and *nested_sets* maps ARNs to
    the change sets of nested stacks. *findings* maps names to the findings of validation.

    *uploads* maps BUCKET/KEY to the content of an object, *versions* to its version; objects in
    *without_checksum* have no SHA-256. *change_sets* maps ARNs to the request, the stack before the
    change, and the time at which the change set is complete.
    """

    clock: FakeClock
    seconds: dict[str, float] = field(default_factory=dict)
    fails: dict[str, str] = field(default_factory=dict)
    exports_in_use: dict[str, str] = field(default_factory=dict)
    kill_at: int = 0
    calls: list[tuple[str, str]] = field(default_factory=list)
    deployed: dict[tuple[str, str], DeployedStack] = field(default_factory=dict)
    deleted: dict[str, DeployedStack] = field(default_factory=dict)
    history: dict[str, list[StackEvent]] = field(default_factory=dict)
    change_sets: dict[str, tuple[ChangeSetRequest, DeployedStack, float]] = field(
        default_factory=dict
    )
    operations: dict[str, Operation] = field(default_factory=dict)
    executed: list[str] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    without_checksum: set[str] = field(default_factory=set)
    parameters: dict[str, str] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)
    listed: dict[str, tuple[StackResource, ...]] = field(default_factory=dict)
    changes: dict[str, tuple[ResourceChange, ...]] = field(default_factory=dict)
    nested_sets: dict[str, ChangeSet] = field(default_factory=dict)
    findings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _ids: count[int] = field(default_factory=lambda: count(1))

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The calls that change something in the account."""
        return [call for call in self.calls if call[0] not in READS]

    def identity(self) -> Identity:
        self._call("identity", "")
        return Identity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/engineer")

    def stacks(self, region: str) -> tuple[DeployedStack, ...]:
        self._call("stacks", region)
        return tuple(stack for stack in self.deployed.values() if stack.region == region)

    def stack(self, region: str, name: str) -> DeployedStack | None:
        self._call("stack", name)
        by_id = {stack.id: stack for stack in self.deployed.values()}
        found = self.deployed.get((region, name)) or by_id.get(name) or self.deleted.get(name)
        if found and found.status == "REVIEW_IN_PROGRESS" and not found.tags:
            return replace(found, tags=self._common_tags(found))
        return found

    def template(self, region: str, name: str) -> str:
        self._call("template", name)
        if name in self.templates:
            return self.templates[name]
        stacks = [stack for stack in self.deployed.values() if stack.region == region]
        found = next(stack for stack in stacks if name in {stack.name, stack.id})
        outputs = {name: {"Value": value} for name, value in found.outputs.items()}
        return json.dumps({"Outputs": outputs})

    def resources(self, region: str, stack_id: str) -> tuple[StackResource, ...]:
        self._call("resources", stack_id)
        return self.listed.get(stack_id, ())

    def create_change_set(self, request: ChangeSetRequest) -> str:
        self._call("create_change_set", request.stack)
        found = self.deployed.get((request.region, request.stack))
        if request.stack_id and (found is None or found.id != request.stack_id):
            raise CloudError(f"Stack [{request.stack_id}] does not exist")
        if request.kind == "CREATE":
            if found and found.status != "REVIEW_IN_PROGRESS":
                raise CloudError(f"Stack [{request.stack}] already exists")
            found = found or self._new(request)
        if found is None or (request.kind == "UPDATE" and not found.is_complete):
            raise CloudError(f"Stack:{request.stack} can not be updated")
        prefix = f"arn:aws:cloudformation:{request.region}:{ACCOUNT}:changeSet"
        arn = f"{prefix}/{request.name}/{next(self._ids)}"
        self.change_sets[arn] = (request, found, self.clock.now() + 3)
        return arn

    def change_set(self, region: str, arn: str) -> ChangeSet:
        self._call("change_set", arn)
        if arn in self.nested_sets:
            return self.nested_sets[arn]
        if arn not in self.change_sets:
            raise CloudError(f"ChangeSet [{arn}] does not exist", aws_code="ChangeSetNotFound")
        request, found, ready = self.change_sets[arn]
        status = "CREATE_COMPLETE" if self.clock.now() >= ready else "CREATE_IN_PROGRESS"
        reason = ""
        if status == "CREATE_COMPLETE" and self._after_change(request, found) == found:
            status, reason = "FAILED", "The submitted information didn't contain changes. Submit"
        return ChangeSet(
            arn=arn,
            name=request.name,
            stack=request.stack,
            stack_id=found.id,
            region=region,
            status=status,
            execution="AVAILABLE" if status == "CREATE_COMPLETE" else "UNAVAILABLE",
            reason=reason,
            changes=self.changes.get(request.stack, (CHANGED_RESOURCE,)),
        )

    def stack_change_sets(self, region: str, stack_id: str) -> tuple[ChangeSetSummary, ...]:
        self._call("stack_change_sets", stack_id)
        return tuple(
            ChangeSetSummary(
                arn, request.name, found.name, found.id, region, self.clock.now() >= ready
            )
            for arn, (request, found, ready) in self.change_sets.items()
            if found.id == stack_id
        )

    def validation_findings(self, region: str, arn: str) -> tuple[str, ...]:
        self._call("validation_findings", arn)
        request, _, _ = self.change_sets[arn]
        return self.findings.get(request.stack, ())

    def execute_change_set(self, region: str, arn: str, token: str) -> None:
        self._call("execute_change_set", arn)
        request, found, ready = self.change_sets.pop(arn)
        if self.clock.now() < ready or found.id in self.operations:
            raise CloudError(f"ChangeSet [{arn}] cannot be executed in its current status")
        self.executed.append(f"{request.stack} {token}")
        stack = replace(self.deployed[region, request.stack], status=f"{request.kind}_IN_PROGRESS")
        if request.kind == "CREATE":  # The stack has tags from now on, even if its creation fails.
            stack, found = replace(stack, tags=request.tags), replace(found, tags=request.tags)
        self.put(stack)
        self.add_event(stack, stack.name, STACK, stack.status)
        self._begin(stack, lambda: self._finish(request, stack, found))

    def delete_change_set(self, region: str, arn: str) -> None:
        self._call("delete_change_set", arn)
        if self.clock.now() < self.change_sets[arn][2]:
            raise CloudError(f"ChangeSet [{arn}] cannot be deleted in status CREATE_IN_PROGRESS")
        del self.change_sets[arn]

    def events(
        self, region: str, stack_id: str, after: str | None = None
    ) -> tuple[StackEvent, ...]:
        self._call("events", stack_id)
        history = self.history[stack_id]
        ids = [event.id for event in history]
        return tuple(history[ids.index(after) + 1 :] if after else history)

    def recent_events(self, region: str, stack_id: str, limit: int) -> tuple[StackEvent, ...]:
        self._call("recent_events", stack_id)
        return tuple(self.history[stack_id][-limit:])

    def events_since(self, region: str, stack_id: str, at: datetime) -> tuple[StackEvent, ...]:
        self._call("events_since", stack_id)
        if stack_id not in self.history:
            raise CloudError(f"{stack_id}: not authorized")
        return tuple(event for event in self.history[stack_id] if event.at >= at)

    def delete_stack(self, region: str, stack_id: str, token: str) -> None:
        self._call("delete_stack", stack_id)
        stack = next(stack for stack in self.deployed.values() if stack.id == stack_id)
        if stack.is_protected:
            raise CloudError(f"Stack [{stack.name}] cannot be deleted: TerminationProtection")
        deleting = replace(stack, status="DELETE_IN_PROGRESS")
        self.add_event(deleting, deleting.name, STACK, deleting.status)
        if reason := self.exports_in_use.get(stack.name):
            # CloudFormation accepts the deletion, then cancels it.
            self.add_event(stack, stack.name, STACK, stack.status, reason)
            return
        self.put(deleting)
        self._begin(deleting, lambda: self.finish_deletion(deleting))

    def cancel_update_stack(self, region: str, stack_id: str, token: str) -> None:
        self._call("cancel_update_stack", stack_id)
        self._roll_back(stack_id, "UPDATE_IN_PROGRESS", "CancelUpdateStack")

    def rollback_stack(self, region: str, stack_id: str, token: str) -> None:
        self._call("rollback_stack", stack_id)
        self._roll_back(stack_id, "UPDATE_FAILED", "RollbackStack")

    def continue_update_rollback(self, region: str, stack_id: str, token: str) -> None:
        self._call("continue_update_rollback", stack_id)
        self._roll_back(stack_id, "UPDATE_ROLLBACK_FAILED", "ContinueUpdateRollback")

    def _roll_back(self, stack_id: str, status: str, action: str) -> None:
        """Begin a rollback; it fails if *fails* has the stack."""
        stack = next(stack for stack in self.deployed.values() if stack.id == stack_id)
        if stack.status != status:
            message = f"{action} cannot be called from current stack status"
            raise CloudError(message, aws_code="ValidationError")
        rolling_back = replace(stack, status="UPDATE_ROLLBACK_IN_PROGRESS")
        self.put(rolling_back)
        self.add_event(rolling_back, stack.name, STACK, rolling_back.status, "User Initiated")
        self._begin(rolling_back, lambda: self._finish_rollback(rolling_back))

    def _finish_rollback(self, stack: DeployedStack) -> None:
        status = "UPDATE_ROLLBACK_COMPLETE"
        if logical_id := self.fails.get(stack.name):
            status = "UPDATE_ROLLBACK_FAILED"
            self.add_event(stack, logical_id, "AWS::Fake::Thing", "UPDATE_FAILED", "still in use")
        done = replace(stack, status=status)
        self.put(done)
        self.add_event(done, done.name, STACK, done.status)

    def set_termination_protection(self, region: str, stack_id: str, *, enabled: bool) -> None:
        self._call("set_termination_protection", stack_id)
        stack = next(stack for stack in self.deployed.values() if stack.id == stack_id)
        self.put(replace(stack, is_protected=enabled))

    def parameter(self, region: str, name: str) -> str | None:
        self._call("parameter", name)
        return self.parameters.get(name)

    def stored_object(self, region: str, bucket: str, key: str) -> StoredObject | None:
        self._call("stored_object", key)
        return self._object(region, bucket, key)

    def upload(
        self, region: str, bucket: str, key: str, body: bytes, *, replace: bool = True
    ) -> StoredObject:
        self._call("upload", key)
        if not replace and f"{bucket}/{key}" in self.uploads:
            raise CloudError(f"s3://{bucket}/{key}: the object exists")
        self.put_object(f"{bucket}/{key}", body)
        stored = self._object(region, bucket, key)
        assert stored
        return stored

    def put_object(self, place: str, body: bytes, *, checksum: bool = True) -> None:
        """Write an object as another role would; *place* is BUCKET/KEY."""
        self.uploads[place] = body
        self.versions[place] = f"version-{next(self._ids)}"
        (self.without_checksum.discard if checksum else self.without_checksum.add)(place)

    def _object(self, region: str, bucket: str, key: str) -> StoredObject | None:
        place = f"{bucket}/{key}"
        if place not in self.uploads:
            return None
        known = place not in self.without_checksum
        sha256 = hashlib.sha256(self.uploads[place]).hexdigest() if known else ""
        return StoredObject(region, bucket, key, sha256, self.versions.get(place, ""))

    def finish_operations(self) -> None:
        """Wait until all operations have ended."""
        while self.operations:
            self.clock.sleep(1)
            self._catch_up()

    def _common_tags(self, stack: DeployedStack) -> dict[str, str]:
        tags = [
            {*request.tags.items()}
            for request, found, _ in self.change_sets.values()
            if found.id == stack.id
        ]
        return dict(set.intersection(*tags)) if tags else {}

    def _call(self, name: str, argument: str) -> None:
        self._catch_up()
        self.calls.append((name, argument))
        if len(self.calls) == self.kill_at:
            raise Killed

    def _catch_up(self) -> None:
        for stack_id, operation in list(self.operations.items()):
            if self.clock.now() >= operation.ends:
                del self.operations[stack_id]
                operation.finish()

    def _new(self, request: ChangeSetRequest) -> DeployedStack:
        stack_id = f"arn:stack/{request.stack}/{next(self._ids)}"
        stack = DeployedStack(request.stack, stack_id, request.region, "REVIEW_IN_PROGRESS")
        self.put(stack)
        self.history[stack_id] = []
        self.add_event(stack, stack.name, STACK, stack.status)
        return stack

    def _begin(self, stack: DeployedStack, finish: Callable[[], None]) -> None:
        ends = self.clock.now() + self.seconds.get(stack.name, 8)
        self.operations[stack.id] = Operation(ends, finish)

    def _finish(
        self, request: ChangeSetRequest, stack: DeployedStack, before: DeployedStack
    ) -> None:
        if reason := self.exports_in_use.get(request.stack):
            rolled_back = "UPDATE_ROLLBACK_COMPLETE"
            self.add_event(stack, stack.name, STACK, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
            done = replace(before, status=rolled_back)
        elif logical_id := self.fails.get(request.stack):
            self.add_event(
                stack, logical_id, "AWS::Fake::Thing", f"{request.kind}_FAILED", "no room"
            )
            self.add_event(
                stack, "Later", "AWS::Fake::Thing", f"{request.kind}_FAILED", "cancelled"
            )
            rolled_back = (
                "ROLLBACK_COMPLETE" if request.kind == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
            )
            done = replace(before, status=rolled_back)
        else:
            done = replace(self._after_change(request, stack), status=f"{request.kind}_COMPLETE")
        self.put(done)
        self.add_event(done, done.name, STACK, done.status)

    def _after_change(self, request: ChangeSetRequest, stack: DeployedStack) -> DeployedStack:
        outputs = {
            name: output["Value"] for name, output in json.loads(request.text)["Outputs"].items()
        }
        return replace(
            stack, outputs=outputs, tags=request.tags, parameters=dict(request.parameters)
        )

    def finish_deletion(self, stack: DeployedStack) -> None:
        """End a deletion."""
        del self.deployed[stack.region, stack.name]
        self.deleted[stack.id] = replace(stack, status="DELETE_COMPLETE")
        self.add_event(stack, stack.name, STACK, "DELETE_COMPLETE")

    def put(self, stack: DeployedStack) -> None:
        """Add or replace a stack."""
        self.deployed[stack.region, stack.name] = stack

    def add_event(
        self, stack: DeployedStack, name: str, type_: str, status: str, reason: str = ""
    ) -> None:
        """Add to the events of *stack*."""
        self.history[stack.id].append(
            StackEvent(
                id=f"event-{next(self._ids)}",
                stack_id=stack.id,
                logical_id=name,
                physical_id=stack.id if type_ == STACK else f"{name}-physical",
                type=type_,
                status=status,
                reason=reason,
                at=datetime.fromtimestamp(self.clock.now(), UTC),
            )
        )
