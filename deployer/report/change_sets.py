"""Shows a change set as people read it before they approve: what destroys comes first."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from deployer.aws.cloud import ChangeSet, PropertyChange, ResourceChange
from deployer.model.template_tree import flatten, format_path
from deployer.plan import Recreate
from deployer.report.property_values import pair
from deployer.report.style import Emphasis, Style
from deployer.report.text import clean, counted, listed


@dataclass(frozen=True)
class _Kind:
    """What can happen to a resource: its mark, its colour, and how it is said of one."""

    mark: str
    style: Emphasis
    said: str = ""


_KINDS: Mapping[str, _Kind] = {  # The loudest first.
    "removed": _Kind("-", "red", "is removed"),
    "replaced": _Kind("±", "red", "is replaced"),
    "may be replaced": _Kind("±", "red", "may be replaced"),
    "changed": _Kind("~", "yellow"),
    "imported": _Kind("+", "green", "is imported"),
    "added": _Kind("+", "green"),
}
_POLICIES = {
    "Delete": ", and what it holds is deleted",
    "Snapshot": ", after a snapshot of it",
    "Retain": " from the stack, and stays in AWS",
    "ReplaceAndDelete": ", and the old one deleted with what it holds",
    "ReplaceAndSnapshot": ", and the old one deleted after a snapshot of it",
    "ReplaceAndRetain": ", and the old one stays in AWS",
}
_ACTIONS = {
    "Dynamic": "AWS sees only while it runs what happens to it",
    "SyncWithActual": "the stack takes over how it is now",
}
_REMADE = {"Always": "forces replacement", "Conditionally": "may force replacement"}


def change_lines(change_set: ChangeSet, style: Style) -> Iterator[str]:
    """Yield the lines of *change_set* with nested stacks; one that only adds is a short list."""
    changes = sorted(_located(change_set), key=lambda change: list(_KINDS).index(kind(change)))
    yield style("bold", f"{clean(change_set.stack)}: {counts(change_set)}")
    if changes and all(kind(change) == "added" for change in changes):
        yield from _only_added(changes, style)
    else:
        for change in changes:
            yield from _resource(change, style)


def counts(change_set: ChangeSet) -> str:
    """How many of each kind, the loudest first: 1 replaced, 2 changed."""
    found = Counter(kind(change) for change in _located(change_set))
    return listed((each, found[each]) for each in _KINDS) or "no change to a resource"


def _located(change_set: ChangeSet) -> Iterator[ResourceChange]:
    """Yield every change; in nested stacks the logical id includes the path."""
    for path, change in flatten(change_set.changes):
        yield replace(change, logical_id=format_path((*path, change.logical_id)))


def question(what: ChangeSet | Recreate) -> str:
    """What to ask before a change set is executed, or a failed stack is deleted; default no."""
    match what:
        case ChangeSet(stack=stack):
            return f"Execute on {clean(stack)}: {counts(what)}? [y/N] "
        case Recreate(found=found):
            return f"Delete {clean(found.name)}, which is in {clean(found.status)}? [y/N] "


def kind(change: ResourceChange) -> str:
    """What happens to the resource, in a word or three."""
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


def property_path(path: str) -> str:
    """/Properties/Tags/0/Value, as AWS has it, as people write it: Tags[0].Value."""
    parts = clean(path).replace("/", ".").strip(".").removeprefix("Properties.")
    return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", parts)


def _only_added(changes: Sequence[ResourceChange], style: Style) -> Iterator[str]:
    names = ", ".join(clean(change.logical_id) for change in changes)
    first, *more = textwrap.wrap(
        f"{counted(len(changes), 'resource')}: {names}",
        max(style.width, 40),
        initial_indent=" " * 4,
        subsequent_indent=" " * 6,
        break_on_hyphens=False,
    )
    yield f"  {style('green', '+')} {first.strip()}"
    yield from more


def _resource(change: ResourceChange, style: Style) -> Iterator[str]:
    how = _KINDS[kind(change)]
    said = _ACTIONS.get(change.action, how.said)
    if change.action == "Remove" or change.replaces:
        said += _POLICIES.get(change.policy, f" ({clean(change.policy)})" if change.policy else "")
    line = f"  {style(how.style, how.mark)} {clean(change.logical_id)}  {clean(change.type)}"
    yield f"{line}  {style(how.style, said)}" if said else line
    for each in change.properties if change.action != "Remove" else ():
        yield f"      {_property(each, style)}"


def _property(change: PropertyChange, style: Style) -> str:
    path = property_path(change.path)
    line = f"{path}: {pair(path.rpartition('.')[2], change.before, change.after)}"
    remade = _REMADE.get(change.recreation, "")
    cause = f"because of {clean(change.cause)}" if change.cause else ""
    if not remade and not cause:
        return line
    note = f"# {', '.join(filter(None, (remade, cause)))}"
    return f"{line}  {style('red' if remade else 'dim', note)}"
