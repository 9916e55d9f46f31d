import re

import pytest
from msgspec.structs import asdict, replace

from stacks import database as layer
from tests.stacks.templates import config_of, emit


@pytest.fixture
def database(emitted):
    return emitted["database"]


@pytest.fixture
def instance(database):
    return database.one("AWS::RDS::DBInstance")


def with_database(**changes):
    """The database of prod with some settings changed."""
    config = config_of("prod")
    return emit(replace(config, database=replace(config.database, **changes)))["database"]


# --- who reaches it -------------------------------------------------------------------------


def test_it_stands_in_every_private_subnet_and_has_no_public_address(database, instance, config):
    """The original's was public, in public subnets (defect 18)."""
    subnets = database.one("AWS::RDS::DBSubnetGroup")["SubnetIds"]

    assert [
        {"Fn::ImportValue": f"crd-{config.env.name}-network-PrivateSubnets{number}"}
        for number in range(1, config.network.zones + 1)
    ] == subnets
    assert instance["PubliclyAccessible"] is False


def test_nobody_may_come_in_until_a_stack_above_says_who(database, instance):
    """So no security group of another stack is a literal here (defect 19)."""
    firewall = database.one("AWS::EC2::SecurityGroup")

    assert "SecurityGroupIngress" not in firewall
    assert not database.of("AWS::EC2::SecurityGroupIngress")
    assert [{"Fn::GetAtt": ["DatabaseFirewall", "GroupId"]}] == instance["VPCSecurityGroups"]


def test_it_reaches_nobody(database):
    """A rule to nowhere: with none there would be AWS's own, to everywhere."""
    (rule,) = database.one("AWS::EC2::SecurityGroup")["SecurityGroupEgress"]

    assert "127.0.0.1/32" == rule["CidrIp"]


def test_it_talks_over_tls_only(database, instance):
    """Its own parameter group says so, whatever the default of a version is."""
    parameters = database.one("AWS::RDS::DBParameterGroup")

    assert "1" == parameters["Parameters"]["rds.force_ssl"]
    assert {"Ref": "Parameters"} == instance["DBParameterGroupName"]


# --- who they are ---------------------------------------------------------------------------


def test_no_password_is_known_to_anyone(database, instance):
    """RDS keeps and rotates the master's; all others come with a token of IAM."""
    assert instance["ManageMasterUserPassword"] is True
    assert instance["EnableIAMDatabaseAuthentication"] is True
    assert "MasterUserPassword" not in instance
    assert "Parameters" not in database.template


def test_the_master_is_not_called_what_everyone_tries_first(instance):
    """Nor what a user of ours is called."""
    assert instance["MasterUsername"] not in {"postgres", "admin", "root", "master"}
    assert 3 == len({instance["MasterUsername"], layer.MIGRATOR, layer.APPLICATION})


def test_other_layers_learn_how_to_reach_it_and_as_whom(database):
    """Nothing is copied by hand (defect 18: no outputs)."""
    outputs = {name: one["Value"] for name, one in database.template["Outputs"].items()}

    assert {
        "Instance": {"Ref": "Database"},
        "ResourceId": {"Fn::GetAtt": ["Database", "DbiResourceId"]},
        "Address": {"Fn::GetAtt": ["Database", "Endpoint.Address"]},
        "Port": {"Fn::GetAtt": ["Database", "Endpoint.Port"]},
        "Name": "cruddur",
        "Firewall": {"Fn::GetAtt": ["DatabaseFirewall", "GroupId"]},
        "MasterSecret": {"Fn::GetAtt": ["Database", "MasterUserSecret.SecretArn"]},
        "Migrator": layer.MIGRATOR,
        "Application": layer.APPLICATION,
    } == outputs


# --- what becomes of the data ---------------------------------------------------------------


def test_it_is_encrypted(instance):
    """And can never be made otherwise without a new one."""
    assert instance["StorageEncrypted"] is True


def test_one_can_go_back_in_time(instance, config):
    """A week at least where the environment is protected."""
    assert config.database.backup_days == instance["BackupRetentionPeriod"]
    assert instance["BackupRetentionPeriod"] >= (7 if config.env.protect else 1)
    assert (not config.env.protect) == instance["DeleteAutomatedBackups"]
    assert instance["CopyTagsToSnapshot"] is True


