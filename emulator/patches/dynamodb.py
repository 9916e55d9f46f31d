"""DynamoDB: a stack makes a table by the call a caller would, with all that goes with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from emulator import ministack
from emulator.ministack import Props

Made = tuple[str, dict[str, Any]]

_TABLE = "AWS::DynamoDB::Table"
_OF_CALL = (
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


def close() -> None:
    """Let DynamoDB's own checks decide, and keep what is set beside the table."""
    ministack.wrap_type(_TABLE, "create", _by_its_call)
    ministack.wrap_type(_TABLE, "update", _with_settings)
    ministack.wrap_type(_TABLE, "delete", _unless_protected)


def _by_its_call(_create: Callable[..., Made]) -> Callable[..., Made]:
    def creating(title: str, props: Props, stack: str) -> Made:
        name = props.get("TableName") or ministack.physical_name(stack, title, max_len=255)
        asked = {key: props[key] for key in _OF_CALL if key in props}
        if stream := props.get("StreamSpecification"):
            asked["StreamSpecification"] = {"StreamEnabled": True, **stream}
        made = _call("_create_table", TableName=name, **asked)["TableDescription"]
        _set(name, props, {})
        attributes = {"Arn": made["TableArn"]}
        if "LatestStreamArn" in made:
            attributes["StreamArn"] = made["LatestStreamArn"]
        return name, attributes

    return creating


def _with_settings(update: Callable[..., Made]) -> Callable[..., Made]:
    def updating(made: str, old: Props, new: Props, *rest: Any) -> Made:
        name, attributes = update(made, old, new, *rest)
        _set(name, new, old)
        return name, attributes

    return updating


def _unless_protected(delete: Callable[..., None]) -> Callable[..., None]:
    def deleting(name: str, props: Props) -> None:
        table = ministack.store(ministack.dynamodb, "_tables").get(name) or {}
        if table.get("DeletionProtectionEnabled"):
            message = "Resource cannot be deleted as it is currently protected against deletion. "
            raise ValueError(f"{message}Disable deletion protection first. (Service: DynamoDb)")
        delete(name, props)
        for kept in ("_pitr_settings", "_ttl_settings"):
            ministack.store(ministack.dynamodb, kept).pop(name, None)
        ministack.store(ministack.dynamodb, "_tags").pop(table.get("TableArn", ""), None)

    return deleting


def _set(name: str, props: Props, old: Props) -> None:
    recovery = "PointInTimeRecoverySpecification"
    if recovery in props or recovery in old:
        wanted = props.get(recovery) or {"PointInTimeRecoveryEnabled": False}
        _call("_update_continuous_backups", TableName=name, **{recovery: wanted})
    expiry = "TimeToLiveSpecification"
    if props.get(expiry) != old.get(expiry):
        off = {**old.get(expiry, {}), "Enabled": False}
        _call("_update_ttl", TableName=name, **{expiry: props.get(expiry) or off})


def _call(function: str, **data: Any) -> dict[str, Any]:
    status, _, body = ministack.store(ministack.dynamodb, function)(data)
    said: dict[str, Any] = json.loads(body)
    if status >= 400:
        text = said.get("message") or said.get("Message")
        raise ValueError(f"{text} (Service: DynamoDb, Status Code: {status})")
    return said
