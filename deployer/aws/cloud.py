"""What we need from AWS, in our words: values that do not change, and the calls that give them.

`deployer.aws` speaks to AWS, `tests.fakes` keeps an account in memory; nothing else knows which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol
from urllib.parse import quote

STACK = "AWS::CloudFormation::Stack"
_CANCELLED = re.compile(r"Resource (creation|update|deletion) (was )?cancell?ed", re.IGNORECASE)
_EMULATOR = re.compile(r"Emulator stack (arn:\S+) was not successfully")


@dataclass(frozen=True)
class Identity:
    """Whose credentials these are."""

    account: str
    arn: str


@dataclass(frozen=True)
class DeployedStack:
    """A stack as the account has it: all that one DescribeStacks tells."""

    name: str
    id: str
    region: str
    status: str
    reason: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    protected: bool = False
    nested: bool = False

    @property
    def busy(self) -> bool:
        """An operation runs; REVIEW_IN_PROGRESS is none, nothing runs there."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def complete(self) -> bool:
        """The stack is whole and in service, whatever its last operation did."""
        return self.status in COMPLETE

    @property
    def never_completed(self) -> bool:
        """The first creation failed or never began: there is nothing to keep, and no update."""
        return self.status in NEVER_COMPLETED


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


@dataclass(frozen=True)
class ChangeSetRequest:
    """A change set to be made. *url* replaces *text* where the text is too long for a call.

    *id* is the id of the stack to update, so that a newer stack of the same name is not updated.

    *role* is what CloudFormation takes to carry it out; without one it has the caller's rights.
    With *nested*, each nested stack gets its own change set.
    """

    name: str
    stack: str
    region: str
    kind: Literal["CREATE", "UPDATE"]
    text: str
    url: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    role: str = ""
    id: str = ""
    nested: bool = False


@dataclass(frozen=True)
class StoredObject:
    """An object in S3, as a HeadObject describes it.

    *sha256*, in hex, is the checksum that S3 computed of the content; empty if it has none.
    *version* is empty in a bucket without versions.
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
    """One property of a resource, before and after, and whether that makes it anew."""

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
        """The resource is made anew, or may be: AWS does not always know before."""
        return self.replacement in {"True", "Conditional"}


@dataclass(frozen=True)
class ChangeSet:
    """A change set, described whole."""

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
    def pending(self) -> bool:
        """CloudFormation is still working it out."""
        return self.status in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}

    @property
    def empty(self) -> bool:
        """It failed because there is nothing to change: no failure to us (both AWS wordings)."""
        return self.status == "FAILED" and self.reason.startswith(
            ("The submitted information didn't contain changes", "No updates are to be performed")
        )


@dataclass(frozen=True)
class StackResource:
    """A resource as its stack lists it."""

    logical_id: str
    physical_id: str
    type: str
    status: str


@dataclass(frozen=True)
class StackEvent:
    """One line of a stack's history."""

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
        """Something could not be done."""
        return self.status.endswith("_FAILED")

    @property
    def cancelled(self) -> bool:
        """Return whether the operation was only cancelled because another resource failed."""
        return self.failed and _CANCELLED.match(self.reason) is not None

    @property
    def nested_stack(self) -> str:
        """Return the id of the nested stack that is this resource; empty for other resources.

        If the event has no physical id, the id is taken from the reason of the failure.
        """
        if self.type != STACK or self.of_stack:
            return ""
        if self.physical_id.startswith("arn:"):
            return self.physical_id
        found = _EMULATOR.search(self.reason)
        return found[1] if found else ""

    @property
    def of_stack(self) -> bool:
        """It tells of the stack itself, not of a resource in it."""
        return self.type == STACK and self.physical_id == self.stack_id


class Cloud(Protocol):
    """One AWS account. Every call may raise CloudError, or UnreachableError when AWS is out of reach."""

    def identity(self) -> Identity:
        """Whose credentials we use."""

    def stacks(self, region: str) -> tuple[DeployedStack, ...]:
        """Every stack of *region* that is not deleted, nested ones too."""

    def stack(self, region: str, name: str) -> DeployedStack | None:
        """One stack by name or id; a deleted one only by id. None if there is none.

        AWS adds the tags to a stack when it is created. Until then the result has the tags that
        all of its change sets have in common.
        """

    def template(self, region: str, name: str) -> str:
        """The template of a stack, as it was sent; of a deleted one by id."""

    def resources(self, region: str, stack_id: str) -> tuple[StackResource, ...]:
        """Return every resource of a stack, every page."""

    def create_change_set(self, proposal: ChangeSetRequest) -> str:
        """Make a change set; its ARN. It is not ready yet: see `change_set`."""

    def change_set(self, region: str, arn: str) -> ChangeSet:
        """A change set with all its changes, every page, but not those in nested stacks."""

    def execute_change_set(self, region: str, arn: str, token: str) -> None:
        """Execute a change set; with the same *token* a repeated call executes once."""

    def delete_change_set(self, region: str, arn: str) -> None:
        """Delete a change set that is not to be executed."""

    def events(self, region: str, stack_id: str, after: str = "") -> tuple[StackEvent, ...]:
        """The events newer than the one with id *after*, oldest first; without, the last page."""

    def events_since(self, region: str, stack_id: str, at: datetime) -> tuple[StackEvent, ...]:
        """Return the events that are not older than *at*, oldest first, every page."""

    def delete(self, region: str, stack_id: str, token: str) -> None:
        """Begin to delete a stack."""

    def protect(self, region: str, stack_id: str, *, on: bool) -> None:
        """Switch termination protection."""

    def parameter(self, region: str, name: str) -> str | None:
        """What Parameter Store has under *name*; None if nothing."""

    def stored(self, region: str, bucket: str, key: str) -> StoredObject | None:
        """Describe an object; None if it does not exist. The account must own the bucket."""

    def upload(
        self, region: str, bucket: str, key: str, body: bytes, *, replace: bool = True
    ) -> StoredObject:
        """Upload an object, which S3 stores with its SHA-256. The account must own the bucket.

        Without *replace*, raise CloudError if an object with this key exists.
        """
