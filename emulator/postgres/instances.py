"""MiniStack's records of RDS DB instances, and the settings and access rules of their databases."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployer.errors import EmulatorError
from emulator.ministack import context, database, policies
from emulator.postgres.binaries import Kind
from emulator.postgres.database import DatabaseSettings

Record = dict[str, Any]
SECRET = "MasterUserSecret"  # noqa: S105  The name of a property.
_KIND = "_PostgreSQL"  # The kind of PostgreSQL; only a completely created instance has it.
_TLS_REQUIRED_SINCE = 15  # The first major version that requires TLS by default.

_log = logging.getLogger("emulator.postgres")


def is_postgres(instance: Mapping[str, Any]) -> bool:
    """Return whether an instance is for PostgreSQL, by its record, properties or parameters."""
    return instance.get("Engine") == "postgres" and not instance.get("DBClusterIdentifier")


def database_settings(record: Record, kind: Kind) -> DatabaseSettings:
    """Return the settings of the database of *record*."""
    return DatabaseSettings(
        id=record["DbiResourceId"],
        port=record["Endpoint"]["Port"],
        kind=kind,
        version=record["EngineVersion"],
        master_user=record["MasterUsername"],
        password=record["_MasterUserPassword"],
        database=record["DBName"],
    )


def set_available(record: Record, created: DatabaseSettings, address: str) -> None:
    """Record that the database was created, and its address."""
    record["Endpoint"].update(Address=address, Port=created.port)
    record[_KIND] = created.kind
    record["DBInstanceStatus"] = "available"


def delete_secret(record: Record) -> None:
    """Delete the secret with the master password, if RDS manages one."""
    if secret := record.pop(SECRET, None):
        database.delete_secret(secret["SecretArn"])


def used_ports() -> set[int]:
    """Return the ports of all databases in all accounts."""
    return {record["Endpoint"]["Port"] for _, record in _stored_records() if _KIND in record}


def stored_databases() -> list[tuple[DatabaseSettings, InstanceAuth]]:
    """Return all databases; delete the records of databases that were not created completely."""
    stored = []
    for (account, region, name), record in _stored_records():
        if _KIND in record:
            settings = database_settings(record, record[_KIND])
            stored.append((settings, InstanceAuth(account, region, name)))
        elif is_postgres(record):
            _log.warning("%s was deleted: the server was killed while it was created", name)
            with context.scope(account, region):
                del database.instances[name]
                delete_secret(record)
    return stored


def _stored_records() -> list[tuple[tuple[str, ...], Record]]:
    return context.items_of_all_accounts(database.instances)


@dataclass(frozen=True)
class InstanceAuth:
    """The AuthPolicy of the DB instance *name*, which reads the current record of the instance."""

    account: str
    region: str
    name: str

    def requires_tls(self) -> bool:
        """Return the value of rds.force_ssl in the parameter group, or its family's default."""
        with context.scope(self.account, self.region):
            name = self._record()["DBParameterGroups"][0]["DBParameterGroupName"]
            group = database.parameter_groups.get(name, {})
        parameter = group.get("Parameters", {}).get("rds.force_ssl")
        if parameter:
            return bool(parameter["ParameterValue"] in {"1", "true"})
        family = group.get("DBParameterGroupFamily") or name.removeprefix("default.")
        major_version = int(family.removeprefix("postgres").partition(".")[0] or 0)
        return major_version >= _TLS_REQUIRED_SINCE

    def token_error(self, user: str, token: str) -> str | None:
        """Return why *token* is refused: signature, age, user or permission; else None."""
        with context.scope(self.account, self.region):
            record = self._record()
            if not record["IAMDatabaseAuthenticationEnabled"]:
                return "IAM authentication is not enabled"
            host, port = record["Endpoint"]["Address"], record["Endpoint"]["Port"]
            return policies.token_refusal(
                token, host=host, port=port, user=user, resource_id=record["DbiResourceId"]
            )

    def _record(self) -> Record:
        record: Record | None = database.instances.get(self.name)
        if record is None:
            raise EmulatorError(f"DB instance {self.name} is being deleted")
        return record