def test_a_protected_database_is_not_deleted_without_a_snapshot(database, instance, config):
    """And not at all, before somebody takes its protection away."""
    resource = database.template["Resources"]["Database"]
    policy = "Snapshot" if config.env.protect else "Delete"

    assert config.env.protect == instance["DeletionProtection"]
    assert (policy, policy) == (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])


def test_cloudformation_cannot_replace_it(instance, config):
    """It has a name of its own: a change that would leave an empty one is refused."""
    assert f"crd-{config.env.name}-database" == instance["DBInstanceIdentifier"]


def test_disks_grow_by_themselves(instance, config):
    """Up to a limit that somebody chose."""
    assert "gp3" == instance["StorageType"]
    assert str(config.database.storage_gib) == instance["AllocatedStorage"]
    assert config.database.storage_limit_gib == instance["MaxAllocatedStorage"]


@pytest.mark.parametrize(("limit", "fits"), [(20, False), (24, False), (25, True), (100, True)])
def test_a_limit_without_room_to_grow_is_refused(limit, fits):
    """RDS grows a disk by a tenth or more; it would never come to that."""
    settings = asdict(config_of("prod").database) | {"storage_gib": 20, "storage_limit_gib": limit}

    if fits:
        layer.Settings(**settings)
    else:
        with pytest.raises(ValueError, match="take 25 or more"):
            layer.Settings(**settings)


# --- versions and logs ----------------------------------------------------------------------


def test_minor_versions_come_by_themselves_and_major_ones_do_not(instance):
    """A new major version is somebody's decision, with a test before it (defect 18)."""
    assert instance["AutoMinorVersionUpgrade"] is True
    assert instance["AllowMajorVersionUpgrade"] is False


@pytest.mark.parametrize(("version", "family"), [("17.11", "postgres17"), ("18.6", "postgres18")])
def test_parameters_are_those_of_the_major_version(version, family):
    """One setting says both."""
    database = with_database(engine_version=version)

    assert version == database.one("AWS::RDS::DBInstance")["EngineVersion"]
    assert family == database.one("AWS::RDS::DBParameterGroup")["Family"]


def test_backups_and_maintenance_are_at_different_times(instance):
    """AWS refuses windows that overlap."""
    backup, maintenance = instance["PreferredBackupWindow"], instance["PreferredMaintenanceWindow"]

    assert backup.partition("-")[2] <= maintenance.partition(":")[2].partition("-")[0]


@pytest.mark.parametrize("window", ["sun:08:00", "08:00-08:30", "sun:08:00-sun:24:00", ""])
def test_a_window_that_is_none_is_refused(window):
    """Here, not an hour into a deploy."""
    pattern = layer.WeeklyWindow.__metadata__[0].pattern

    assert not re.search(pattern, window)
    assert re.search(pattern, config_of("prod").database.maintenance_window)


def test_logs_expire(database, instance, config):
    """Each goes to a group that is there before RDS makes one that keeps all for ever."""
    groups = database.of("AWS::Logs::LogGroup")
    name = instance["DBInstanceIdentifier"]

    assert {
        f"/aws/rds/instance/{name}/{log}" for log in instance["EnableCloudwatchLogsExports"]
    } == {group["LogGroupName"] for group in groups.values()}
    assert {config.database.log_retention_days} == {
        group["RetentionInDays"] for group in groups.values()
    }
    assert set(groups) == set(database.template["Resources"]["Database"]["DependsOn"])


def test_slow_statements_are_logged_without_what_people_wrote(database):
    """The statement says enough; its values are their posts and addresses."""
    parameters = database.one("AWS::RDS::DBParameterGroup")["Parameters"]

    assert "1000" == parameters["log_min_duration_statement"]
    assert "0" == parameters["log_parameter_max_length"]


def test_a_second_machine_is_a_setting():
    """It costs as much again."""
    for multi_az in (True, False):
        database = with_database(multi_az=multi_az)
        assert multi_az == database.one("AWS::RDS::DBInstance")["MultiAZ"]


def test_what_the_database_does_is_seen_for_a_week(instance):
    """That much is free."""
    assert ("standard", True, 7) == (
        instance["DatabaseInsightsMode"],
        instance["EnablePerformanceInsights"],
        instance["PerformanceInsightsRetentionPeriod"],
    )
