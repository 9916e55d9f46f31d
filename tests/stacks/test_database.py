"""The PostgreSQL instance: access, users, backups and versions."""

import re

import pytest
from msgspec.structs import asdict, replace

from stacks import database as database_stack
from tests.stacks.templates import config_of, emit


@pytest.fixture
def database(emitted):
    return emitted["database"]


@pytest.fixture
def instance(database):
    return database.one("AWS::RDS::DBInstance")


def with_database(**changes):
    """Return the database of prod with some settings changed."""
    config = config_of("prod")
    return emit(replace(config, database=replace(config.database, **changes)))["database"]


# --- network access -------------------------------------------------------------------------


def test_the_instance_is_in_private_subnets(database, instance, config):
    """The instance of the original was public, in public subnets (defect 18)."""
    subnets = database.one("AWS::RDS::DBSubnetGroup")["SubnetIds"]

    assert [
        {"Fn::ImportValue": f"crd-{config.env.name}-network-PrivateSubnets{number}"}
        for number in range(1, config.network.zones + 1)
    ] == subnets
    assert instance["PubliclyAccessible"] is False


def test_dependent_stacks_add_the_ingress_rules(database, instance):
    """Dependent stacks add the ingress rules, so no id of a security group is a literal (defect 19)."""
    group = database.one("AWS::EC2::SecurityGroup")

    assert "SecurityGroupIngress" not in group
    assert not database.of("AWS::EC2::SecurityGroupIngress")
    assert instance["VPCSecurityGroups"] == [{"Fn::GetAtt": ["DatabaseSecurityGroup", "GroupId"]}]


def test_the_instance_has_no_egress(database):
    """A rule for the loopback address replaces the default one, which allows all traffic."""
    (rule,) = database.one("AWS::EC2::SecurityGroup")["SecurityGroupEgress"]

    assert rule["CidrIp"] == "127.0.0.1/32"


def test_connections_require_tls(database, instance):
    """The parameter group requires TLS, whatever the default of the PostgreSQL version is."""
    parameters = database.one("AWS::RDS::DBParameterGroup")

    assert parameters["Parameters"]["rds.force_ssl"] == "1"
    assert instance["DBParameterGroupName"] == {"Ref": "DatabaseParameterGroup"}


# --- users and passwords ---------------------------------------------------------------------------


def test_no_password_is_in_the_template(database, instance):
    """RDS stores and rotates the master password, so the template has none."""
    assert instance["ManageMasterUserPassword"] is True
    assert instance["EnableIAMDatabaseAuthentication"] is True
    assert "MasterUserPassword" not in instance
    assert "Parameters" not in database.template


def test_the_master_user_has_an_unusual_name(instance):
    """The name of the master user differs from common names and from the other users."""
    assert instance["MasterUsername"] not in {"postgres", "admin", "root", "master"}
    assert (
        len({instance["MasterUsername"], database_stack.MIGRATOR, database_stack.APPLICATION}) == 3
    )


def test_outputs(database):
    """Other stacks import all that they need for a connection (defect 18: no outputs)."""
    outputs = {name: output["Value"] for name, output in database.template["Outputs"].items()}

    assert outputs == {
        "Instance": {"Ref": "Database"},
        "ResourceId": {"Fn::GetAtt": ["Database", "DbiResourceId"]},
        "Address": {"Fn::GetAtt": ["Database", "Endpoint.Address"]},
        "Port": {"Fn::GetAtt": ["Database", "Endpoint.Port"]},
        "Name": "cruddur",
        "SecurityGroup": {"Fn::GetAtt": ["DatabaseSecurityGroup", "GroupId"]},
        "MasterSecret": {"Fn::GetAtt": ["Database", "MasterUserSecret.SecretArn"]},
        "Migrator": database_stack.MIGRATOR,
        "Application": database_stack.APPLICATION,
    }


# --- backups and storage ---------------------------------------------------------------


def test_storage_is_encrypted(instance):
    """Storage is encrypted from the start: encryption cannot be added to an existing instance."""
    assert instance["StorageEncrypted"] is True


def test_the_backup_retention_is_a_setting(instance, config):
    """The setting is the retention, which is at least a week in protected environments."""
    assert config.database.backup_retention_days == instance["BackupRetentionPeriod"]
    assert instance["BackupRetentionPeriod"] >= (7 if config.env.protect else 1)
    assert (not config.env.protect) == instance["DeleteAutomatedBackups"]
    assert instance["CopyTagsToSnapshot"] is True


