"""Databases and tables."""

from __future__ import annotations

from collections.abc import Iterator

from deployer.policy.model import Resource, Templates, Violation, each
from deployer.policy.values import false, mapping, number, true

_RDS = ("RDS::DBInstance", "RDS::DBCluster")
_TABLES = ("DynamoDB::Table",)


def _member(one: Resource) -> bool:
    """An instance of a cluster has from it what is asked here."""
    return bool(one.get("DBClusterIdentifier")) and one.type == "AWS::RDS::DBInstance"


encrypted = each(
    *_RDS,
    ok=lambda one: _member(one) or true(one.get("StorageEncrypted")),
    message="is not encrypted",
)
private = each(
    "RDS::DBInstance",
    ok=lambda one: false(one.get("PubliclyAccessible")),
    message="does not say that it has no public address",
)
protected = each(
    *_RDS,
    ok=lambda one: _member(one) or true(one.get("DeletionProtection")),
    message="can be deleted: no DeletionProtection",
    protected=True,
)
managed_password = each(
    *_RDS,
    ok=lambda one: (
        _member(one)
        or (true(one.get("ManageMasterUserPassword")) and not one.get("MasterUserPassword"))
    ),
    message="has a master password that RDS does not keep and rotate",
)
tokens = each(
    *_RDS,
    ok=lambda one: _member(one) or true(one.get("EnableIAMDatabaseAuthentication")),
    message="takes passwords only: no EnableIAMDatabaseAuthentication",
)
tagged_snapshots = each(
    *_RDS,
    ok=lambda one: _member(one) or true(one.get("CopyTagsToSnapshot")),
    message="makes snapshots that nobody can tell apart: no CopyTagsToSnapshot",
)
recoverable = each(
    *_TABLES,
    ok=lambda one: true(one.get("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled")),
    message="cannot be brought back to an earlier time",
)
kept_table = each(
    *_TABLES,
    ok=lambda one: true(one.get("DeletionProtectionEnabled")),
    message="can be deleted: no DeletionProtectionEnabled",
    protected=True,
)


def backed_up(templates: Templates) -> Iterator[Violation]:
    """A week where the environment is protected; elsewhere a day, so that there is one."""
    least = 7 if templates.env.protect else 1
    for one in templates.of(*_RDS):
        days = number(one.get("BackupRetentionPeriod"))
        if not _member(one) and (days is None or days < least):
            yield one.found(f"has backups of fewer days than {least}")


def forced_tls(templates: Templates) -> Iterator[Violation]:
    """The parameter group says it; without one of ours it is as AWS likes it."""
    for one in templates.of(*_RDS):
        name = one.get("DBParameterGroupName") or one.get("DBClusterParameterGroupName")
        groups = [*templates.reached(one.stack, name)]
        if not _member(one) and not any(_forces(group) for group in groups):
            yield one.found("talks without TLS: no parameter group with rds.force_ssl 1")


def _forces(group: Resource) -> bool:
    return str(mapping(group.get("Parameters")).get("rds.force_ssl")) == "1"
