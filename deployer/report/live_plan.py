"""Format a live plan: the changes of the resources, then what else a deploy does or reports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deployer import secret_detection
from deployer.drift import StackDrift
from deployer.model.template_tree import format_path, resource_lines
from deployer.plan import DIGEST_UNCHANGED, Create, Keep, Orphan, Step, Update, Upload
from deployer.planned_change_sets import PlannedChangeSet
from deployer.preview.values import Preview, StackChange
from deployer.report.drift import drift_data, drift_lines
from deployer.report.offline_plan import preview_lines
from deployer.report.offline_plan_json import preview_data, without_secrets
from deployer.report.pending_change_sets import PendingChangeSet, pending_data, pending_lines
from deployer.report.plan import counts_text, plan_data, row_lines
from deployer.report.planned_change_sets import (
    planned_change_set_data,
    planned_change_set_lines,
)
from deployer.report.style import Style
from deployer.report.text import JSON_VERSION, clean


@dataclass(frozen=True)
class LivePlan:
    """The plan of a deploy: the step of each stack, and in *preview* the changes of the resources.

    *change_sets* are those that were created for the plan, *pending* those that were left for review.
    *drifts* is the drift of each stack, if it was detected.
    """

    steps: Sequence[Step]
    orphans: Sequence[Orphan] = ()
    uploads: Sequence[Upload] = ()
    preview: Preview = field(default_factory=lambda: Preview("", ()))
    change_sets: Sequence[PlannedChangeSet] = ()
    pending: Sequence[PendingChangeSet] = ()
    drifts: Sequence[StackDrift] = ()

    @property
    def changes_by_stack(self) -> Mapping[str, StackChange]:
        """The changes by the full name of their stack."""
        return {change.name: change for change in self.preview.stacks}

    @property
    def changes_of_change_sets(self) -> Mapping[str, StackChange]:
        """The changes that one change set has, by the full name of the stack.

        If a stack is updated in several steps, each change set has only a part of its changes.
        """
        return {change.name: change for change in self.preview.stacks if not change.phases}


def live_plan_text(plan: LivePlan, style: Style) -> str:
    """Return a plan as text."""
    return "".join(f"{style.fit(line)}\n" for line in _lines(plan, style))


def live_plan_json(plan: LivePlan) -> str:
    """Return a plan as one JSON document, the same as the `plan` event of `--json`."""
    return (
        json.dumps({"version": JSON_VERSION, "event": "plan"} | live_plan_data(plan), indent=2)
        + "\n"
    )


def live_plan_data(plan: LivePlan) -> dict[str, Any]:
    """Return a plan as plain values."""
    data = plan_data(plan.steps, plan.orphans, plan.uploads)
    changes: dict[str, Any] = {"changes": without_secrets(preview_data(plan.preview))}
    if plan.change_sets:
        changes["change_sets"] = [
            planned_change_set_data(item, plan.changes_by_stack.get(item.desired.name))
            for item in plan.change_sets
        ]
    if plan.pending:
        changes["pending_change_sets"] = [*map(pending_data, plan.pending)]
    if plan.drifts:
        changes["drifts"] = [*map(drift_data, plan.drifts)]
    return data | changes


def _lines(plan: LivePlan, style: Style) -> Iterator[str]:
    notes = {
        item.desired.name: [
            *planned_change_set_lines(item, plan.changes_by_stack.get(item.desired.name), style)
        ]
        for item in plan.change_sets
    }
    if plan.preview.stacks:
        changes = preview_lines(plan.preview, plan.preview.environment, style, notes)
        yield from map(secret_detection.mask_random, changes)
    for name, lines in notes.items():
        if name not in plan.changes_by_stack:
            yield from (f"{clean(name)}: {line.strip()}" for line in lines)
    yield from row_lines([*_other_steps(plan), *plan.orphans, *plan.uploads], style)
    if plan.drifts:
        yield from drift_lines(plan.drifts, _sources(plan.steps), style)
    for change_set in plan.pending:
        yield from pending_lines(change_set, style)
    yield counts_text(plan.steps, plan.orphans, plan.uploads)


def _other_steps(plan: LivePlan) -> Iterator[Step]:
    """Yield the steps that the lines of resources do not explain, such as those for manual changes."""
    shown = {(change.region, change.name) for change in plan.preview.stacks}
    for step in plan.steps:
        is_explained = (
            (step.desired.region, step.desired.name) in shown
            and isinstance(step, Create | Update)
            and DIGEST_UNCHANGED not in step.reason
        )
        if not isinstance(step, Keep) and not is_explained:
            yield step


def _sources(steps: Sequence[Step]) -> dict[tuple[str, str], str]:
    """Return the line of code that defines each resource, by the names of stack and resource."""
    return {
        (step.desired.name, format_path(path)): str(line)
        for step in steps
        for path, line in resource_lines(step.desired).items()
    }
