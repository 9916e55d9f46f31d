"""The values and calls that the deployer needs from AWS, independent of botocore.

`deployer.aws.account` implements `Cloud` with botocore, `tests.fakes` with an account in memory.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol
from urllib.parse import quote

STACK = "AWS::CloudFormation::Stack"
COMPLETE = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    }
)
NEVER_COMPLETED = frozenset({"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"})
_CANCELLED = re.compile(r"Resource (creation|update|deletion) (was )?cancell?ed", re.IGNORECASE)
_NESTED_FAILED = re.compile(r"Embedded stack (arn:\S+) was not successfully")


@dataclass(frozen=True)
class Identity:
    """The account and the user or role that credentials belong to."""

    account: str
    arn: str


@dataclass(frozen=True)
class DeployedStack:
    """A stack as DescribeStacks returns it.

    *updated_at* is the time of its last update; without one, of its creation. *role* is the ARN of
    the service role that CloudFormation uses for every operation on the stack, or "".
    """

    name: str
    id: str
    region: str
    status: str
    reason: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    is_protected: bool = False
    is_nested: bool = False
    updated_at: datetime | None = None
    role: str = ""

    @property
    def is_busy(self) -> bool:
        """Whether an operation is running; in REVIEW_IN_PROGRESS none is."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def is_complete(self) -> bool:
        """Whether the stack is in service, even if its last operation was rolled back."""
        return self.status in COMPLETE

    @property
    def never_completed(self) -> bool:
        """Whether the creation failed, so that the stack can only be deleted, not updated."""
        return self.status in NEVER_COMPLETED


@dataclass(frozen=True)
class ResourceToImport:
    """An existing resource that a change set of the kind IMPORT adds to a stack."""

    type: str
    logical_id: str
    identifier: Mapping[str, str]


@dataclass(frozen=True)
class ChangeSetRequest:
    """The parameters of a new change set.

    *url* replaces *text* if the template is too long for the request. *stack_id* is the id of the
    stack to update, so that a newer stack of the same name is not updated. *role* is the service
    role with which CloudFormation makes its calls; without one it uses the permissions of the
    caller. With *include_nested*, each nested stack gets a change set, too. *imports* are the resources
    that a change set of the kind IMPORT adds.
    """

    name: str
    stack: str
    region: str
    kind: Literal["CREATE", "UPDATE", "IMPORT"]
    text: str
    url: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    role: str = ""
    stack_id: str = ""
    include_nested: bool = False
    imports: tuple[ResourceToImport, ...] = ()


@dataclass(frozen=True)
class StoredObject:
    """An S3 object as HeadObject describes it.

    *sha256* is the checksum of the content that S3 stores, in hex; empty if there is none.
    *version* is empty in a bucket without versioning.
    """

    region: str
    bucket: str
    key: str
    sha256: str = ""
    version: str = ""

    @property
    def url(self) -> str:
        """The URL of the object, without a version."""
        return f"https://{self.bucket}.s3.{self.region}.amazonaws.com/{self.key}"

    @property
    def version_url(self) -> str:
        """The URL of this version of the object."""
        return f"{self.url}?versionId={quote(self.version)}" if self.version else self.url


@dataclass(frozen=True)
class PropertyChange:
    """The change of one property of a resource.

    *recreation* says whether the change replaces the resource: Never, Conditionally or Always.
    """

    path: str
    before: str | None
    after: str | None
    recreation: str = "Never"
    cause: str = ""


@dataclass(frozen=True)
class ResourceChange:
    """The change of one resource in a change set.

    *change_set* is the ARN of the change set of a nested stack, *nested* the changes in it.
    """

    action: str
    logical_id: str
    type: str
    physical_id: str = ""
    replacement: str = ""
    policy: str = ""
    properties: tuple[PropertyChange, ...] = ()
    change_set: str = ""
    nested: tuple[ResourceChange, ...] = ()

    @property
    def replaces(self) -> bool:
        """Whether the resource is or may be replaced: AWS cannot always determine it."""
        return self.replacement in {"True", "Conditional"}


@dataclass(frozen=True)
class ChangeSet:
    """A change set with all its changes."""

    arn: str
    name: str
    stack: str
    stack_id: str
    region: str
    status: str
    execution: str
    reason: str = ""
    changes: tuple[ResourceChange, ...] = ()

    @property
    def is_pending(self) -> bool:
        """Whether CloudFormation still creates the change set."""
        return self.status in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}

    @property
    def is_empty(self) -> bool:
        """Whether it failed only because nothing changes, for which AWS has two messages."""
        return self.status == "FAILED" and self.reason.startswith(
            ("The submitted information didn't contain changes", "No updates are to be performed")
        )


@dataclass(frozen=True)
class ChangeSetSummary:
    """A change set as ListChangeSets returns it. It can be executed if it *is_available*."""

    arn: str
    name: str
    stack: str
    stack_id: str
    region: str
    is_available: bool


@dataclass(frozen=True)
class DriftDetection:
    """The state of a drift detection; *reason* is why it failed, or empty."""

    is_running: bool
    has_failed: bool = False
    reason: str = ""


@dataclass(frozen=True)
class PropertyDrift:
    """A property whose actual value is not that of the template; a value that is absent is None.

    *path* is a JSON pointer below Properties, such as /Tags/0/Value.
    """

    path: str
    expected: str | None
    actual: str | None


