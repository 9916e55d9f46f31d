"""RDS DB instances of engine postgres, which run a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

import emulator
from tests.emulator.databases import (
    DeployedDatabase,
    database,
    is_open,
    remaining,
    stack,
)
from tests.emulator.templates import ref, resource, template
from tests.emulator_server import Aws


def test_stack(shared_database: DeployedDatabase) -> None:
    """The endpoint of a stack's instance accepts the password in the secret that RDS manages.

    AWS::RDS::DBInstance, return values; RDS user guide, Password management with Secrets Manager.
    """
    [instance] = shared_database.aws.client("rds").describe_db_instances()["DBInstances"]
    secret = shared_database.aws.client("secretsmanager").describe_secret(
        SecretId=shared_database.outputs["Secret"]
    )

    with shared_database.connect(dbname="cruddur") as connection:
        row = connection.execute("SELECT current_user, current_database()").fetchone()

    assert row == ("cruddur_root", "cruddur")
    assert instance["DBInstanceStatus"] == "available"
    assert ("127.0.0.1", int(shared_database.outputs["Port"])) == (
        instance["Endpoint"]["Address"],
        instance["Endpoint"]["Port"],
    )
    assert instance["IAMDatabaseAuthenticationEnabled"]
    assert shared_database.outputs["Id"] == instance["DbiResourceId"]
    assert shared_database.outputs["Arn"] == instance["DBInstanceArn"]
    assert shared_database.outputs["Secret"] == instance["MasterUserSecret"]["SecretArn"]
    assert secret["Name"].startswith("rds!db-")


def test_master_user(shared_database: DeployedDatabase) -> None:
    """The master user is not a superuser, is in rds_superuser, and can create roles and databases.

    RDS user guide, Understanding PostgreSQL roles and permissions; the exact privileges
    of rds_superuser are not verified.
    """
    with shared_database.connect() as master:
        master.execute("CREATE DATABASE another")
        [superuser] = master.execute(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone() or [None]
        [member] = master.execute("SELECT pg_has_role('rds_superuser', 'member')").fetchone() or [
            None
        ]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            master.execute("COPY (SELECT 1) TO PROGRAM 'true'")

    assert (superuser, member) == (False, True)
    assert "pg_hba.conf rejects connection" in shared_database.connection_error(
        user="rdsadmin", password="x"
    )


def test_invalid_properties(aws: Aws) -> None:
    """Invalid properties fail the stack with the messages of RDS.

    CreateDBInstance and CreateDBSubnetGroup, Errors; the messages are from users' reports;
    those for an unknown subnet group and for the family are not verified.
    """
    network = {
        "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
        "Subnet": resource("AWS::EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.0.0.0/24"),
        "Group": resource(
            "AWS::RDS::DBSubnetGroup", DBSubnetGroupDescription="x", SubnetIds=[ref("Subnet")]
        ),
    }
    cases = [
        (database(MasterUserPassword="short"), "shorter than 8 characters"),
        (database(MasterUserPassword="with@sign"), "Only printable ASCII"),
        (database(MasterUsername="admin"), "reserved word used by the engine"),
        (database(AllocatedStorage="5"), "Invalid storage size"),
        (database(DBName="1st"), "DBName must begin with a letter"),
        (database(DBParameterGroupName="missing"), "DBParameterGroup not found: missing"),
        (database(DBSubnetGroupName="missing"), "DBSubnetGroup 'missing' not found"),
        (database(DBSnapshotIdentifier="some"), "snapshots and replicas contain no data"),
    ]

    for number, (instance, message) in enumerate(cases):
        aws.deploy(f"s{number}", stack(instance))
        assert message in str(aws.events(f"s{number}"))
    aws.deploy("zones", template(**network))

    assert "(AZ) coverage requirement" in str(aws.events("zones"))
    assert aws.client("rds").describe_db_instances()["DBInstances"] == []
    assert aws.client("secretsmanager").list_secrets()["SecretList"] == []


def test_lifecycle(aws: Aws, server_folder: Path) -> None:
    """An update keeps port and data, a replacement is a new database, deletion creates a snapshot.

    AWS::RDS::DBInstance, "Update requires" of each property; user guide, DeletionPolicy.
    The snapshot contains no data here (docs/emulator.md).
    """
    ca = emulator.status(server_folder).ca
    aws.deploy("s", stack(database(policy="Snapshot", MasterUserPassword="first-pass")))
    first = aws.outputs("s")
    before = DeployedDatabase(aws, first, ca)
    with before.connect(user="cruddur_root", password="first-pass") as master:
        master.execute("CREATE TABLE answers AS SELECT 42 AS answer")

    changed = {"AllocatedStorage": "40", "BackupRetentionPeriod": 7, "Port": 6000}
    aws.deploy("s", stack(database(policy="Snapshot", MasterUserPassword="second-pass", **changed)))
    assert first == aws.outputs("s")
    with before.connect(user="cruddur_root", password="second-pass") as master:
        assert master.execute("SELECT answer FROM answers").fetchone() == (42,)
    assert "password authentication failed" in before.connection_error(
        user="cruddur_root", password="first-pass"
    )

    managed = stack(database(policy="Snapshot", DBName="other"))
    assert aws.deploy("s", managed)["StackStatus"] == "UPDATE_COMPLETE"
    after = DeployedDatabase(aws, aws.outputs("s"), ca)
    assert first["Id"] != after.outputs["Id"]
    with after.connect(dbname="other"):
        pass
    assert [after.outputs["Id"]] == remaining(server_folder, first, after.outputs)

    assert aws.delete("s")["StackStatus"] == "DELETE_COMPLETE"
    assert remaining(server_folder, first, after.outputs) == []
    assert not is_open(int(after.outputs["Port"]))
    assert len(aws.client("rds").describe_db_snapshots()["DBSnapshots"]) == 1
    assert aws.client("secretsmanager").list_secrets()["SecretList"] == []


def test_instances_of_api_calls(server: emulator.Endpoint, aws: Aws, server_folder: Path) -> None:
    """API calls create instances as stacks do; the same name in two accounts is two databases.

    CreateDBInstance, ModifyDBInstance, DeleteDBInstance; here they return when they
    are complete, without the states `creating` and `deleting` (docs/emulator.md).
    """
    other = Aws(emulator.as_account(server, "444444444444"))
    databases = []
    for account in (aws, other):
        rds = account.client("rds")
        rds.create_db_instance(
            DBInstanceIdentifier="same",
            Engine="postgres",
            EngineVersion="18.1",
            DBInstanceClass="db.t4g.micro",
            AllocatedStorage=20,
            MasterUsername="root_user",
            MasterUserPassword=f"of-{account.endpoint.account}",
        )
        rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="same")
        [created] = rds.describe_db_instances()["DBInstances"]
        outputs = {
            "Address": created["Endpoint"]["Address"],
            "Port": str(created["Endpoint"]["Port"]),
            "Id": created["DbiResourceId"],
        }
        databases.append(DeployedDatabase(account, outputs, emulator.status(server_folder).ca))

    first, second = databases
    first.aws.client("rds").modify_db_instance(
        DBInstanceIdentifier="same", MasterUserPassword="another-one"
    )

    assert first.outputs["Port"] != second.outputs["Port"]
    with first.connect(user="root_user", password="another-one") as connection:
        assert connection.info.server_version // 10_000 == 18
    assert "password authentication failed" in second.connection_error(
        user="root_user", password="another-one"
    )
    with pytest.raises(aws.client("rds").exceptions.ClientError, match="FinalDBSnapshotIdentifier"):
        aws.client("rds").delete_db_instance(DBInstanceIdentifier="same")
    for database_ in databases:
        database_.aws.client("rds").delete_db_instance(
            DBInstanceIdentifier="same", SkipFinalSnapshot=True
        )
    assert remaining(server_folder, first.outputs, second.outputs) == []


def test_deletion_protection(aws: Aws, server_folder: Path) -> None:
    """An instance with deletion protection is not deleted by its stack or the API.

    RDS user guide, Deleting a DB instance; InvalidParameterCombination; the message is from users' reports.
    """
    protected = database(policy="Snapshot", DeletionProtection=True, DBInstanceIdentifier="safe")
    aws.deploy("s", stack(protected))
    refused = "Cannot delete protected DB Instance, please disable deletion protection"
    rds = aws.client("rds")

    with pytest.raises(rds.exceptions.ClientError, match=refused) as failed:
        rds.delete_db_instance(DBInstanceIdentifier="safe", SkipFinalSnapshot=True)
    assert failed.value.response["Error"]["Code"] == "InvalidParameterCombination"
    assert aws.delete("s")["StackStatus"] == "DELETE_FAILED"
    assert any(refused in reason for _, _, reason in aws.events("s"))
    assert rds.describe_db_snapshots()["DBSnapshots"] == []
    with DeployedDatabase(aws, aws.outputs("s"), emulator.status(server_folder).ca).connect():
        pass

    rds.modify_db_instance(DBInstanceIdentifier="safe", DeletionProtection=False)
    assert aws.delete("s")["StackStatus"] == "DELETE_COMPLETE"
