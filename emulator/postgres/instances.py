"""RDS's records of database instances as the databases they stand for."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployer.errors import EmulatorError
from emulator import ministack
from emulator.postgres.binaries import Kind
from emulator.postgres.databases import Wanted

Record = dict[str, Any]
SECRET = "MasterUserSecret"  # noqa: S105  RDS's name for it.
_KIND = "_PostgreSQL"  # Which PostgreSQL it runs on; only what is made completely has it.
_FORCED_SINCE = 15  # The first major version that forces TLS by default.

_log = logging.getLogger("emulator.postgres")


def is_postgres(asked: Mapping[str, Any]) -> bool:
    """Whether properties, parameters or a record are of an instance that we run."""
    return asked.get("Engine") == "postgres" and not asked.get("DBClusterIdentifier")


def wanted(record: Record, kind: Kind) -> Wanted:
    """Return the database *record* stands for."""
    return Wanted(
        id=record["DbiResourceId"],
        port=record["Endpoint"]["Port"],
        kind=kind,
        version=record["EngineVersion"],
        master=record["MasterUsername"],
        password=record["_MasterUserPassword"],
        database=record["DBName"],
    )


def settle(record: Record, given: Wanted, address: str) -> None:
    """Write down that the database is there, and where."""
    record["Endpoint"].update(Address=address, Port=given.port)
    record[_KIND] = given.kind
    record["DBInstanceStatus"] = "available"


def drop_secret(record: Record) -> None:
    """Remove the secret with the master password, if RDS manages one."""
    if secret := record.pop(SECRET, None):
        ministack.drop_secret(secret["SecretArn"])


def ports() -> set[int]:
    """Return the ports that databases of any account have."""
    return {record["Endpoint"]["Port"] for _, record in _all() if _KIND in record}


def kept() -> list[tuple[Wanted, Door]]:
    """Return every database there is; a record whose database was never finished is dropped."""
    found = []
    for (account, region, name), record in _all():
        if _KIND in record:
            found.append((wanted(record, record[_KIND]), Door(account, region, name)))
        elif is_postgres(record):
            _log.warning("%s was not made completely when the server died: it is gone", name)
            with ministack.scope(account, region):
                del ministack.store(ministack.rds, "_instances")[name]
                drop_secret(record)
    return found


def _all() -> list[tuple[tuple[str, ...], Record]]:
    return ministack.everywhere(ministack.store(ministack.rds, "_instances"))


@dataclass(frozen=True)
class Door:
    """What RDS knows of instance *name*, as it is when asked: a front's gate."""

    account: str
    region: str
    name: str

    def forces_tls(self) -> bool:
        """Read rds.force_ssl of the instance's parameter group; its default is the family's."""
        with ministack.scope(self.account, self.region):
            group = self._record()["DBParameterGroups"][0]["DBParameterGroupName"]
            kept = ministack.store(ministack.rds, "_param_groups").get(group, {})
        parameter = kept.get("Parameters", {}).get("rds.force_ssl")
        if parameter:
            return bool(parameter["ParameterValue"] in {"1", "true"})
        family = kept.get("DBParameterGroupFamily") or group.removeprefix("default.")
        return int(family.removeprefix("postgres").partition(".")[0] or 0) >= _FORCED_SINCE

    def refusal(self, user: str, token: str) -> str | None:
        """Have the emulator check signature, age and user of *token*, and who may rds-db:connect."""
        with ministack.scope(self.account, self.region):
            record = self._record()
            if not record["IAMDatabaseAuthenticationEnabled"]:
                return "IAM authentication is not enabled"
            host, port = record["Endpoint"]["Address"], record["Endpoint"]["Port"]
            return ministack.token_refusal(
                token, host=host, port=port, user=user, database=record["DbiResourceId"]
            )

    def _record(self) -> Record:
        found: Record | None = ministack.store(ministack.rds, "_instances").get(self.name)
        if found is None:
            raise EmulatorError(f"database instance {self.name} is being deleted")
        return found
