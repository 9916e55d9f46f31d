"""Stand-ins that remember what was asked: a clock one owns, an AWS account in memory."""

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
READING = {"identity", "stacks", "stack", "template", "resources", "change_set"}
READING |= {"events", "events_since", "parameter", "stored_object"}


def desired_stack(
    layer: str,
    *,
    needs: Collection[str] = (),
    region: str = REGION,
    version: int = 1,
    outputs: Mapping[str, str] | None = None,
    parameters: Mapping[str, OutputOf] | None = None,
    protect: bool = False,
    holds_data: bool = False,
) -> DesiredStack:
    """A stack of the environment x, whose template is what `FakeCloud` understands."""
    digest = f"{layer}-{version}"
    body = {"Outputs": {DIGEST: digest, **(outputs or {})}}
    return DesiredStack(
        short_name=layer,
        name=f"crd-x-{layer}",
        region=region,
        text=json.dumps(body),
        digest=digest,
        body=body,
        dependencies=tuple(f"crd-x-{need}" for need in needs),
        parameters=parameters or {},
        tags=OWNER.tags(f"crd-x-{layer}"),
        protect=protect,
        holds_data=holds_data,
    )


def with_template(stack: DesiredStack, text: str) -> DesiredStack:
    """Return *stack* with another template."""
    return replace(stack, text=text, body=load(text))


THING = ResourceChange("Modify", "Thing", "AWS::Fake::Thing")


@dataclass
class FakeClock:
    """Time passes only when somebody sleeps."""

    time: float = 0.0

    def now(self) -> float:
        """Seconds since the test began."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Be *seconds* later at once."""
        self.time += seconds


class Killed(BaseException):
    """The process ended here, as by kill -9: nothing of ours catches this."""


@dataclass
class Operation:
    """What runs on a stack, and when it is over."""

    ends: float
    finish: Callable[[], None]


