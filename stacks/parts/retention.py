"""Retention of resources that hold data."""

from __future__ import annotations

from typing import Any

from deployer.model import Env


def retention_policies(env: Env) -> dict[str, Any]:
    """Return DeletionPolicy and UpdateReplacePolicy: retain the resource in a protected environment.

    If the creation of the stack fails, the resource holds no data and is deleted. If it were
    retained, its name would exist, and the next attempt to create the stack would fail.
    """
    if not env.protect:
        return {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}
    return {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
