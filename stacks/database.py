"""A PostgreSQL instance in RDS that only services and functions of this environment can reach."""

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

# The database users. RDS stores and rotates the password of the master user, which creates the
# other two users. These authenticate with IAM tokens, which are valid for fifteen minutes.
MASTER = "overseer"
MIGRATOR = "migrator"  # Owns the tables and changes their schema.
APPLICATION = "application"  # Reads and writes rows.

LOG_GROUPS = {  # Logs that RDS exports, and the titles of their log groups.
    "iam-db-auth-error": "IamAuthErrorLogGroup",
    "postgresql": "PostgresqlLogGroup",
    "upgrade": "UpgradeLogGroup",
}

_TIME = "([01][0-9]|2[0-3]):[0-5][0-9]"
_DAY = "(mon|tue|wed|thu|fri|sat|sun)"
Window = Annotated[
    str,
    fields.described(
        "a daily window of at least 30 minutes in UTC, such as 07:00-07:30",
        pattern=f"^{_TIME}-{_TIME}$",
    ),
]
WeeklyWindow = Annotated[
    str,
    fields.described(
        "a weekly window of at least 30 minutes in UTC, such as sun:08:00-sun:08:30",
        pattern=f"^{_DAY}:{_TIME}-{_DAY}:{_TIME}$",
    ),
]


class Settings(fields.Settings, frozen=True):
    """The `[database]` table."""

    engine_version: Annotated[
        postgresql.Version,
        fields.described("a PostgreSQL version that RDS can create, such as 18.6"),
    ]
    instance_class: Annotated[
        str, fields.one_of("an RDS instance class, such as db.t4g.micro", postgresql.CLASSES)
    ]
    multi_az: bool
    storage_gib: Annotated[int, fields.described("a size from 20 to 52428 GiB", ge=20, le=52428)]
    max_storage_gib: Annotated[
        int, fields.described("a size from 25 to 65536 GiB", ge=25, le=65536)
    ]
    backup_retention_days: Annotated[int, fields.described("1 to 35 days", ge=1, le=35)]
    log_retention_days: fields.LogRetentionDays
    slow_statement_ms: Annotated[
        int, fields.described("a number of milliseconds", ge=1, le=2**31 - 1)
    ] = 1000
    backup_window: Window = "07:00-07:30"
    maintenance_window: WeeklyWindow = "sun:08:00-sun:08:30"

    def __post_init__(self) -> None:
        """Raise ConflictError for storage without room to grow, and for overlapping windows.

        RDS requires room to grow by 10 % and recommends 25 %.
        """
        if self.max_storage_gib * 4 < self.storage_gib * 5:
            fact = (
                f"{self.max_storage_gib} leaves no room to grow from storage_gib = {self.storage_gib};"
                f" use {-(-self.storage_gib * 5 // 4)} or more"
            )
            raise fields.ConflictError(("max_storage_gib", fact))
        _check_windows(self.backup_window, self.maintenance_window)

    @property
    def family(self) -> str:
        """The parameter group family: each major version has its own parameters."""
        return f"postgres{self.engine_version.partition('.')[0]}"


def _check_windows(backup: str, maintenance: str) -> None:
    """Raise ConflictError for a window of less than half an hour, or two that overlap."""
    day = 24 * 60
    start, length = _window(f"mon:{backup.replace('-', '-mon:')}", period=day)
    other_start, other_length = _window(maintenance, period=7 * day)
    for name, minutes in (("backup_window", length), ("maintenance_window", other_length)):
        if minutes < 30:
            raise fields.ConflictError((name, f"{minutes} minutes; RDS requires 30 or more"))
    if (other_start - start) % day < length or (start - other_start) % day < other_length:
        fact = f"{maintenance} overlaps the backup_window, {backup}"
        raise fields.ConflictError(("maintenance_window", fact))


def _window(window: str, *, period: int) -> tuple[int, int]:
    """Return the minute of the week at which *window* starts, and its length in minutes."""
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    start, end = (
        (days.index(time[:3]) * 24 + int(time[4:6])) * 60 + int(time[7:])
        for time in window.split("-")
    )
    return start, (end - start) % period


@dataclass(frozen=True)
class Database:
    """The instance, its address, its security group and its users.

    A stack that connects to the database adds an ingress rule to *security_group*. A role that
    connects as a user is allowed rds-db:connect on dbuser:<resource_id>/<user>.
    """

    instance: Value
    resource_id: Value
    address: Value
    port: Value
    name: Value
    security_group: Value
    master_secret: Value
    migrator: Value
    application: Value


def allow_connect(user: Value, database: Database) -> Statement:
    """Allow connections to the database as *user*, with an IAM token instead of a password."""
    database_user = Sub(
        "arn:${AWS::Partition}:rds-db:${AWS::Region}:${AWS::AccountId}:dbuser:${Database}/${User}",
        Database=database.resource_id,
        User=user,
    )
    return allow("ConnectToDatabase", [rds_db.connect], database_user)