def test_a_protected_database_is_not_deleted_without_a_snapshot(database, instance, config):
    """A protected database has deletion protection, and its deletion policy is a snapshot."""
    resource = database.template["Resources"]["Database"]
    policy = "Snapshot" if config.env.protect else "Delete"

    assert config.env.protect == instance["DeletionProtection"]
    assert (policy, policy) == (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])


def test_cloudformation_cannot_replace_the_instance(instance, config):
    """The instance has a fixed name, so a change that requires a new, empty instance fails."""
    assert instance["DBInstanceIdentifier"] == f"crd-{config.env.name}-database"


def test_storage_grows_automatically(instance, config):
    """Storage grows automatically, up to the maximum in config."""
    assert instance["StorageType"] == "gp3"
    assert str(config.database.storage_gib) == instance["AllocatedStorage"]
    assert config.database.max_storage_gib == instance["MaxAllocatedStorage"]


@pytest.mark.parametrize(("limit", "fits"), [(20, False), (24, False), (25, True), (100, True)])
def test_a_limit_without_room_to_grow_is_refused(limit, fits):
    """The limit must be at least 10 % above the storage, the smallest step of RDS."""
    settings = asdict(config_of("prod").database) | {"storage_gib": 20, "max_storage_gib": limit}

    if fits:
        database_stack.Settings(**settings)
    else:
        with pytest.raises(ValueError, match="use 25 or more"):
            database_stack.Settings(**settings)


# --- versions and logs ----------------------------------------------------------------------


def test_only_minor_versions_are_upgraded_automatically(instance):
    """A new major version is a decision, with a test before it (defect 18)."""
    assert instance["AutoMinorVersionUpgrade"] is True
    assert instance["AllowMajorVersionUpgrade"] is False


@pytest.mark.parametrize(("version", "family"), [("17.11", "postgres17"), ("18.6", "postgres18")])
def test_the_parameter_group_family_follows_the_version(version, family):
    """One setting determines the version and the family."""
    database = with_database(engine_version=version)

    assert version == database.one("AWS::RDS::DBInstance")["EngineVersion"]
    assert family == database.one("AWS::RDS::DBParameterGroup")["Family"]


def test_backup_and_maintenance_windows_do_not_overlap(instance):
    """AWS rejects windows that overlap."""
    backup, maintenance = instance["PreferredBackupWindow"], instance["PreferredMaintenanceWindow"]

    assert backup.partition("-")[2] <= maintenance.partition(":")[2].partition("-")[0]


@pytest.mark.parametrize("window", ["sun:08:00", "08:00-08:30", "sun:08:00-sun:24:00", ""])
def test_an_invalid_window_is_refused(window):
    """An invalid window is an error when the config is loaded, not during a deployment."""
    pattern = database_stack.WeeklyWindow.__metadata__[0].pattern

    assert not re.search(pattern, window)
    assert re.search(pattern, config_of("prod").database.maintenance_window)


def test_logs_expire(database, instance, config):
    """Log groups exist before RDS would create them without retention."""
    groups = database.of("AWS::Logs::LogGroup")
    name = instance["DBInstanceIdentifier"]

    assert {
        f"/aws/rds/instance/{name}/{log}" for log in instance["EnableCloudwatchLogsExports"]
    } == {group["LogGroupName"] for group in groups.values()}
    assert {config.database.log_retention_days} == {
        group["RetentionInDays"] for group in groups.values()
    }
    assert set(groups) == set(database.template["Resources"]["Database"]["DependsOn"])


def test_slow_statements_are_logged_without_parameters(database):
    """The log has slow statements, without their parameters, which are posts and addresses."""
    parameters = database.one("AWS::RDS::DBParameterGroup")["Parameters"]

    assert parameters["log_min_duration_statement"] == "1000"
    assert parameters["log_parameter_max_length"] == "0"


def test_multi_az_is_a_setting():
    """A standby instance, which doubles the cost, is a setting."""
    for multi_az in (True, False):
        database = with_database(multi_az=multi_az)
        assert multi_az == database.one("AWS::RDS::DBInstance")["MultiAZ"]


def test_performance_insights_are_kept_for_a_week(instance):
    """Performance Insights has a retention of seven days, which is free."""
    assert (
        instance["DatabaseInsightsMode"],
        instance["EnablePerformanceInsights"],
        instance["PerformanceInsightsRetentionPeriod"],
    ) == ("standard", True, 7)
