"""Retention of resources that hold data."""

from __future__ import annotations

from typing import Any

from deployer.model import Env


def retention_policies(env: Env) -> dict[str, Any]:
    """Return DeletionPolicy and UpdateReplacePolicy: retain the resource in a protected environment.

    A resource of a failed creation holds no data, so it is deleted: a retained bucket or
    repository has the same name as the next attempt's, which would then fail.
    """
    if not env.protect:
        return {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}
    return {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