def connection_variables(user: Value, database: Database) -> dict[str, Value]:
    """Return the environment variables with which libpq connects as *user*."""
    return {
        "PGHOST": database.address,
        "PGPORT": database.port,
        "PGDATABASE": database.name,
        "PGUSER": user,
    }


def define(t: Template, env: Env, settings: Settings, network: Network) -> Database:
    """Add an instance in the private subnets, its log groups, parameters and security group."""
    security_group = _security_group(t, env, network=network)
    log_groups = _log_groups(t, env, settings.log_retention_days)
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
            MaxAllocatedStorage=settings.max_storage_gib,
            StorageEncrypted=True,
            DBSubnetGroupName=_subnet_group(t, env, network=network).ref(),
            VPCSecurityGroups=[security_group.get_att("GroupId")],
            Port=str(postgresql.PORT),
            PubliclyAccessible=False,
            DBParameterGroupName=_parameter_group(t, env, settings).ref(),
            MasterUsername=MASTER,
            ManageMasterUserPassword=True,
            EnableIAMDatabaseAuthentication=True,
            BackupRetentionPeriod=settings.backup_retention_days,
            PreferredBackupWindow=settings.backup_window,
            PreferredMaintenanceWindow=settings.maintenance_window,
            CopyTagsToSnapshot=True,
            DeleteAutomatedBackups=not env.protect,
            DeletionProtection=env.protect,
            # CloudWatch Database Insights; its standard mode with a retention of 7 days is free.
            DatabaseInsightsMode="standard",
            EnablePerformanceInsights=True,
            PerformanceInsightsRetentionPeriod=7,
            EnableCloudwatchLogsExports=list(LOG_GROUPS),
            Tags=name_tag(env, "database"),
            DependsOn=log_groups,
            **_snapshot(env),
        )
    )
    return Database(
        instance=database.ref(),
        resource_id=database.get_att("DbiResourceId"),
        address=database.get_att("Endpoint.Address"),
        port=database.get_att("Endpoint.Port"),
        name=database.DBName,
        security_group=security_group.get_att("GroupId"),
        master_secret=database.get_att("MasterUserSecret.SecretArn"),
        migrator=MIGRATOR,
        application=APPLICATION,
    )


def _identifier(env: Env) -> str:
    """Return the fixed identifier of the instance, which is part of the names of its log groups.

    CloudFormation cannot replace a resource with a fixed name. So it rejects a change that would
    create an empty database, and an operator must move the data first.
    """
    return resource_name(env, "database")


def _security_group(t: Template, env: Env, *, network: Network) -> ec2.SecurityGroup:
    """Add a security group without egress. Dependent stacks add the ingress rules.

    Without an egress rule AWS would add one that allows all traffic; the rule to the loopback
    address prevents that.
    """
    return t.add_resource(
        ec2.SecurityGroup(
            "DatabaseSecurityGroup",
            GroupDescription="Ingress rules are in the dependent stacks; no egress",
            VpcId=network.vpc,
            SecurityGroupEgress=[
                ec2.SecurityGroupRule(
                    IpProtocol="-1", CidrIp="127.0.0.1/32", Description="No egress"
                )
            ],
            Tags=name_tag(env, "database"),
        )
    )


def _log_groups(t: Template, env: Env, days: int) -> list[LogGroup]:
    """Add the log groups of RDS exports. In groups that RDS creates itself, logs never expire."""
    return [
        t.add_resource(
            LogGroup(
                title,
                LogGroupName=f"/aws/rds/instance/{_identifier(env)}/{log}",
                RetentionInDays=days,
                **retention_policies(env),
            )
        )
        for log, title in LOG_GROUPS.items()
    ]


def _subnet_group(t: Template, env: Env, *, network: Network) -> rds.DBSubnetGroup:
    return t.add_resource(
        rds.DBSubnetGroup(
            "DatabaseSubnetGroup",
            DBSubnetGroupDescription="Private subnets, which the internet cannot reach",
            SubnetIds=list(network.private_subnets),
            Tags=name_tag(env, "database"),
        )
    )


def _parameter_group(t: Template, env: Env, settings: Settings) -> rds.DBParameterGroup:
    """Add parameters that require TLS, and log slow statements without their parameters."""
    return t.add_resource(
        rds.DBParameterGroup(
            "DatabaseParameterGroup",
            Description=f"PostgreSQL parameters of {env.project} {env.name}",
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
    """Return policies like `retention_policies` that retain a snapshot instead of the instance."""
    policy = "Snapshot" if env.protect else "Delete"
    return {"DeletionPolicy": policy, "UpdateReplacePolicy": policy}
