"""Format a change set for approval, with destructive changes first."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from deployer.aws.cloud import ChangeSet, PropertyChange, ResourceChange
from deployer.data_loss import is_stateful
from deployer.model.template_tree import flatten, format_path
from deployer.plan import Recreate
from deployer.preview.announced import Disagreement, announced_action, disagreements
from deployer.preview.values import StackChange
from deployer.report.offline_plan import stack_lines
from deployer.report.property_values import before_and_after
from deployer.report.style import Emphasis, Style
from deployer.report.text import clean, join_counts, pluralize


@dataclass(frozen=True)
class _Kind:
    """A kind of change of a resource: its mark, its emphasis, and its description."""

    mark: str
    emphasis: Emphasis
    description: str = ""


_KINDS: Mapping[str, _Kind] = {  # The most destructive first.
    "removed": _Kind("-", "red", "is removed"),
    "replaced": _Kind("±", "red", "is replaced"),
    "may be replaced": _Kind("±", "red", "may be replaced"),
    "changed": _Kind("~", "yellow"),
    "imported": _Kind("+", "green", "is imported"),
    "added": _Kind("+", "green"),
}
_POLICIES = {
    "Delete": ", and its data is deleted",
    "Snapshot": ", after a snapshot",
    "Retain": " from the stack, and retained in AWS",
    "ReplaceAndDelete": ", and the old resource and its data are deleted",
    "ReplaceAndSnapshot": ", and the old resource is deleted after a snapshot",
    "ReplaceAndRetain": ", and the old resource is retained in AWS",
}
# For types whose resources hold no data.
_POLICIES_WITHOUT_DATA = {
    **_POLICIES,
    "Delete": "",
    "ReplaceAndDelete": ", and the old resource is deleted",
}
_ACTIONS = {
    "Dynamic": "the action is determined during execution",
    "SyncWithActual": "the template is synchronized with the actual resource",
}
_RECREATION = {"Always": "forces replacement", "Conditionally": "may force replacement"}


def change_lines(change_set: ChangeSet, style: Style) -> Iterator[str]:
    """Yield the lines of *change_set*, with the changes of nested stacks.

    If every change adds a resource, the resources are listed in one paragraph.
    """
    changes = sorted(
        _with_paths(change_set), key=lambda change: list(_KINDS).index(announced_action(change))
    )
    yield header_line(change_set, style)
    if changes and all(announced_action(change) == "added" for change in changes):
        yield from _only_added(changes, style)
    else:
        for change in changes:
            yield from _resource(change, style)


def reviewed_lines(
    change: StackChange, change_set: ChangeSet, file: str, style: Style
) -> Iterator[str]:
    """Yield the lines of a stack as in the plan, then its disagreements with the change set.

    *file* is the config file.
    """
    yield header_line(change_set, style)
    for loss in change.data_losses:
        yield f"  ! {style('red', clean(str(loss)))}"
    yield from list(stack_lines(change, file, style))[1:]
    yield from disagreement_lines(disagreements(change, change_set), style)


def disagreement_lines(found: Iterable[Disagreement], style: Style) -> Iterator[str]:
    """Yield a line for each resource whose change in the change set differs from the prediction."""
    for item in found:
        text = (
            f"{clean(item.resource)}: predicted: {item.predicted}; CloudFormation: {item.announced}"
        )
        yield f"  ! {style('red' if item.is_worse else 'yellow', text)}"


def header_line(change_set: ChangeSet, style: Style) -> str:
    """Return the first line of a change set: the stack, and the number of changes of each kind."""
    return style("bold", f"{clean(change_set.stack)}: {counts(change_set)}")


def counts(change_set: ChangeSet) -> str:
    """Return the number of changes of each kind, the most destructive first: 1 replaced, 2 changed."""
    numbers = Counter(announced_action(change) for change in _with_paths(change_set))
    return join_counts((word, numbers[word]) for word in _KINDS) or "no change to a resource"


def _with_paths(change_set: ChangeSet) -> Iterator[ResourceChange]:
    """Yield every change; in nested stacks the logical id includes the path."""
    for path, change in flatten(change_set.changes):
        yield replace(change, logical_id=format_path((*path, change.logical_id)))


def question(subject: ChangeSet | Recreate) -> str:
    """Return the question before a change set is executed or a failed stack is deleted."""
    match subject:
        case ChangeSet(stack=stack):
            return f"Execute on {clean(stack)}: {counts(subject)}? [y/N] "
        case Recreate(deployed=stack):
            return f"Delete {clean(stack.name)}, which is in {clean(stack.status)}? [y/N] "


def property_path(path: str) -> str:
    """Return a JSON pointer of AWS in shorter notation: /Properties/Tags/0/Value as Tags[0].Value."""
    parts = clean(path).replace("/", ".").strip(".").removeprefix("Properties.")
    return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", parts)


def _only_added(changes: Sequence[ResourceChange], style: Style) -> Iterator[str]:
    names = ", ".join(clean(change.logical_id) for change in changes)
    first, *more = textwrap.wrap(
        f"{pluralize(len(changes), 'resource')}: {names}",
        max(style.width, 40),
        initial_indent=" " * 4,
        subsequent_indent=" " * 6,
        break_on_hyphens=False,
    )
    yield f"  {style('green', '+')} {first.strip()}"
    yield from more


def _resource(change: ResourceChange, style: Style) -> Iterator[str]:
    change_kind = _KINDS[announced_action(change)]
    description = _ACTIONS.get(change.action, change_kind.description)
    if change.action == "Remove" or change.replaces:
        has_data = is_stateful(change.type, policy="")
        policies = _POLICIES if has_data else _POLICIES_WITHOUT_DATA
        description += policies.get(
            change.policy, f" ({clean(change.policy)})" if change.policy else ""
        )
    line = f"  {style(change_kind.emphasis, change_kind.mark)} {clean(change.logical_id)}  {clean(change.type)}"
    yield f"{line}  {style(change_kind.emphasis, description)}" if description else line
    for property_ in change.properties if change.action != "Remove" else ():
        yield f"      {_property(property_, style)}"


def _property(change: PropertyChange, style: Style) -> str:
    path = property_path(change.path)
    line = f"{path}: {before_and_after(path.rpartition('.')[2], change.before, change.after)}"
    recreation = _RECREATION.get(change.recreation, "")
    cause = f"because of {clean(change.cause)}" if change.cause else ""
    if not recreation and not cause:
        return line
    note = f"# {', '.join(filter(None, (recreation, cause)))}"
    return f"{line}  {style('red' if recreation else 'dim', note)}"
