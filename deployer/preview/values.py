"""The values of a plan: changes of stacks, resources, statements, rules, code and outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from deployer.data_guard import StackLoss, unaccepted, unmatched
from deployer.data_loss import DataLoss
from deployer.model import AcceptedDataLoss
from deployer.model.template_tree import LogicalIds, format_path

Replacement: TypeAlias = Literal["none", "conditional", "required"]
Action: TypeAlias = Literal["removed", "replaced", "may be replaced", "changed", "added"]
Direction: TypeAlias = Literal["added", "removed", "widened", "narrowed", "changed"]
StackAction: TypeAlias = Literal["created", "updated", "removed"]
KeyPath: TypeAlias = tuple[str, ...]

WORST_FIRST: tuple[Action, ...] = ("removed", "replaced", "may be replaced", "changed", "added")


@dataclass(frozen=True)
class PropertyChange:
    """The change of one property; *before* or *after* is None if it is absent.

    *cause* is the changed value that the property refers to; empty if the property itself differs.
    *root* is the resource at the start of the chain of causes, such as network/Vpc. *settings* are
    the keys of the config file that determine the value. *is_detailed* is True if the changes of
    statements, rules or code explain the change.
    """

    path: KeyPath
    before: Any
    after: Any
    replacement: Replacement = "none"
    cause: str = ""
    root: str = ""
    is_write_only: bool = False
    is_detailed: bool = False
    settings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The path as reports show it, such as Tags[Name].Value; Properties is left out."""
        return property_name(self.path)


@dataclass(frozen=True)
class StatementChange:
    """The change of one statement of a policy; *before* or *after* is None if it is absent.

    *grants* is True if the change allows something that was not allowed before.
    """

    name: str
    direction: Direction
    before: Any
    after: Any
    grants: bool


@dataclass(frozen=True)
class RuleChange:
    """The change of one security-group rule; *before* or *after* is empty if it is absent.

    *grants* is True if the change allows traffic that was not allowed before.
    """

    direction: Direction
    before: str
    after: str
    grants: bool


@dataclass(frozen=True)
class FileChange:
    """The change of one source file, with its numbers of added and removed lines."""

    path: str
    direction: Literal["added", "removed", "changed"]
    added_lines: int
    removed_lines: int


