"""Format the drift of stacks, and the differences that the config ignores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deployer.aws.cloud import PropertyDrift
from deployer.drift import DriftedResource, StackDrift
from deployer.report.property_values import masked
from deployer.report.style import Style
from deployer.report.template_values import change_text
from deployer.report.text import clean, pluralize


def drift_lines(
    drifts: Sequence[StackDrift], sources: Mapping[tuple[str, str], str], style: Style
) -> Iterator[str]:
    """Yield the lines of all drifted stacks.

    *sources* has the line of code that defines each resource, by the names of stack and resource.
    """
    drifted = [drift for drift in drifts if drift.resources or drift.errors]
    number = sum(len(drift.resources) for drift in drifts)
    text = f"{pluralize(number, 'resource')} changed outside of CloudFormation"
    yield style("bold", f"drift: {text} in {pluralize(len(drifts), 'stack')}")
    for drift in drifted:
        yield f"{style('bold', clean(drift.short_name))}  {style('dim', clean(drift.stack))}"
        for error in drift.errors:
            yield f"  ! {style('red', f'not checked: {clean(error)}')}"
        for resource in drift.resources:
            source = sources.get((drift.stack, resource.name), "")
            yield from _resource_lines(drift, resource, source, style)


def drift_data(drift: StackDrift) -> dict[str, Any]:
    """Return the drift of one stack as plain values."""
    return {
        "stack": drift.stack,
        "region": drift.region,
        "errors": [*drift.errors],
        "resources": [
            {
                "resource": resource.name,
                "type": resource.drift.type,
                "physical_id": resource.drift.physical_id,
                "is_deleted": resource.drift.is_deleted,
                "properties": [
                    _property_data(drift, resource, item) for item in resource.drift.properties
                ],
            }
            for resource in drift.resources
        ],
    }


def _property_data(
    drift: StackDrift, resource: DriftedResource, item: PropertyDrift
) -> dict[str, Any]:
    ignored = drift.ignored_by(resource, item)
    return {
        "property": item.path,
        "expected": _masked(item.path, item.expected),
        "actual": _masked(item.path, item.actual),
        "ignored_until": ignored.until if ignored else None,
    }


def _resource_lines(
    drift: StackDrift, resource: DriftedResource, source: str, style: Style
) -> Iterator[str]:
    change = "deleted" if resource.drift.is_deleted else "changed"
    mark, emphasis = ("-", "red") if resource.drift.is_deleted else ("~", "yellow")
    place = f"  ({clean(source)})" if source else ""
    text = (
        f"{clean(resource.name)}  {clean(resource.drift.type)}  {change} outside of CloudFormation"
    )
    yield f"  {style('red' if emphasis == 'red' else 'yellow', mark)} {text}{place}"
    for item in resource.drift.properties:
        ignored = drift.ignored_by(resource, item)
        note = "expected → actual"
        if ignored:
            note = f"ignored until {ignored.until}: {clean(ignored.reason)}"
        values = change_text(item.path.rpartition("/")[2], item.expected, item.actual)
        line = f"      {clean(item.path)}: {values}  # {note}"
        yield style("dim", line) if ignored else line


def _masked(path: str, value: str | None) -> str | None:
    return None if value is None else masked(path.rpartition("/")[2], value)
