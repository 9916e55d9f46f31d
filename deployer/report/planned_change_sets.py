"""Format the change sets of a plan: disagreements with the prediction, and findings of validation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from deployer.planned_change_sets import PlannedChangeSet
from deployer.preview.announced import Disagreement, disagreements
from deployer.preview.values import StackChange
from deployer.report.change_sets import disagreement_lines
from deployer.report.change_sets_json import change_set_data
from deployer.report.style import Style
from deployer.report.text import clean


def planned_change_set_lines(
    planned: PlannedChangeSet, change: StackChange | None, style: Style
) -> Iterator[str]:
    """Yield the lines of a change set; *change* has the predicted changes of its stack."""
    if planned.change_set is None:
        yield f"  {style('yellow', f'no change set: {clean(planned.reason)}')}"
        return
    differing = _disagreements(planned, change)
    yield from disagreement_lines(differing, style)
    for finding in planned.findings:
        yield f"  ! {style('red', f'validation: {clean(finding)}')}"
    if not differing and not planned.findings:
        yield f"  {style('dim', 'change set: CloudFormation announces these changes as well')}"


def planned_change_set_data(
    planned: PlannedChangeSet, change: StackChange | None
) -> dict[str, Any]:
    """Return a change set as plain values."""
    change_set = planned.change_set
    return {
        "stack": planned.desired.name,
        "region": planned.desired.region,
        "reason": planned.reason,
        "findings": [*planned.findings],
        "disagreements": [asdict(item) for item in _disagreements(planned, change)],
        "change_set": change_set_data(change_set) if change_set else None,
    }


def _disagreements(
    planned: PlannedChangeSet, change: StackChange | None
) -> tuple[Disagreement, ...]:
    if planned.change_set is None or change is None:
        return ()
    return disagreements(change, planned.change_set)
