"""Patches of RDS."""

from __future__ import annotations

from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "RDS runs the requested version, upgrades it on request, and listens on its port.",
        source="AWS::RDS::DBInstance, EngineVersion, Port",
        ministack="PostgreSQL 16 or 18 (the log names the version), or the one of the machine if "
        "configured; 127.0.0.1 and a free port, which does not change.",
        consequence="Read address and port from the outputs; a major upgrade is not tested here.",
    ),
    Difference(
        "RDS has dozens of extensions and sorts text like en_US.UTF-8.",
        source="RDS for PostgreSQL release notes",
        ministack="The bundled PostgreSQL has plpgsql, and vector for superusers; text is sorted by code "
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
        "A snapshot contains data and can be restored; UpdateReplacePolicy creates one as well.",
        source="RDS user guide, Restoring to a DB instance; user guide, UpdateReplacePolicy",
        ministack="A snapshot is a record without data, created on deletion only; restores and replicas are refused; there are no backups.",
        consequence="The data of a deleted or replaced instance is lost here.",
    ),
    Difference(
        "An instance is `creating` and `deleting` for minutes, and can be stopped.",
        source="API reference of CreateDBInstance, StopDBInstance",
        ministack="Calls respond when the operation is complete, within two seconds; a stopped instance continues to run.",
        consequence="A deployment that waits minutes for an instance is not tested here.",
    ),
    Difference(
        "Security groups, subnets and PubliclyAccessible control the access to a database.",
        source="RDS user guide, Working with a DB instance in a VPC",
        ministack="Every process on this machine can connect, and no other.",
        consequence="Reachability is tested in the template only.",
    ),
    Difference(
        "TLS terminates in PostgreSQL: channel binding, direct TLS of version 17, pg_stat_ssl, the "
        "address of the client.",
        source="PostgreSQL documentation",
        ministack="TLS terminates in the proxy; SCRAM works through it without channel binding.",
        consequence="channel_binding=require and sslnegotiation=direct fail here.",
    ),
    Difference(
        "A master user who is granted rds_iam needs a token too; the managed secret is rotated "
        "weekly and cannot be deleted manually.",
        source="RDS user guide, IAM database authentication; Password management with Secrets "
        "Manager",
        ministack="Members of rds_superuser can always log in with their password; the secret has no weekly rotation, and can be deleted.",
        consequence="Grant rds_iam to other users; read the secret for each connection.",
    ),
    Difference(
        "RDS does not depend on the machine that deploys the template.",
        source="-",
        ministack="PostgreSQL refuses to run as root: the emulator uses a user namespace, which "
        "only Linux has, and Docker forbids by default.",
        consequence="Elsewhere, do not run as root. There is no fsync: a power failure may lose data.",
    ),
)
