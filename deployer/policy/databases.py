"""Rules for RDS databases and DynamoDB tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from deployer.policy.model import Resource, Templates, Violation, for_each_resource
from deployer.policy.values import as_int, as_list, as_mapping, get, is_false, is_true

_RDS = ("RDS::DBInstance", "RDS::DBCluster")
_TABLES = ("DynamoDB::Table", "DynamoDB::GlobalTable")


def _replicas(table: Resource) -> Sequence[Any]:
    """Return the properties of each replica of a global table; for another table, its own properties."""
    return as_list(table.get("Replicas") or table.properties)


def is_cluster_member(database: Resource) -> bool:
    """Return whether *database* is an instance of a cluster, which has the settings in its place."""
    return bool(database.get("DBClusterIdentifier")) and database.type == "AWS::RDS::DBInstance"


def _is_replica(database: Resource) -> bool:
    """Return whether *database* is a read replica, which inherits encryption and master password."""
    return any(
        database.get(key)
        for key in (
            "ReplicationSourceIdentifier",
            "SourceDBClusterIdentifier",
            "SourceDBInstanceIdentifier",
            "SourceDbiResourceId",
        )
    )


encrypted = for_each_resource(
    *_RDS,
    is_valid=lambda database: (
        is_cluster_member(database)
        or _is_replica(database)
        or is_true(database.get("StorageEncrypted"))
    ),
    message="is not encrypted: no StorageEncrypted",
)
private = for_each_resource(
    *_RDS,
    is_valid=lambda database: (
        is_false(database.get("PubliclyAccessible"))
        # The instances of an Aurora cluster have the property in its place.
        or (database.type == "AWS::RDS::DBCluster" and not database.get("PubliclyAccessible"))
    ),
    message="may have a public address: PubliclyAccessible is not false",
)
protected = for_each_resource(
    *_RDS,
    is_valid=lambda database: (
        is_cluster_member(database) or is_true(database.get("DeletionProtection"))
    ),
    message="can be deleted: no DeletionProtection",
    protected=True,
)
managed_password = for_each_resource(
    *_RDS,
    is_valid=lambda database: (
        is_cluster_member(database)
        or _is_replica(database)
        or (
            is_true(database.get("ManageMasterUserPassword"))
            and not database.get("MasterUserPassword")
        )
    ),
    message="has a master password that RDS does not manage: no ManageMasterUserPassword",
)
iam_authentication = for_each_resource(
    *_RDS,
    is_valid=lambda database: (
        is_cluster_member(database) or is_true(database.get("EnableIAMDatabaseAuthentication"))
    ),
    message="has no IAM authentication: no EnableIAMDatabaseAuthentication",
)
tagged_snapshots = for_each_resource(
    *_RDS,
    is_valid=lambda database: (
        is_cluster_member(database) or is_true(database.get("CopyTagsToSnapshot"))
    ),
    message="creates snapshots without tags: no CopyTagsToSnapshot",
)
recoverable = for_each_resource(
    *_TABLES,
    is_valid=lambda table: all(
        is_true(get(replica, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"))
        for replica in _replicas(table)
    ),
    message="has no point-in-time recovery",
)
protected_table = for_each_resource(
    *_TABLES,
    is_valid=lambda table: all(
        is_true(get(replica, "DeletionProtectionEnabled")) for replica in _replicas(table)
    ),
    message="can be deleted: no DeletionProtectionEnabled",
    protected=True,
)


def backed_up(templates: Templates) -> Iterator[Violation]:
    """Backups are kept for at least a week in protected environments, and for a day in others."""
    minimum_days = 7 if templates.env.protect else 1
    for database in templates.of_type(*_RDS):
        # RDS keeps backups for a day by default, but those of a read replica only on request.
        default = "0" if _is_replica(database) else "1"
        days = as_int(database.get("BackupRetentionPeriod") or default)
        if not is_cluster_member(database) and (days is None or days < minimum_days):
            yield database.violation(f"keeps backups for fewer days than {minimum_days}")


def forced_tls(templates: Templates) -> Iterator[Violation]:
    """A parameter group of the templates sets rds.force_ssl; the default differs by engine version."""
    for database in templates.of_type(*_RDS):
        name = database.get("DBParameterGroupName") or database.get("DBClusterParameterGroupName")
        groups = [*templates.referenced(database.stack, name)]
        if not is_cluster_member(database) and not any(_forces_tls(group) for group in groups):
            yield database.violation(
                "accepts connections without TLS: no parameter group sets rds.force_ssl to 1"
            )


def _forces_tls(group: Resource) -> bool:
    return str(as_mapping(group.get("Parameters")).get("rds.force_ssl")) == "1"
