"""Create the tables of stacks with CreateTable, and apply all their settings."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any

from emulator.ministack import cloudformation, lookup, services
from emulator.ministack.cloudformation import Created, Props, ResourceType
from emulator.ministack.context import Response
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A table of a stack is validated like one created by CreateTable, and has the point-in-time "
        "recovery, TTL and encryption of its template.",
        source="AWS::DynamoDB::Table; API reference of CreateTable",
        ministack="Unused attributes and existing names are accepted; the settings are dropped.",
        test="test_invalid_table",
    ),
    Difference(
        "A stack does not delete a table with deletion protection.",
        source="DynamoDB developer guide, Using deletion protection",
        ministack="Deleted.",
        test="test_deletion_protection",
    ),
)
UPSTREAM = True

_TABLE = ResourceType("AWS::DynamoDB::Table")
_CREATE_PARAMETERS = (
    "AttributeDefinitions",
    "BillingMode",
    "DeletionProtectionEnabled",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "OnDemandThroughput",
    "ProvisionedThroughput",
    "SSESpecification",
    "TableClass",
    "Tags",
)
_RECOVERY = "PointInTimeRecoverySpecification"
_TTL = "TimeToLiveSpecification"

Call = Callable[[dict[str, Any]], Response]

_tables: Any = lookup.attribute(services.dynamodb, "_tables")
_tags: Any = lookup.attribute(services.dynamodb, "_tags")
_settings: tuple[Any, ...] = (
    lookup.attribute(services.dynamodb, "_pitr_settings"),
    lookup.attribute(services.dynamodb, "_ttl_settings"),
)
_create_table: Call = lookup.attribute(services.dynamodb, "_create_table")
_update_backups: Call = lookup.attribute(services.dynamodb, "_update_continuous_backups")
_update_ttl: Call = lookup.attribute(services.dynamodb, "_update_ttl")


def install() -> None:
    """Install the patch."""
    _TABLE.create.replace(_create)
    _TABLE.update.after(_update)
    _TABLE.delete.before(_check_protection)
    _TABLE.delete.around(_delete)


def _create(title: str, props: Props, stack: str) -> Created:
    name = props.get("TableName") or cloudformation.physical_name(stack, title, max_len=255)
    parameters = {key: props[key] for key in _CREATE_PARAMETERS if key in props}
    if stream := props.get("StreamSpecification"):
        parameters["StreamSpecification"] = {"StreamEnabled": True, **stream}
    table = _call(_create_table, TableName=name, **parameters)["TableDescription"]
    _apply_settings(name, props, {})
    attributes = {"Arn": table["TableArn"]}
    if "LatestStreamArn" in table:
        attributes["StreamArn"] = table["LatestStreamArn"]
    return name, attributes


def _update(updated: Created, _name: str, old: Props, new: Props, *_rest: Any) -> Created:
    _apply_settings(updated[0], new, old)
    return updated


def _check_protection(name: str, _props: Props) -> None:
    table = _tables.get(name) or {}
    if table.get("DeletionProtectionEnabled"):
        message = "Resource cannot be deleted as it is currently protected against deletion. "
        raise ValueError(f"{message}Disable deletion protection first. (Service: DynamoDb)")


def _delete(delete: Callable[[str, Props], None], name: str, props: Props) -> None:
    """Delete a table with its settings and its tags."""
    arn = (_tables.get(name) or {}).get("TableArn", "")
    delete(name, props)
    for settings in _settings:
        settings.pop(name, None)
    _tags.pop(arn, None)


def _apply_settings(name: str, props: Props, old: Props) -> None:
    if _RECOVERY in props or _RECOVERY in old:
        recovery = props.get(_RECOVERY) or {"PointInTimeRecoveryEnabled": False}
        _call(_update_backups, TableName=name, **{_RECOVERY: recovery})
    if props.get(_TTL) != old.get(_TTL):
        disabled = {**old.get(_TTL, {}), "Enabled": False}
        _call(_update_ttl, TableName=name, **{_TTL: props.get(_TTL) or disabled})


def _call(function: Call, **data: Any) -> dict[str, Any]:
    status, _, body = function(data)
    result: dict[str, Any] = json.loads(body)
    if status >= http.client.BAD_REQUEST:
        message = result.get("message") or result.get("Message") or ""
        raise services.refusal(message, "DynamoDb", status)
    return result