@dataclass
class FakeCloud:
    """An account in memory, as strict as CloudFormation where the deployer could go wrong.

    Each operation takes the seconds in *seconds* (8 where nothing is said), a change set 3.
    *fails* maps stack names to the logical id that cannot be made, *used* to what is said where
    an export is still imported. *kill_at* ends the process before that call, counted from 1.

    Nested stacks are put there by the test: *templates* and *listed* say by a stack's name or id
    what its template and its resources are, *changes* by its name what a change set does to it,
    and *nested_sets* has by their ARNs the change sets in that.
    """

    clock: FakeClock
    seconds: dict[str, float] = field(default_factory=dict)
    fails: dict[str, str] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)
    kill_at: int = 0
    calls: list[tuple[str, str]] = field(default_factory=list)
    found: dict[tuple[str, str], DeployedStack] = field(default_factory=dict)
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
    _ids: count[int] = field(default_factory=lambda: count(1))

    @property
    def written(self) -> list[tuple[str, str]]:
        """The calls that were meant to change something."""
        return [call for call in self.calls if call[0] not in READING]

    def identity(self) -> Identity:
        """See `Cloud`."""
        self._call("identity", "")
        return Identity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/engineer")

    def stacks(self, region: str) -> tuple[DeployedStack, ...]:
        """See `Cloud`."""
        self._call("stacks", region)
        return tuple(stack for (where, _), stack in self.found.items() if where == region)

    def stack(self, region: str, name: str) -> DeployedStack | None:
        """See `Cloud`."""
        self._call("stack", name)
        by_id = {stack.id: stack for stack in self.found.values()}
        found = self.found.get((region, name)) or by_id.get(name) or self.deleted.get(name)
        if found and found.status == "REVIEW_IN_PROGRESS" and not found.tags:
            return replace(found, tags=self._proposed_tags(found))
        return found

    def template(self, region: str, name: str) -> str:
        """See `Cloud`."""
        self._call("template", name)
        if name in self.templates:
            return self.templates[name]
        stacks = [each for each in self.found.values() if each.region == region]
        found = next(each for each in stacks if name in {each.name, each.id})
        return json.dumps({"Outputs": dict(found.outputs)})

    def resources(self, region: str, stack_id: str) -> tuple[StackResource, ...]:
        """See `Cloud`."""
        self._call("resources", stack_id)
        return self.listed.get(stack_id, ())

    def create_change_set(self, proposal: ChangeSetRequest) -> str:
        """See `Cloud`."""
        self._call("create_change_set", proposal.stack)
        found = self.found.get((proposal.region, proposal.stack))
        if proposal.stack_id and (found is None or found.id != proposal.stack_id):
            raise CloudError(f"Stack [{proposal.stack_id}] does not exist")
        if proposal.kind == "CREATE":
            if found and found.status != "REVIEW_IN_PROGRESS":
                raise CloudError(f"Stack [{proposal.stack}] already exists")
            found = found or self._new(proposal)
        if found is None or (proposal.kind == "UPDATE" and not found.is_complete):
            raise CloudError(f"Stack:{proposal.stack} can not be updated")
        arn = f"arn:change-set/{proposal.name}/{next(self._ids)}"
        self.change_sets[arn] = (proposal, found, self.clock.now() + 3)
        return arn

    def change_set(self, region: str, arn: str) -> ChangeSet:
        """See `Cloud`."""
        self._call("change_set", arn)
        if arn in self.nested_sets:
            return self.nested_sets[arn]
        proposal, found, ready = self.change_sets[arn]
        status = "CREATE_COMPLETE" if self.clock.now() >= ready else "CREATE_IN_PROGRESS"
        reason = ""
        if status == "CREATE_COMPLETE" and self._wanted(proposal, found) == found:
            status, reason = "FAILED", "The submitted information didn't contain changes. Submit"
        return ChangeSet(
            arn=arn,
            name=proposal.name,
            stack=proposal.stack,
            stack_id=found.id,
            region=region,
            status=status,
            execution="AVAILABLE" if status == "CREATE_COMPLETE" else "UNAVAILABLE",
            reason=reason,
            changes=self.changes.get(proposal.stack, (THING,)),
        )

    def execute_change_set(self, region: str, arn: str, token: str) -> None:
        """See `Cloud`."""
        self._call("execute_change_set", arn)
        proposal, found, ready = self.change_sets.pop(arn)
        if self.clock.now() < ready or found.id in self.operations:
            raise CloudError(f"ChangeSet [{arn}] cannot be executed in its current status")
        self.executed.append(f"{proposal.stack} {token}")
        now = replace(self.found[region, proposal.stack], status=f"{proposal.kind}_IN_PROGRESS")
        if proposal.kind == "CREATE":  # From now on it has tags, even if that fails.
            now, found = replace(now, tags=proposal.tags), replace(found, tags=proposal.tags)
        self.put(now)
        self.tell(now, now.name, STACK, now.status)
        self._begin(now, lambda: self._finish(proposal, now, found))

    def delete_change_set(self, region: str, arn: str) -> None:
        """See `Cloud`."""
        self._call("delete_change_set", arn)
        del self.change_sets[arn]

    def events(self, region: str, stack_id: str, after: str = "") -> tuple[StackEvent, ...]:
        """See `Cloud`."""
        self._call("events", stack_id)
        history = self.history[stack_id]
        ids = [event.id for event in history]
        return tuple(history[ids.index(after) + 1 :] if after else history)

    def events_since(self, region: str, stack_id: str, at: datetime) -> tuple[StackEvent, ...]:
        """See `Cloud`."""
        self._call("events_since", stack_id)
        if stack_id not in self.history:
            raise CloudError(f"{stack_id}: not authorized")
        return tuple(event for event in self.history[stack_id] if event.at >= at)

    def delete_stack(self, region: str, stack_id: str, token: str) -> None:
        """See `Cloud`."""
        self._call("delete_stack", stack_id)
        stack = next(stack for stack in self.found.values() if stack.id == stack_id)
        if stack.is_protected:
            raise CloudError(f"Stack [{stack.name}] cannot be deleted: TerminationProtection")
        now = replace(stack, status="DELETE_IN_PROGRESS")
        self.tell(now, now.name, STACK, now.status)
        if used := self.used.get(stack.name):  # Accepted, then canceled: the stack stays.
            self.tell(stack, stack.name, STACK, stack.status, used)
            return
        self.put(now)
        self._begin(now, lambda: self.gone(now))

    def set_termination_protection(self, region: str, stack_id: str, *, enabled: bool) -> None:
        """See `Cloud`."""
        self._call("set_termination_protection", stack_id)
        stack = next(stack for stack in self.found.values() if stack.id == stack_id)
        self.put(replace(stack, is_protected=enabled))

    def parameter(self, region: str, name: str) -> str | None:
        """See `Cloud`."""
        self._call("parameter", name)
        return self.parameters.get(name)

    def stored_object(self, region: str, bucket: str, key: str) -> StoredObject | None:
        """See `Cloud`."""
        self._call("stored_object", key)
        return self._object(region, bucket, key)

    def upload(
        self, region: str, bucket: str, key: str, body: bytes, *, replace: bool = True
    ) -> StoredObject:
        """See `Cloud`."""
        self._call("upload", key)
        if not replace and f"{bucket}/{key}" in self.uploads:
            raise CloudError(f"s3://{bucket}/{key}: the object exists")
        self.put_object(f"{bucket}/{key}", body)
        put = self._object(region, bucket, key)
        assert put
        return put

    def put_object(self, place: str, body: bytes, *, checksum: bool = True) -> None:
        """Write an object as another role; *place* is bucket and key."""
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

    def settle(self) -> None:
        """Let everything that runs come to its end."""
        while self.operations:
            self.clock.sleep(1)
            self._catch_up()

    def _proposed_tags(self, stack: DeployedStack) -> dict[str, str]:
        proposed = [
            {*proposal.tags.items()}
            for proposal, found, _ in self.change_sets.values()
            if found.id == stack.id
        ]
        return dict(set.intersection(*proposed)) if proposed else {}

    def _call(self, name: str, about: str) -> None:
        self._catch_up()
        self.calls.append((name, about))
        if len(self.calls) == self.kill_at:
            raise Killed

    def _catch_up(self) -> None:
        for stack_id, operation in list(self.operations.items()):
            if self.clock.now() >= operation.ends:
                del self.operations[stack_id]
                operation.finish()

    def _new(self, proposal: ChangeSetRequest) -> DeployedStack:
        stack_id = f"arn:stack/{proposal.stack}/{next(self._ids)}"
        stack = DeployedStack(proposal.stack, stack_id, proposal.region, "REVIEW_IN_PROGRESS")
        self.put(stack)
        self.history[stack_id] = []
        self.tell(stack, stack.name, STACK, stack.status)
        return stack

    def _begin(self, stack: DeployedStack, finish: Callable[[], None]) -> None:
        ends = self.clock.now() + self.seconds.get(stack.name, 8)
        self.operations[stack.id] = Operation(ends, finish)

    def _finish(
        self, proposal: ChangeSetRequest, now: DeployedStack, before: DeployedStack
    ) -> None:
        if used := self.used.get(proposal.stack):
            undone = "UPDATE_ROLLBACK_COMPLETE"
            self.tell(now, now.name, STACK, "UPDATE_ROLLBACK_IN_PROGRESS", used)
            done = replace(before, status=undone)
        elif logical_id := self.fails.get(proposal.stack):
            self.tell(now, logical_id, "AWS::Fake::Thing", f"{proposal.kind}_FAILED", "no room")
            self.tell(now, "Later", "AWS::Fake::Thing", f"{proposal.kind}_FAILED", "cancelled")
            undone = (
                "ROLLBACK_COMPLETE" if proposal.kind == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
            )
            done = replace(before, status=undone)
        else:
            done = replace(self._wanted(proposal, now), status=f"{proposal.kind}_COMPLETE")
        self.put(done)
        self.tell(done, done.name, STACK, done.status)

    def _wanted(self, proposal: ChangeSetRequest, stack: DeployedStack) -> DeployedStack:
        outputs = json.loads(proposal.text)["Outputs"]
        return replace(
            stack, outputs=outputs, tags=proposal.tags, parameters=dict(proposal.parameters)
        )

    def gone(self, stack: DeployedStack) -> None:
        """The end of a deletion."""
        del self.found[stack.region, stack.name]
        self.deleted[stack.id] = replace(stack, status="DELETE_COMPLETE")
        self.tell(stack, stack.name, STACK, "DELETE_COMPLETE")

    def put(self, stack: DeployedStack) -> None:
        """Have the account hold *stack*."""
        self.found[stack.region, stack.name] = stack

    def tell(
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
