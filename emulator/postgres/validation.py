"""What RDS does not make, in its words; docs/emulator.md says which of them are verified."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Asked = Mapping[str, Any]  # A stack's properties, or a call's parameters: they have one spelling.

_RESERVED = {"admin", "rdsadmin", "rdsrepladmin", "rds_superuser", "rds_iam", "user", "public"}
_LEAST_STORAGE = {"gp2": 20, "gp3": 20, "io1": 100, "io2": 100}
_NOT_IN_PASSWORDS = set('/@" ')
_FROM_DATA = ("DBSnapshotIdentifier", "SourceDBInstanceIdentifier", "SourceDbiResourceId")


@dataclass(frozen=True)
class Refusal:
    """One no."""

    message: str
    code: str = "InvalidParameterValue"


@dataclass(frozen=True)
class Groups:
    """What the account has: parameter groups with their families, and subnet groups."""

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
NO_DATA = Refusal("here no snapshot and no replica holds data (docs/emulator.md)")


def of_new(asked: Asked, groups: Groups) -> Iterator[Refusal]:
    """Yield what is wrong with a new instance."""
    if any(asked.get(name) for name in _FROM_DATA):
        yield NO_DATA
    yield from _user(asked)
    if not is_true(asked.get("ManageMasterUserPassword")) and not asked.get("MasterUserPassword"):
        yield _blank("MasterUserPassword")
    yield from of_any(asked, groups)
    if not re.fullmatch(r"([A-Za-z]\w*)?", asked.get("DBName") or "", re.ASCII):
        yield Refusal("DBName must begin with a letter and contain only alphanumeric characters.")
    subnets = asked.get("DBSubnetGroupName")
    if subnets and subnets not in {"default", *groups.subnets}:
        yield Refusal(f"DBSubnetGroup '{subnets}' not found.", "DBSubnetGroupNotFoundFault")


def of_any(asked: Asked, groups: Groups) -> Iterator[Refusal]:
    """Yield what is wrong with an instance, be it new or changed."""
    yield from _password(asked)
    yield from _parameters(asked, groups)
    kind, size = asked.get("StorageType") or "gp2", int(asked.get("AllocatedStorage") or 0)
    if 0 < size < _LEAST_STORAGE.get(kind, 0):
        what = f"engine name postgres and storage type {kind}"
        yield Refusal(f"Invalid storage size for {what}: {size}")


def of_zones(zones: Collection[str]) -> Iterator[Refusal]:
    """Yield what is wrong with a subnet group in these *zones*."""
    if len(zones) < 2:
        covered = ", ".join(sorted(zones))
        yield Refusal(
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. "
            f"Current AZ coverage: {covered}. Add subnets to cover at least 2 AZs.",
            "DBSubnetGroupDoesNotCoverEnoughAZs",
        )


def is_true(value: object) -> bool:
    """Whether a template's or a call's boolean is true."""
    return str(value).lower() == "true"


def _user(asked: Asked) -> Iterator[Refusal]:
    name = asked.get("MasterUsername")
    if not name:
        yield _blank("MasterUsername")
    elif name.lower() in _RESERVED or name.lower().startswith("pg_"):
        yield Refusal(
            f"MasterUsername {name} cannot be used as it is a reserved word used by the engine"
        )


def _password(asked: Asked) -> Iterator[Refusal]:
    password = asked.get("MasterUserPassword")
    if not password:
        return
    if is_true(asked.get("ManageMasterUserPassword")):
        message = "You can't specify MasterUserPassword when ManageMasterUserPassword is enabled."
        yield Refusal(message, "InvalidParameterCombination")
    if len(password) < 8:
        why = "it is shorter than 8 characters."
        yield Refusal(f"The parameter MasterUserPassword is not a valid password because {why}")
    if _NOT_IN_PASSWORDS & set(password) or not password.isascii() or not password.isprintable():
        yield Refusal(
            "The parameter MasterUserPassword is not a valid password. "
            "Only printable ASCII characters besides '/', '@', '\"', ' ' may be used."
        )


def _parameters(asked: Asked, groups: Groups) -> Iterator[Refusal]:
    group = asked.get("DBParameterGroupName") or ""
    if not group or group.startswith("default."):
        return
    if group not in groups.families:
        yield Refusal(f"DBParameterGroup not found: {group}", "DBParameterGroupNotFound")
        return
    family, major = groups.families[group], str(asked.get("EngineVersion") or "").partition(".")[0]
    if major and family != f"postgres{major}":
        yield Refusal(
            f"The parameter group {group} with DBParameterGroupFamily {family} can't be used for "
            f"this instance. Use a parameter group with DBParameterGroupFamily postgres{major}.",
            "InvalidParameterCombination",
        )


def _blank(name: str) -> Refusal:
    return Refusal(f"The parameter {name} must be provided and must not be blank.")
