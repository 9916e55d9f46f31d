"""Patches of RDS."""

from __future__ import annotations

from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "RDS runs the requested version, upgrades it on request, and listens on its port.",
        source="AWS::RDS::DBInstance, EngineVersion, Port",
        ministack="16 or 18 (the log says which), or the machine's own by setting; 127.0.0.1 and "
        "a free port, which stays the same.",
        consequence="Read address and port from the outputs; a major upgrade is not tested here.",
    ),
    Difference(
        "RDS has dozens of extensions and sorts text like en_US.UTF-8.",
        source="RDS for PostgreSQL release notes",
        ministack="The bundled one has plpgsql, and vector for superusers; text is sorted by code "
        "point.",
        consequence="No uuid-ossp and no pgcrypto: use gen_random_uuid(); name a collation where "
        "order matters.",
    ),
    Difference(
        "The server uses the parameters of its parameter group.",
        source="RDS user guide, Working with parameter groups",
        ministack="Only rds.force_ssl; its default is that of the family.",
        consequence="No other parameter is tested here.",
    ),
    Difference(
        "A snapshot has data and can be restored; UpdateReplacePolicy takes one as well.",
        source="RDS user guide, Restoring to a DB instance; user guide, UpdateReplacePolicy",
        ministack="A record, on deletion only; restoring and replicas are refused; no backups.",
        consequence="The data of a deleted or replaced instance is lost here.",
    ),
    Difference(
        "An instance is `creating` and `deleting` for minutes, and can be stopped.",
        source="API reference of CreateDBInstance, StopDBInstance",
        ministack="Calls answer when it is done, within two seconds; a stopped instance runs on.",
        consequence="A deployment that waits for it for minutes is not tested here.",
    ),
    Difference(
        "Security groups, subnets and PubliclyAccessible decide who reaches a database.",
        source="RDS user guide, Working with a DB instance in a VPC",
        ministack="Every process on this machine, no other.",
        consequence="Reachability is tested in the template only.",
    ),
    Difference(
        "TLS ends in PostgreSQL: channel binding, direct TLS of version 17, pg_stat_ssl, the "
        "address of the client.",
        source="PostgreSQL's manual",
        ministack="TLS ends in the proxy; SCRAM works through it without channel binding.",
        consequence="channel_binding=require and sslnegotiation=direct fail here.",
    ),
    Difference(
        "A master user who is granted rds_iam needs a token too; the managed secret is rotated "
        "weekly and cannot be deleted by hand.",
        source="RDS user guide, IAM database authentication; Password management with Secrets "
        "Manager",
        ministack="Members of rds_superuser always have their password; the secret is like others.",
        consequence="Grant rds_iam to other users; read the secret each time.",
    ),
    Difference(
        "RDS runs wherever the template is deployed from.",
        source="-",
        ministack="PostgreSQL refuses to run as root: the emulator uses a user namespace, which "
        "only Linux has, and Docker forbids by default.",
        consequence="There, run as another user. No fsync: a power failure may lose data.",
    ),
)
