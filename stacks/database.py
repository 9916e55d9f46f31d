"""PostgreSQL, where nothing but our own services and functions can reach it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from awacs import rds_db
from awacs.aws import Statement
from troposphere import Sub, ec2, rds
from troposphere.logs import LogGroup

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks.network import Network
from stacks.parts import postgresql
from stacks.parts.iam import allow
from stacks.parts.names import name_tag, resource_name
from stacks.parts.retention import retention_policies

PORT = 5432

# Who there is in the database. The master makes the two others and has a password, which RDS
# keeps and rotates; they have none: they come with a token of IAM, good for fifteen minutes.
MASTER = "overseer"
MIGRATOR = "migrator"  # Owns the tables, and changes them.
APPLICATION = "application"  # Reads and writes what is in them.

LOGS = {  # What PostgreSQL writes there, and the title of the group it goes to.
    "iam-db-auth-error": "RefusedTokens",
    "postgresql": "DatabaseLogs",
    "upgrade": "UpgradeLogs",
}

_TIME = "([01][0-9]|2[0-3]):[0-5][0-9]"
_DAY = "(mon|tue|wed|thu|fri|sat|sun)"
Window = Annotated[
    str,
    fields.described(
        "half an hour or more of each day in UTC, such as 07:00-07:30",
        pattern=f"^{_TIME}-{_TIME}$",
    ),
]
WeeklyWindow = Annotated[
    str,
    fields.described(
        "half an hour or more of each week in UTC, such as sun:08:00-sun:08:30",
        pattern=f"^{_DAY}:{_TIME}-{_DAY}:{_TIME}$",
    ),
]


class Settings(fields.Settings, frozen=True):
    """The `[database]` table."""

    engine_version: Annotated[
        postgresql.Version,
        fields.described("a version of PostgreSQL that RDS creates, such as 18.6"),
    ]
    instance_class: Annotated[
        str, fields.one_of("an instance class of RDS, such as db.t4g.micro", postgresql.CLASSES)
    ]
    multi_az: bool
    storage_gib: Annotated[int, fields.described("a size from 20 to 52428 GiB", ge=20, le=52428)]
    storage_limit_gib: Annotated[
        int, fields.described("a size from 25 to 65536 GiB", ge=25, le=65536)
    ]
    backup_days: Annotated[int, fields.described("1 to 35 days", ge=1, le=35)]
    log_retention_days: fields.LogRetentionDays
    slow_statement_ms: Annotated[
        int, fields.described("a number of milliseconds", ge=1, le=2**31 - 1)
    ] = 1000
    backup_window: Window = "07:00-07:30"
    maintenance_window: WeeklyWindow = "sun:08:00-sun:08:30"

    def __post_init__(self) -> None:
        """RDS wants room to grow by a tenth, and recommends a quarter; and windows apart."""
        if self.storage_limit_gib * 4 < self.storage_gib * 5:
            fact = (
                f"{self.storage_limit_gib} leaves storage_gib = {self.storage_gib} no room to"
                f" grow; take {-(-self.storage_gib * 5 // 4)} or more"
            )
            raise fields.ConflictError(("storage_limit_gib", fact))
        _refuse_windows(self.backup_window, self.maintenance_window)

    @property
    def family(self) -> str:
        """The parameters there are: each major version has its own."""
        return f"postgres{self.engine_version.partition('.')[0]}"


def _refuse_windows(backup: str, maintenance: str) -> None:
    """Raise ConflictError for a window of less than half an hour, or two that overlap."""
    day = 24 * 60
    start, length = _window(f"mon:{backup.replace('-', '-mon:')}", period=day)
    for name, minutes in (
        ("backup_window", length),
        ("maintenance_window", _window(maintenance, period=7 * day)[1]),
    ):
        if minutes < 30:
            raise fields.ConflictError((name, f"{minutes} minutes; RDS needs 30 or more"))
    begins, lasts = _window(maintenance, period=7 * day)
    if (begins - start) % day < length or (start - begins) % day < lasts:
        fact = f"{maintenance} overlaps the backup_window, {backup}"
        raise fields.ConflictError(("maintenance_window", fact))


def _window(window: str, *, period: int) -> tuple[int, int]:
    """Return the minute of the week at which *window* begins, and how many it lasts."""
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    start, end = (
        (days.index(time[:3]) * 24 + int(time[4:6])) * 60 + int(time[7:])
        for time in window.split("-")
    )
    return start, (end - start) % period


@dataclass(frozen=True)
class Database:
    """How to reach the database, and as whom.

    Whoever needs it opens *firewall* for itself, with a rule in its own stack. A role that may
    come as a user is allowed rds-db:connect on dbuser:<resource_id>/<user>.
    """

    instance: Value
    resource_id: Value
    address: Value
    port: Value
    name: Value
    firewall: Value
    master_secret: Value
    migrator: Value
    application: Value


def connect_as(user: Value, data: Database) -> Statement:
    """Come to the database as *user*, with a token of IAM instead of a password."""
    whom = Sub(
        "arn:${AWS::Partition}:rds-db:${AWS::Region}:${AWS::AccountId}:dbuser:${Database}/${User}",
        Database=data.resource_id,
        User=user,
    )
    return allow("Connect", [rds_db.connect], whom)


def reached_as(user: Value, data: Database) -> dict[str, Value]:
    """Where the database is and as whom one comes, in libpq's own words."""
    return {
        "PGHOST": data.address,
        "PGPORT": data.port,
        "PGDATABASE": data.name,
        "PGUSER": user,
    }


