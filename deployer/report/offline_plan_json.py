"""Format offline plans as one JSON document, with the same content as the text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from deployer import secret_detection
from deployer.model.template_tree import format_path
from deployer.preview.values import (
    WORST_FIRST,
    CodeChange,
    OutputChange,
    Preview,
    PropertyChange,
    ResourceChange,
    StackChange,
    StatementChange,
)
from deployer.report.offline_plan import refused_outputs
from deployer.report.property_values import masked_value, name_of
from deployer.report.renames import safe_way
from deployer.report.text import JSON_VERSION, escaped


def offline_plan_json(previews: Sequence[tuple[Preview, str]]) -> str:
    """Return the plan of each environment, with its base commit, as one JSON document."""
    document = {
        "version": JSON_VERSION,
        "environments": [
            {"environment": preview.environment, "base": base, **preview_data(preview)}
            for preview, base in previews
        ],
    }
    return json.dumps(without_secrets(document), indent=2) + "\n"


def preview_data(preview: Preview) -> dict[str, Any]:
    """Return all changes of an environment as plain values."""
    return {
        "unchanged_stacks": [*preview.unchanged],
        "usd_per_month": preview.cost,
        "unaccepted": [loss.resource for loss in preview.unaccepted],
        "unmatched_acceptances": [item.resource for item in preview.unmatched],
        "renames": [
            {
                "type": rename.type,
                "before": str(rename.before),
                "after": str(rename.after),
                "name": rename.name,
                "is_equal": rename.is_equal,
                "is_retained": rename.is_retained,
                "hint": safe_way(rename),
            }
            for rename in preview.renames.found
        ],
        "ambiguous_renames": [
            {
                "type": item.type,
                "before": [str(place) for place in item.before],
                "after": [str(place) for place in item.after],
            }
            for item in preview.renames.ambiguous
        ],
        "stacks": [stack_data(stack) for stack in preview.stacks],
    }


def stack_data(stack: StackChange) -> dict[str, Any]:
    """Return all changes of a stack as plain values."""
    numbers = Counter(resource.action for resource in stack.resources)
    return {
        "stack": stack.name,
        "short_name": stack.short_name,
        "region": stack.region,
        "action": stack.action,
        "counts": {action: numbers[action] for action in WORST_FIRST if numbers[action]},
        "usd_per_month": stack.cost,
        "refused": refused_outputs(stack),
        "phases": stack.phases,
        "unknown": [asdict(value) for value in stack.unknown],
        "data_losses": [
            {
                "resource": format_path((*loss.path, loss.logical_id)),
                "type": loss.type,
                "kind": loss.kind,
                "change": loss.change,
                "consequence": loss.consequence,
            }
            for loss in stack.data_losses
        ],
        "attributes": [_property(change) for change in stack.attributes],
        "resources": [_resource(resource) for resource in stack.resources],
        "outputs": [_output(output) for output in stack.outputs],
    }


def _resource(change: ResourceChange) -> dict[str, Any]:
    return {
        "resource": change.name,
        "type": change.type,
        "action": change.action,
        "source": change.source,
        "settings": [*change.settings],
        "causes": [*change.causes],
        "properties": [_property(property_) for property_ in change.properties],
        "statements": [_statement(statement) for statement in change.statements],
        "rules": [
            {
                "direction": rule.direction,
                "before": rule.before or None,
                "after": rule.after or None,
                "grants": rule.grants,
            }
            for rule in change.rules
        ],
        "code": _code(change.code) if change.code else None,
    }


def _property(change: PropertyChange) -> dict[str, Any]:
    name = name_of(change.path)
    return {
        "property": change.name,
        "before": masked_value(name, change.before),
        "after": masked_value(name, change.after),
        "replacement": change.replacement,
        "cause": change.cause,
        "root": change.root,
        "is_write_only": change.is_write_only,
        "settings": [*change.settings],
    }


def _statement(change: StatementChange) -> dict[str, Any]:
    return {
        "statement": change.name,
        "direction": change.direction,
        "before": masked_value("Statement", change.before),
        "after": masked_value("Statement", change.after),
        "grants": change.grants,
    }


def _code(code: CodeChange) -> dict[str, Any]:
    return {
        "function": code.name,
        "files": [asdict(file) for file in code.files],
        "packages": [
            {
                "package": package.name,
                "before": package.before or None,
                "after": package.after or None,
            }
            for package in code.packages
        ],
    }


def _output(change: OutputChange) -> dict[str, Any]:
    return {
        "output": change.name,
        "direction": change.direction,
        "before": masked_value(change.name, change.before),
        "after": masked_value(change.name, change.after),
        "cause": change.cause,
        "export": change.export,
        "importers": [*change.importers],
        "is_refused": change.is_refused,
        "settings": [*change.settings],
    }


def without_secrets(node: Any) -> Any:
    """Return a part of the document with the secrets in all names and texts masked."""
    match node:
        case dict():
            return {key: without_secrets(item) for key, item in node.items()}
        case list():
            return [without_secrets(item) for item in node]
        case str():
            return secret_detection.mask_random(escaped(node))
        case _:
            return node
