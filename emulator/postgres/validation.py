"""RDS's errors for invalid parameters; docs/emulator.md describes which are verified."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Parameters = Mapping[str, Any]  # Of a call, or properties of a template: the names are the same.

_RESERVED = {"admin", "rdsadmin", "rdsrepladmin", "rds_superuser", "rds_iam", "user", "public"}
_MIN_STORAGE_GB = {"gp2": 20, "gp3": 20, "io1": 100, "io2": 100}
_NOT_IN_PASSWORDS = set('/@" ')
_DATA_SOURCES = ("DBSnapshotIdentifier", "SourceDBInstanceIdentifier", "SourceDbiResourceId")


@dataclass(frozen=True)
class Refusal:
    """The message and the code of an error."""

    message: str
    code: str = "InvalidParameterValue"


@dataclass(frozen=True)
class ExistingGroups:
    """The groups of the account: parameter groups with their families, and subnet groups."""

    families: Mapping[str, str]
    subnets: Collection[str]


PROTECTED = Refusal(
    "Cannot delete protected DB Instance, please disable deletion protection and try again.",
    "InvalidParameterCombination",
)
NO_FINAL_SNAPSHOT = Refusal(
    "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
    "InvalidParameterCombination",
)
MANAGED = Refusal(
    "You can't specify MasterUserPassword for an instance with ManageMasterUserPassword enabled.",
    "InvalidParameterCombination",
)
NO_DATA = Refusal("snapshots and replicas contain no data in the emulator (docs/emulator.md)")


def new_instance_errors(parameters: Parameters, groups: ExistingGroups) -> Iterator[Refusal]:
    """Yield the errors of a new DB instance."""
    if any(parameters.get(name) for name in _DATA_SOURCES):
        yield NO_DATA
    yield from _user_errors(parameters)
    is_managed = is_true(parameters.get("ManageMasterUserPassword"))
    if not is_managed and not parameters.get("MasterUserPassword"):
        yield _blank("MasterUserPassword")
    yield from instance_errors(parameters, groups)
    if not re.fullmatch(r"([A-Za-z]\w*)?", parameters.get("DBName") or "", re.ASCII):
        yield Refusal("DBName must begin with a letter and contain only alphanumeric characters.")
    subnets = parameters.get("DBSubnetGroupName")
    if subnets and subnets not in {"default", *groups.subnets}:
        yield Refusal(f"DBSubnetGroup '{subnets}' not found.", "DBSubnetGroupNotFoundFault")


def instance_errors(parameters: Parameters, groups: ExistingGroups) -> Iterator[Refusal]:
    """Yield the errors of a new or a changed DB instance."""
    yield from _password_errors(parameters)
    yield from _parameter_group_errors(parameters, groups)
    kind = parameters.get("StorageType") or "gp2"
    size = int(parameters.get("AllocatedStorage") or 0)
    if 0 < size < _MIN_STORAGE_GB.get(kind, 0):
        subject = f"engine name postgres and storage type {kind}"
        yield Refusal(f"Invalid storage size for {subject}: {size}")


def subnet_group_errors(zones: Collection[str]) -> Iterator[Refusal]:
    """Yield the errors of a subnet group in these Availability Zones."""
    if len(zones) < 2:
        covered = ", ".join(sorted(zones))
        yield Refusal(
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. "
            f"Current AZ coverage: {covered}. Add subnets to cover at least 2 AZs.",
            "DBSubnetGroupDoesNotCoverEnoughAZs",
        )


def is_true(value: object) -> bool:
    """Return whether a boolean of a template or a call is true."""
    return str(value).lower() == "true"


def _user_errors(parameters: Parameters) -> Iterator[Refusal]:
    name = parameters.get("MasterUsername")
    if not name:
        yield _blank("MasterUsername")
    elif name.lower() in _RESERVED or name.lower().startswith("pg_"):
        yield Refusal(
            f"MasterUsername {name} cannot be used as it is a reserved word used by the engine"
        )


def _password_errors(parameters: Parameters) -> Iterator[Refusal]:
    password = parameters.get("MasterUserPassword")
    if not password:
        return
    if is_true(parameters.get("ManageMasterUserPassword")):
        message = "You can't specify MasterUserPassword when ManageMasterUserPassword is enabled."
        yield Refusal(message, "InvalidParameterCombination")
    if len(password) < 8:
        reason = "it is shorter than 8 characters."
        yield Refusal(f"The parameter MasterUserPassword is not a valid password because {reason}")
    if _NOT_IN_PASSWORDS & set(password) or not password.isascii() or not password.isprintable():
        yield Refusal(
            "The parameter MasterUserPassword is not a valid password. "
            "Only printable ASCII characters besides '/', '@', '\"', ' ' may be used."
        )


def _parameter_group_errors(parameters: Parameters, groups: ExistingGroups) -> Iterator[Refusal]:
    group = parameters.get("DBParameterGroupName") or ""
    if not group or group.startswith("default."):
        return
    if group not in groups.families:
        yield Refusal(f"DBParameterGroup not found: {group}", "DBParameterGroupNotFound")
        return
    family = groups.families[group]
    major_version = str(parameters.get("EngineVersion") or "").partition(".")[0]
    if major_version and family != f"postgres{major_version}":
        yield Refusal(
            f"The parameter group {group} with DBParameterGroupFamily {family} can't be used for "
            f"this instance. Use a parameter group with DBParameterGroupFamily "
            f"postgres{major_version}.",
            "InvalidParameterCombination",
        )


def _blank(name: str) -> Refusal:
    return Refusal(f"The parameter {name} must be provided and must not be blank.")