@dataclass(frozen=True)
class PackageChange:
    """The change of one locked package; *before* or *after* is empty if it is not locked."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class CodeChange:
    """The change of the code of the function in lambdas/*name*."""

    name: str
    files: tuple[FileChange, ...]
    packages: tuple[PackageChange, ...]


@dataclass(frozen=True)
class ResourceChange:
    """The change of one resource; *path* has the logical ids of the nested stacks around it.

    *source* is the line that defines it, such as stacks/network.py:42, or the file if the line is
    not known. *settings* are the keys of the config file that add or remove it.
    """

    logical_id: str
    type: str
    action: Action
    path: LogicalIds = ()
    properties: tuple[PropertyChange, ...] = ()
    statements: tuple[StatementChange, ...] = ()
    rules: tuple[RuleChange, ...] = ()
    code: CodeChange | None = None
    source: str = ""
    settings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The logical id with the path of the nested stacks, such as CodeBuild/Logs."""
        return format_path((*self.path, self.logical_id))

    @property
    def causes(self) -> tuple[str, ...]:
        """The changed values that the resource refers to; empty if it has other changes, too."""
        if self.action in {"added", "removed"}:
            return ()
        if any(not change.cause for change in self.properties):
            return ()
        return tuple(dict.fromkeys(change.cause for change in self.properties))

    @property
    def roots(self) -> tuple[str, ...]:
        """The resources at the start of the chains of causes; empty without causes."""
        if not self.causes:
            return ()
        return tuple(dict.fromkeys(change.root for change in self.properties))


@dataclass(frozen=True)
class OutputChange:
    """The change of one output; *importers* are the stacks that import it.

    *is_refused* is True if CloudFormation refuses the change, because a stack imports the export.
    *is_dropped_by_importers* is True if none of the importers imports it after the change.
    """

    name: str
    direction: Literal["added", "removed", "changed"]
    before: Any
    after: Any
    cause: str = ""
    export: str = ""
    importers: tuple[str, ...] = ()
    is_refused: bool = False
    is_dropped_by_importers: bool = False
    settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnknownValue:
    """A value that is unknown until the stack with the short name *stack* is deployed: its *output*."""

    stack: str
    output: str


@dataclass(frozen=True)
class StackChange:
    """All changes of one stack; *attributes* are those of the stack itself, such as its tags.

    *cost* is the difference in USD a month of what has a known price. *phases* explains an update in
    several steps because of exports in use, *refusals* are the reasons why phases cannot do such an
    update. *unknown* are the values that are not known before other stacks are deployed.
    """

    name: str
    short_name: str
    region: str
    action: StackAction
    resources: tuple[ResourceChange, ...] = ()
    outputs: tuple[OutputChange, ...] = ()
    attributes: tuple[PropertyChange, ...] = ()
    data_losses: tuple[DataLoss, ...] = ()
    cost: float = 0.0
    phases: str = ""
    refusals: tuple[str, ...] = ()
    unknown: tuple[UnknownValue, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes, such as after a change of a comment in a template."""
        parts = (self.resources, self.outputs, self.attributes, self.data_losses)
        return self.action == "updated" and not any(parts)


@dataclass(frozen=True, order=True)
class Place:
    """The place of a resource; *path* has the nested stacks around it and its logical id."""

    region: str
    stack: str
    short_name: str
    path: LogicalIds
    is_new_stack: bool = False

    def __str__(self) -> str:
        """Return the place for reports: messages/Table."""
        return format_path((self.short_name, *self.path))


@dataclass(frozen=True)
class Rename:
    """A resource that is in another place after the change; *name* is its fixed name, or empty.

    *is_equal* is True if its properties do not change, *is_retained* if its DeletionPolicy retains
    the old resource.
    """

    type: str
    before: Place
    after: Place
    is_equal: bool
    name: str = ""
    is_retained: bool = False

    @property
    def is_in_one_stack(self) -> bool:
        """Whether only its logical id changes."""
        return self.before.stack == self.after.stack


@dataclass(frozen=True)
class Ambiguity:
    """Removed and added resources of one type that match in several ways."""

    type: str
    before: tuple[Place, ...]
    after: tuple[Place, ...]


@dataclass(frozen=True)
class Renames:
    """All renames, and those that are ambiguous, sorted by place."""

    found: tuple[Rename, ...] = ()
    ambiguous: tuple[Ambiguity, ...] = ()


@dataclass(frozen=True)
class Preview:
    """All changes of one environment; *unchanged* are the short names of the other stacks.

    *accepted* are the losses of data that the config accepts. *renames* are the resources that a
    deploy would create again in another place.
    """

    environment: str
    stacks: tuple[StackChange, ...]
    unchanged: tuple[str, ...] = ()
    accepted: tuple[AcceptedDataLoss, ...] = ()
    renames: Renames = Renames()

    @property
    def data_losses(self) -> tuple[StackLoss, ...]:
        """Every loss of data, with its stack."""
        return tuple(
            StackLoss(stack.short_name, loss) for stack in self.stacks for loss in stack.data_losses
        )

    @property
    def unaccepted(self) -> tuple[StackLoss, ...]:
        """The losses of data that the config does not accept."""
        return unaccepted(self.data_losses, self.accepted)

    @property
    def unmatched(self) -> tuple[AcceptedDataLoss, ...]:
        """The acceptances that apply to none of the losses of data."""
        stacks = {item.stack for item in self.accepted}
        return unmatched(self.data_losses, self.accepted, stacks)

    def acceptance(self, loss: StackLoss) -> AcceptedDataLoss | None:
        """Return the acceptance that applies to *loss*; None if none does."""
        return next(filter(loss.is_accepted_by, self.accepted), None)

    @property
    def cost(self) -> float:
        """The difference in USD a month of what has a known price."""
        return sum(stack.cost for stack in self.stacks)


def property_name(path: KeyPath) -> str:
    """Return *path* as reports show it, such as Tags[Name].Value; Properties is left out."""
    keys = path[1:] if path[:1] == ("Properties",) else path
    text = "".join(key if key.startswith("[") else f".{key}" for key in keys)
    return text.removeprefix(".")