def define(t: Template, env: Env, settings: Settings, net: Network) -> Database:
    """One instance in the private subnets, with its logs, parameters and firewall."""
    firewall = _firewall(t, env, net=net)
    logs = _logs(t, env, settings.log_retention_days)
    database = t.add_resource(
        rds.DBInstance(
            "Database",
            DBInstanceIdentifier=_identifier(env),
            DBName=env.project.replace("-", "_"),
            Engine="postgres",
            EngineVersion=settings.engine_version,
            AllowMajorVersionUpgrade=False,
            AutoMinorVersionUpgrade=True,
            DBInstanceClass=settings.instance_class,
            MultiAZ=settings.multi_az,
            StorageType="gp3",
            AllocatedStorage=str(settings.storage_gib),
            MaxAllocatedStorage=settings.storage_limit_gib,
            StorageEncrypted=True,
            DBSubnetGroupName=_subnets(t, env, net=net).ref(),
            VPCSecurityGroups=[firewall.get_att("GroupId")],
            Port=str(PORT),
            PubliclyAccessible=False,
            DBParameterGroupName=_parameters(t, env, settings).ref(),
            MasterUsername=MASTER,
            ManageMasterUserPassword=True,
            EnableIAMDatabaseAuthentication=True,
            BackupRetentionPeriod=settings.backup_days,
            PreferredBackupWindow=settings.backup_window,
            PreferredMaintenanceWindow=settings.maintenance_window,
            CopyTagsToSnapshot=True,
            DeleteAutomatedBackups=not env.protect,
            DeletionProtection=env.protect,
            # What CloudWatch calls Database Insights; standard, with a week kept, is free.
            DatabaseInsightsMode="standard",
            EnablePerformanceInsights=True,
            PerformanceInsightsRetentionPeriod=7,
            EnableCloudwatchLogsExports=list(LOGS),
            Tags=name_tag(env, "database"),
            DependsOn=logs,
            **_snapshot(env),
        )
    )
    return Database(
        instance=database.ref(),
        resource_id=database.get_att("DbiResourceId"),
        address=database.get_att("Endpoint.Address"),
        port=database.get_att("Endpoint.Port"),
        name=database.DBName,
        firewall=firewall.get_att("GroupId"),
        master_secret=database.get_att("MasterUserSecret.SecretArn"),
        migrator=MIGRATOR,
        application=APPLICATION,
    )


def _identifier(env: Env) -> str:
    """A name of our own, so that the groups its logs go to can be made, and expire, before it.

    CloudFormation replaces nothing that is named so: a change that would leave an empty database
    is refused, and a person moves the data first.
    """
    return resource_name(env, "database")


def _firewall(t: Template, env: Env, *, net: Network) -> ec2.SecurityGroup:
    """Nobody may come in until a stack above says who, and nothing ever goes out.

    Without a rule there would be AWS's own, to everywhere; one to nowhere takes its place.
    """
    return t.add_resource(
        ec2.SecurityGroup(
            "DatabaseFirewall",
            GroupDescription="Stacks above say who may reach the database; it reaches nobody",
            VpcId=net.vpc,
            SecurityGroupEgress=[
                ec2.SecurityGroupRule(IpProtocol="-1", CidrIp="127.0.0.1/32", Description="Nowhere")
            ],
            Tags=name_tag(env, "database"),
        )
    )


def _logs(t: Template, env: Env, days: int) -> list[LogGroup]:
    """RDS writes to groups of these names; those it made by itself would keep all for ever."""
    return [
        t.add_resource(
            LogGroup(
                title,
                LogGroupName=f"/aws/rds/instance/{_identifier(env)}/{log}",
                RetentionInDays=days,
                **retention_policies(env),
            )
        )
        for log, title in LOGS.items()
    ]


def _subnets(t: Template, env: Env, *, net: Network) -> rds.DBSubnetGroup:
    return t.add_resource(
        rds.DBSubnetGroup(
            "PrivateSubnets",
            DBSubnetGroupDescription="Where the internet has no way to",
            SubnetIds=list(net.private_subnets),
            Tags=name_tag(env, "database"),
        )
    )


def _parameters(t: Template, env: Env, settings: Settings) -> rds.DBParameterGroup:
    """TLS or nothing; slow statements are logged, but not what people wrote in them."""
    return t.add_resource(
        rds.DBParameterGroup(
            "Parameters",
            Description=f"PostgreSQL of {env.project} {env.name}",
            Family=settings.family,
            Parameters={
                "rds.force_ssl": "1",
                "log_min_duration_statement": str(settings.slow_statement_ms),
                "log_parameter_max_length": "0",
                "log_lock_waits": "1",
                "idle_in_transaction_session_timeout": "60000",
            },
            Tags=name_tag(env, "database"),
        )
    )


def _snapshot(env: Env) -> dict[str, Any]:
    """As `retention_policies`, but an instance that is gone costs nothing, and a snapshot has all that it had."""
    policy = "Snapshot" if env.protect else "Delete"
    return {"DeletionPolicy": policy, "UpdateReplacePolicy": policy}
