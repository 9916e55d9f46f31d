"""Format an offline plan for a terminal, with what is most destructive first."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from deployer import secret_detection
from deployer.preview.values import (
    WORST_FIRST,
    Action,
    OutputChange,
    Preview,
    ResourceChange,
    StackChange,
)
from deployer.report.renames import rename_notes
from deployer.report.resource_details import MARKS, detail_lines, property_text, shown_properties
from deployer.report.style import Emphasis, Style
from deployer.report.template_values import change_text
from deployer.report.text import clean, fold_names, join_counts, pluralize

_MAX_ROOTS = 4  # The maximum number of causes that a paragraph lists.


def offline_plan_text(preview: Preview, base: str, style: Style) -> str:
    """Return the changes since the commit *base* as text."""
    title = f"{preview.environment} since {base[:10]}"
    lines = map(secret_detection.mask_random, preview_lines(preview, title, style))
    return "".join(f"{style.fit(line)}\n" for line in lines)


def summary(preview: Preview) -> str:
    """Return the numbers of changes, such as 2 replaced, 1 changed, +3.20 USD a month."""
    parts = [
        join_counts(
            (f"{'stack' if number == 1 else 'stacks'} {word}", number)
            for word, number in _stack_counts(preview)
        ),
        counts(resource for stack in preview.stacks for resource in stack.resources),
        cost_text(preview.cost),
    ]
    return ", ".join(filter(None, parts)) or ("other changes" if preview.stacks else "no changes")


def counts(resources: Iterable[ResourceChange]) -> str:
    """Return the numbers of changed resources, the most destructive first: 1 replaced, 2 changed."""
    numbers = Counter(resource.action for resource in resources)
    return join_counts((action, numbers[action]) for action in WORST_FIRST)


def cost_text(usd_per_month: float) -> str:
    """Return a difference in cost, such as +3.20 USD a month; empty if there is none."""
    return f"{usd_per_month:+.2f} USD a month" if round(usd_per_month, 2) else ""


def refused_outputs(stack: StackChange) -> str:
    """Return why the exports of a stack prevent its update; empty if they do not."""
    refused = [output for output in stack.outputs if output.is_refused]
    if not refused or stack.action == "removed" or (stack.phases and not stack.refusals):
        return ""
    importers = dict.fromkeys(name for output in refused for name in output.importers)
    names = ", ".join(fold_names(clean(output.name) for output in refused))
    verb = "remove" if all(output.direction == "removed" for output in refused) else "change"
    text = f"cannot {verb} {names}: imported by {', '.join(map(clean, importers))}"
    return ". ".join([text, *(clean(fact[:1].upper() + fact[1:]) for fact in stack.refusals)])


def export_notes(preview: Preview) -> Iterator[tuple[str, str, bool]]:
    """Yield each stack whose exports are in use: its short name, a text, and whether it is refused.

    If an update is refused, nothing is deployed, so the phases of other stacks are omitted.
    """
    has_refusals = any(stack.refusals for stack in preview.stacks)
    for stack in preview.stacks:
        refusal = refused_outputs(stack)
        if refusal and (stack.refusals or not has_refusals):
            yield stack.short_name, refusal, True
        elif stack.phases and not has_refusals:
            yield stack.short_name, clean(stack.phases), False


def unknown_outputs(stack: StackChange) -> dict[str, list[str]]:
    """Return the outputs with unknown values that a stack uses, by the stack that will have them."""
    found: dict[str, list[str]] = {}
    for value in stack.unknown:
        found.setdefault(value.stack, []).append(value.output)
    return found


def output_text(outputs: Sequence[OutputChange]) -> str:
    """Return the text of outputs that have the same change and importers; a changed one is alone."""
    first = outputs[0]
    text = "output" if len(outputs) == 1 else "outputs"
    text += f" {', '.join(fold_names(clean(output.name) for output in outputs))}"
    if first.direction == "changed":
        text += f": {change_text(first.name, first.before, first.after)}"
    if first.importers:
        text += f"  # imported by {', '.join(map(clean, first.importers))}"
    return text


def preview_lines(
    preview: Preview,
    title: str,
    style: Style,
    notes: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[str]:
    """Yield the lines of all changes; the first begins with *title*.

    *notes* has the lines to add to a stack, by its full name.
    """
    unchanged = len(preview.unchanged)
    rest = f"; {pluralize(unchanged, 'stack')} unchanged" if unchanged and preview.stacks else ""
    yield style("bold", f"{title}: {summary(preview)}{rest}")
    for loss in preview.data_losses:
        accepted = preview.acceptance(loss)
        note = f" (accepted on {accepted.date}: {clean(accepted.reason)})" if accepted else ""
        emphasis: Emphasis = "yellow" if accepted else "red"
        yield from _wrapped("  ! ", f"{clean(str(loss))}{note}", style, emphasis)
    for item in preview.unmatched:
        text = f"{item.resource} is not {item.change}: remove its acceptance from the config"
        yield from _wrapped("  ! ", text, style, "yellow")
    for name, text, is_refused in export_notes(preview):
        mark, emphasis = MARKS["removed" if is_refused else "changed"]
        head = f"  ! {clean(name)}: " if is_refused else f"  {mark} {clean(name)} "
        yield from _wrapped(head, text, style, emphasis)
    for fact, hint in rename_notes(preview):
        yield from _wrapped("  ? ", fact, style, "yellow")
        yield from _wrapped("    ", hint, style, None)
    for stack in preview.stacks:
        yield from stack_lines(stack, f"config/{preview.environment}.toml", style)
        yield from (notes or {}).get(stack.name, ())


def _stack_counts(preview: Preview) -> Iterator[tuple[str, int]]:
    for action in ("removed", "created"):
        yield action, sum(stack.action == action for stack in preview.stacks)


def stack_lines(stack: StackChange, file: str, style: Style) -> Iterator[str]:
    """Yield the lines of one stack; *file* is the config file. The first line is its title."""
    state = {"created": "new stack", "removed": "removed stack", "updated": ""}[stack.action]
    about = ", ".join(filter(None, (state, counts(stack.resources), cost_text(stack.cost))))
    name = style("bold", clean(stack.short_name))
    yield f"{name}  {about or 'no change to a resource'}  {style('dim', clean(stack.name))}"
    if stack.action == "removed":
        yield f"  a deploy does not delete it: ./inv destroy --stack={clean(stack.short_name)}"
    for name, outputs in unknown_outputs(stack).items():
        text = f"known after {clean(name)} is deployed: {', '.join(map(clean, outputs))}"
        yield from _wrapped("  ? ", text, style, "cyan")
    for change in stack.attributes:
        yield f"  ~ {property_text([change], file)}"
    resources = sorted(stack.resources, key=lambda change: WORST_FIRST.index(change.action))
    direct = [change for change in resources if not change.causes]
    if stack.action == "removed":
        names = ", ".join(fold_names(clean(change.name) for change in direct))
        yield from _wrapped("  - ", names, style, "red")
        direct = []
    for _, similar in groupby(direct, _similarity):
        yield from _resource_lines([*similar], file, style)
    derived = [change for change in resources if change.causes]
    for action, changes in groupby(derived, lambda change: change.action):
        yield from _derived_lines(action, [*changes], stack, style)
    yield from _output_lines(stack, style)


def _derived_lines(
    action: Action, changes: Sequence[ResourceChange], stack: StackChange, style: Style
) -> Iterator[str]:
    """Yield one paragraph of the resources that only change because of others."""
    mark, emphasis = MARKS[action]
    roots = dict.fromkeys(root for change in changes for root in change.roots)
    names = ", ".join(fold_names(clean(change.name) for change in changes))
    verb = f"{action} " if action == "may be replaced" else ""  # The mark shows the other actions.
    text = f"{verb}because of {_roots_text(roots, stack.short_name)}: {names}"
    yield from _wrapped(f"  {mark} ", text, style, emphasis)


def _roots_text(roots: Iterable[str], stack: str) -> str:
    """Return *roots* as text, such as network/Vpc, Subnet{1,2}; those of *stack* without its name."""
    by_stack: dict[str, list[str]] = {}
    for root in roots:
        name, _, title = root.partition("/")
        by_stack.setdefault("" if name == stack else f"{clean(name)}/", []).append(clean(title))
    listed = [
        f"{prefix * (index == 0)}{title}"
        for prefix, titles in by_stack.items()
        for index, title in enumerate(fold_names(titles))
    ]
    more = [f"{len(listed) - _MAX_ROOTS} more"] if len(listed) > _MAX_ROOTS else []
    return ", ".join([*listed[:_MAX_ROOTS], *more])


def _similarity(change: ResourceChange) -> tuple[object, ...]:
    """Return a key: consecutive resources with equal keys are in one paragraph."""
    if change.action in {"added", "removed"} and not change.rules:
        return (change.action, change.settings)
    properties = tuple(
        (item.path, item.replacement, item.cause, item.settings)
        for item in shown_properties(change)
    )
    details = (change.statements, change.rules, change.code)
    return (change.action, change.type, properties, details)


def _resource_lines(changes: Sequence[ResourceChange], file: str, style: Style) -> Iterator[str]:
    """Yield the paragraph of similar resources; equal details are written once."""
    first = changes[0]
    mark, emphasis = MARKS[first.action]
    names = ", ".join(fold_names(clean(change.name) for change in changes))
    types = dict.fromkeys(clean(change.type) for change in changes)
    place = _places(dict.fromkeys(change.source for change in changes if change.source))
    if first.settings:
        place = ", ".join(filter(None, (place, f"{file}: {', '.join(map(clean, first.settings))}")))
    parts = [names, next(iter(types)) if len(types) == 1 else ""]
    parts.append("" if first.action in {"changed", "added"} else first.action)
    text = "  ".join(filter(None, parts)) + (f"  ({place})" if place else "")
    yield from _wrapped(f"  {mark} ", text, style, emphasis)
    for line_mark, line in detail_lines(changes, file):
        yield from _wrapped(f"      {line_mark} " if line_mark else "      ", line, style, None)


def _places(places: Iterable[str]) -> str:
    """Return lines of files in short: stacks/network.py:42, 56."""
    files: dict[str, list[str]] = {}
    for place in places:
        file, _, line = place.partition(":")
        files.setdefault(file, []).append(line)
    return ", ".join(
        f"{clean(file)}:{', '.join(lines)}" if all(lines) else clean(file)
        for file, lines in files.items()
    )


def _output_lines(stack: StackChange, style: Style) -> Iterator[str]:
    """Yield the paragraphs of the outputs; the warnings have the refused changes with a cause."""
    if stack.action == "created":
        return
    caused = [output for output in stack.outputs if output.cause and output.direction == "changed"]
    others = [output for output in stack.outputs if output not in caused]
    similar: dict[tuple[object, ...], list[OutputChange]] = {}
    for output in others:
        name = output.name if output.direction == "changed" else ""
        similar.setdefault((output.direction, name, output.importers), []).append(output)
    for outputs in similar.values():
        mark, emphasis = MARKS[outputs[0].direction]
        yield from _wrapped(f"  {mark} ", output_text(outputs), style, emphasis)
    names = [*fold_names(clean(output.name) for output in caused if not output.is_refused)]
    if names:
        text = f"outputs with another value: {', '.join(names)}"
        yield from _wrapped("  ~ ", text, style, "yellow")


def _wrapped(head: str, text: str, style: Style, emphasis: Emphasis | None) -> Iterator[str]:
    """Yield *text* after *head*, in lines of the width of the terminal, aligned with the text."""
    first, *others = textwrap.wrap(
        text,
        max(style.width, 60),
        initial_indent=head,
        subsequent_indent=" " * (8 if head.startswith(" " * 6) else 4),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [head]
    yield f"{style(emphasis, head)}{first[len(head) :]}" if emphasis else first
    yield from others