@dataclass(frozen=True)
class ResourceDrift:
    """A resource that was changed, or deleted, outside of CloudFormation."""

    logical_id: str
    type: str
    physical_id: str = ""
    is_deleted: bool = False
    properties: tuple[PropertyDrift, ...] = ()


@dataclass(frozen=True)
class StackResource:
    """A resource as ListStackResources returns it."""

    logical_id: str
    physical_id: str
    type: str
    status: str


@dataclass(frozen=True)
class StackEvent:
    """An event of a stack or of a resource in it."""

    id: str
    stack_id: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str
    at: datetime

    @property
    def failed(self) -> bool:
        """Whether the event reports a failure."""
        return self.status.endswith("_FAILED")

    @property
    def cancelled(self) -> bool:
        """Whether the operation was cancelled only because another resource failed."""
        return self.failed and _CANCELLED.match(self.reason) is not None

    @property
    def nested_stack(self) -> str:
        """The id of the nested stack that is this resource; empty for other resources.

        If the event has no physical id, the id is taken from the reason of the failure.
        """
        if self.type != STACK or self.of_stack:
            return ""
        if self.physical_id.startswith("arn:"):
            return self.physical_id
        match = _NESTED_FAILED.search(self.reason)
        return match[1] if match else ""

    @property
    def of_stack(self) -> bool:
        """Whether the event is about the stack itself, not about a resource in it."""
        return self.type == STACK and self.physical_id == self.stack_id


class Cloud(Protocol):
    """One AWS account. Each call may raise CloudError, or UnreachableError without a response."""

    def identity(self) -> Identity:
        """Return the account and the user or role of the credentials."""

    def stacks(self, region: str) -> tuple[DeployedStack, ...]:
        """Return every stack of *region* that is not deleted, including nested ones."""

    def stack(self, region: str, name: str) -> DeployedStack | None:
        """Return a stack by name or id, or a deleted one by its id; None if there is none.

        AWS adds the tags to a stack when it is created. Until then the result has the tags that
        all of its change sets have in common.
        """

    def template(self, region: str, name: str) -> str:
        """Return the template of a stack as it was sent; for a deleted stack, *name* is its id."""

    def resources(self, region: str, stack_id: str) -> tuple[StackResource, ...]:
        """Return every resource of a stack."""

    def create_change_set(self, request: ChangeSetRequest) -> str:
        """Start to create a change set and return its ARN; poll `change_set` until it is created."""

    def change_set(self, region: str, arn: str) -> ChangeSet:
        """Return a change set with its changes, but without the changes in nested stacks."""

    def stack_change_sets(self, region: str, stack_id: str) -> tuple[ChangeSetSummary, ...]:
        """Return all change sets of a stack that were not deleted."""

    def validation_findings(self, region: str, arn: str) -> tuple[str, ...]:
        """Return the findings of CloudFormation's validation of a change set, also warnings."""

    def detect_drift(self, region: str, stack_id: str) -> str:
        """Start to detect the drift of a stack without nested stacks, and return the detection's id."""

    def drift_detection(self, region: str, detection_id: str) -> DriftDetection:
        """Return the state of a drift detection."""

    def resource_drifts(self, region: str, stack_id: str) -> tuple[ResourceDrift, ...]:
        """Return the resources of a stack that the last detection found changed or deleted."""

    def execute_change_set(self, region: str, arn: str, token: str) -> None:
        """Execute a change set; a repeated call with the same *token* has no effect."""

    def delete_change_set(self, region: str, arn: str) -> None:
        """Delete a change set that will not be executed."""

    def events(
        self, region: str, stack_id: str, after: str | None = None
    ) -> tuple[StackEvent, ...]:
        """Return the events after the one with the id *after*, oldest first.

        If *after* is "", return all events; if it is None, the newest page.
        """

    def recent_events(self, region: str, stack_id: str, limit: int) -> tuple[StackEvent, ...]:
        """Return at least the newest *limit* events if there are as many, oldest first."""

    def events_since(self, region: str, stack_id: str, at: datetime) -> tuple[StackEvent, ...]:
        """Return the events that are not older than *at*, oldest first."""

    def delete_stack(self, region: str, stack_id: str, token: str) -> None:
        """Start to delete a stack; a repeated call with the same *token* has no effect."""

    def cancel_update_stack(self, region: str, stack_id: str, token: str) -> None:
        """Cancel the running update of a stack, which is then rolled back."""

    def rollback_stack(self, region: str, stack_id: str, token: str) -> None:
        """Roll back a stack in UPDATE_FAILED to its state before the update."""

    def continue_update_rollback(self, region: str, stack_id: str, token: str) -> None:
        """Continue the rollback of a stack in UPDATE_ROLLBACK_FAILED; no resource is skipped."""

    def set_termination_protection(self, region: str, stack_id: str, *, enabled: bool) -> None:
        """Enable or disable the termination protection of a stack."""

    def parameter(self, region: str, name: str) -> str | None:
        """Return the value of a Parameter Store parameter; None if it does not exist."""

    def stored_object(self, region: str, bucket: str, key: str) -> StoredObject | None:
        """Return an S3 object; None if it does not exist. The account must own the bucket."""

    def upload(
        self, region: str, bucket: str, key: str, body: bytes, *, replace: bool = True
    ) -> StoredObject:
        """Upload an object, which S3 stores with its SHA-256. The account must own the bucket.

        Without *replace*, raise CloudError if an object with this key exists.
        """
