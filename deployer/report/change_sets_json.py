"""Convert change sets to plain values for JSON."""

from __future__ import annotations

from typing import Any

from deployer.aws.cloud import ChangeSet, PropertyChange, ResourceChange
from deployer.model.template_tree import LogicalIds, flatten
from deployer.preview.announced import announced_action
from deployer.report.change_sets import property_path
from deployer.report.property_values import masked


def change_set_data(change_set: ChangeSet) -> dict[str, Any]:
    """Return a change set as plain values, with secrets masked."""
    return {
        "arn": change_set.arn,
        "region": change_set.region,
        "changes": [_change(path, change) for path, change in flatten(change_set.changes)],
    }


def _change(path: LogicalIds, change: ResourceChange) -> dict[str, Any]:
    return {
        "path": list(path),
        "kind": announced_action(change),
        "action": change.action,
        "logical_id": change.logical_id,
        "physical_id": change.physical_id,
        "type": change.type,
        "replacement": change.replacement,
        "policy": change.policy,
        "properties": [_property(property_) for property_ in change.properties],
    }


def _property(change: PropertyChange) -> dict[str, Any]:
    path = property_path(change.path)
    name = path.rpartition(".")[2]
    return {
        "path": path,
        "before": None if change.before is None else masked(name, change.before),
        "after": None if change.after is None else masked(name, change.after),
        "recreation": change.recreation,
        "cause": change.cause,
    }
