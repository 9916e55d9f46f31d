"""RDS's errors for invalid parameters."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.postgres.validation import (
    ExistingGroups,
    is_true,
    new_instance_errors,
    subnet_group_errors,
)

GROUPS = ExistingGroups({"own": "postgres16"}, {"private"})
VALID = {"MasterUsername": "root_user", "MasterUserPassword": "long enough".replace(" ", "-")}


def messages(**parameters: Any) -> str:
    """Return the messages of a new instance with these parameters."""
    return "\n".join(error.message for error in new_instance_errors(VALID | parameters, GROUPS))


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"DBName": "cruddur", "DBSubnetGroupName": "private", "AllocatedStorage": "20"},
        {"DBParameterGroupName": "own", "EngineVersion": "16.4"},
        {"DBParameterGroupName": "default.postgres18", "EngineVersion": "18.1"},
        {"DBSubnetGroupName": "default"},
        {"MasterUserPassword": "", "ManageMasterUserPassword": "true"},
    ],
)
def test_valid(parameters: dict[str, Any]) -> None:
    """Valid parameters have no errors."""
    assert messages(**parameters) == ""


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"MasterUsername": ""}, "MasterUsername must be provided"),
        ({"MasterUsername": "pg_x"}, "reserved word"),
        ({"MasterUserPassword": ""}, "MasterUserPassword must be provided"),
        ({"MasterUserPassword": "x" * 7}, "shorter than 8 characters"),
        ({"ManageMasterUserPassword": True}, "ManageMasterUserPassword is enabled"),
        ({"DBParameterGroupName": "own", "EngineVersion": "18.1"}, "postgres18"),
        ({"DBParameterGroupName": "other"}, "DBParameterGroup not found: other"),
        ({"AllocatedStorage": "99", "StorageType": "io1"}, "storage type io1: 99"),
        ({"SourceDBInstanceIdentifier": "x"}, "snapshots and replicas contain no data"),
    ],
)
def test_invalid(parameters: dict[str, Any], message: str) -> None:
    """Each invalid parameter has its message."""
    assert message in messages(**parameters)


@pytest.mark.parametrize(("zones", "count"), [(["a"], 1), ([], 1), (["a", "b"], 0)])
def test_subnet_group(zones: list[str], count: int) -> None:
    """A subnet group needs two Availability Zones."""
    assert count == len(list(subnet_group_errors(zones)))


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), ("true", True), ("false", False), (None, False)]
)
def test_is_true(value: object, expected: bool) -> None:
    """A boolean of a template is text or a boolean."""
    assert expected == is_true(value)
