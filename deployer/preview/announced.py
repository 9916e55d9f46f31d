"""Compare the prediction for a stack with the change set that CloudFormation created."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deployer.aws.cloud import STACK, ChangeSet, ResourceChange
from deployer.model.template_tree import flatten, format_path
from deployer.preview.values import StackChange

NOT_LISTED = "not listed"
_MOST_DESTRUCTIVE_LAST = (
    NOT_LISTED,
    "added",
    "imported",
    "changed",
    "may be replaced",
    "replaced",
    "removed",
)


@dataclass(frozen=True)
class Disagreement:
    """A resource whose action in the change set is not the predicted one.

    Both actions are those of `announced_action`, or "not listed". *resource* has the path of the
    nested stacks, such as CodeBuild/Logs.
    """

    resource: str
    type: str
    predicted: str
    announced: str

    @property
    def is_worse(self) -> bool:
        """Whether the announced action is more destructive than the predicted one."""
        predicted, announced = map(_MOST_DESTRUCTIVE_LAST.index, (self.predicted, self.announced))
        return announced > predicted


def announced_action(change: ResourceChange) -> str:
    """Return the action of a change in a change set, in the words of a plan."""
    match change:
        case ResourceChange(action="Remove"):
            return "removed"
        case ResourceChange(replacement="True"):
            return "replaced"
        case ResourceChange(replacement="Conditional"):
            return "may be replaced"
        case ResourceChange(action="Add"):
            return "added"
        case ResourceChange(action="Import"):
            return "imported"
        case _:
            return "changed"


def disagreements(change: StackChange, change_set: ChangeSet) -> tuple[Disagreement, ...]:
    """Return the resources whose actions differ, those of *change* first.

    A nested stack that only one side lists as changed is skipped: its resources are compared.
    """
    return tuple(_disagreements(change, change_set))


def _disagreements(change: StackChange, change_set: ChangeSet) -> Iterator[Disagreement]:
    predicted = {item.name: (item.type, str(item.action)) for item in change.resources}
    announced = {
        format_path((*path, item.logical_id)): (item.type, announced_action(item))
        for path, item in flatten(change_set.changes)
    }
    missing = ("", NOT_LISTED)
    for name in dict.fromkeys([*predicted, *announced]):
        type_, action = predicted.get(name, missing)
        announced_type, other = announced.get(name, missing)
        if action != other and not (
            STACK in {type_, announced_type} and {action, other} == {"changed", NOT_LISTED}
        ):
            yield Disagreement(name, type_ or announced_type, action, other)
