"""RDS DB instances of engine postgres, which run a real PostgreSQL."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

import emulator
from emulator.postgres import certificate
from tests.emulator.templates import att, ref, resource, template
from tests.emulator_server import REGION, Aws

ATTRIBUTES = {
    "Address": "Endpoint.Address",
    "Port": "Endpoint.Port",
    "Arn": "DBInstanceArn",
    "Id": "DbiResourceId",
}
SECRET = {"Secret": "MasterUserSecret.SecretArn"}


def database(*, policy: str = "Delete", **properties: Any) -> dict[str, Any]:
    """Return a DB instance; without a password, RDS manages the master password in a secret."""
    managed = {} if "MasterUserPassword" in properties else {"ManageMasterUserPassword": True}
    defaults = {
        "Engine": "postgres",
        "DBInstanceClass": "db.t4g.micro",
        "AllocatedStorage": "20",
        "MasterUsername": "cruddur_root",
        "EnableIAMDatabaseAuthentication": True,
    }
    instance = resource("AWS::RDS::DBInstance", **defaults | managed | properties)
    return instance | {"DeletionPolicy": policy, "UpdateReplacePolicy": policy}


def stack(instance: dict[str, Any], **resources: Any) -> dict[str, Any]:
    """Return a template of the instance and other resources, with outputs for a connection."""
    attributes = ATTRIBUTES | ({} if "MasterUserPassword" in instance["Properties"] else SECRET)
    outputs = {key: {"Value": att("Database", name)} for key, name in attributes.items()}
    return template(Database=instance, **resources) | {"Outputs": outputs}


@dataclass(frozen=True)
class DeployedDatabase:
    """A database with the outputs of its stack."""

    aws: Aws
    outputs: dict[str, str]
    ca: Path

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """Connect as the master user with full verification of TLS, except for *options*."""
        defaults = {
            "host": self.outputs["Address"],
            "port": self.outputs["Port"],
            "dbname": "postgres",
            "sslmode": "verify-full",
            "sslrootcert": str(self.ca),
        }
        if "user" not in options:
            secrets = self.aws.client("secretsmanager")
            value = secrets.get_secret_value(SecretId=self.outputs["Secret"])["SecretString"]
            secret = json.loads(value)
            defaults |= {"user": secret["username"], "password": secret["password"]}
        return psycopg.connect(**defaults | options, autocommit=True)

    def connection_error(self, **options: Any) -> str:
        """Return the message of the error that connecting raises."""
        with pytest.raises(psycopg.OperationalError) as failed, self.connect(**options):
            pass
        return str(failed.value)

    def arn(self, user: str) -> str:
        """Return the resource of a policy that allows rds-db:connect as *user*."""
        account = self.aws.endpoint.account
        return f"arn:aws:rds-db:{REGION}:{account}:dbuser:{self.outputs['Id']}/{user}"

    def token(self, user: str, aws: Aws | None = None) -> str:
        """Return an authentication token for *user*, signed with the keys of *aws*."""
        token: str = (
            (aws or self.aws)
            .client("rds")
            .generate_db_auth_token(self.outputs["Address"], int(self.outputs["Port"]), user)
        )
        return token


def folder_of(server: emulator.Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the shared server."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "emulator"
    assert emulator.running(folder) == server
    return folder


@pytest.fixture(scope="module")
def folder(server: emulator.Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the shared server."""
    return folder_of(server, tmp_path_factory)


@pytest.fixture(scope="module")
def shared(server: emulator.Endpoint, folder: Path):
    """One database for all tests that only log in, in an account of its own."""
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    aws = Aws(emulator.as_account(server, f"3{int(number):011}"))
    group = resource(
        "AWS::RDS::DBParameterGroup",
        Family="postgres16",
        Description="TLS is required",
        Parameters={"rds.force_ssl": "1"},
    )
    instance = database(
        DBName="cruddur", EngineVersion="16.4", DBParameterGroupName=ref("Parameters")
    )
    aws.deploy("database", stack(instance, Parameters=group))
    database_ = DeployedDatabase(aws, aws.outputs("database"), emulator.status(folder).ca)
    with database_.connect() as master:
        master.execute("CREATE ROLE app LOGIN PASSWORD 'not used'")
        master.execute("GRANT rds_iam TO app")
    yield database_
    aws.delete("database")


def test_stack(shared: DeployedDatabase) -> None:
    """The endpoint of a stack's instance accepts the password in the secret that RDS manages.

    AWS::RDS::DBInstance, return values; RDS user guide, Password management with Secrets Manager.
    """
    [described] = shared.aws.client("rds").describe_db_instances()["DBInstances"]
    secret = shared.aws.client("secretsmanager").describe_secret(SecretId=shared.outputs["Secret"])

    with shared.connect(dbname="cruddur") as connection:
        found = connection.execute("SELECT current_user, current_database()").fetchone()

    assert ("cruddur_root", "cruddur") == found
    assert "available" == described["DBInstanceStatus"]
    assert ("127.0.0.1", int(shared.outputs["Port"])) == (
        described["Endpoint"]["Address"],
        described["Endpoint"]["Port"],
    )
    assert described["IAMDatabaseAuthenticationEnabled"]
    assert shared.outputs["Id"] == described["DbiResourceId"]
    assert shared.outputs["Arn"] == described["DBInstanceArn"]
    assert shared.outputs["Secret"] == described["MasterUserSecret"]["SecretArn"]
    assert secret["Name"].startswith("rds!db-")


def test_master(shared: DeployedDatabase) -> None:
    """The master user is not a superuser, is in rds_superuser, and can create roles and databases.

    RDS user guide, Understanding PostgreSQL roles and permissions; the exact privileges
    of rds_superuser are not verified.
    """
    with shared.connect() as master:
        master.execute("CREATE DATABASE another")
        [superuser] = master.execute(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone() or [None]
        [member] = master.execute("SELECT pg_has_role('rds_superuser', 'member')").fetchone() or [
            None
        ]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            master.execute("COPY (SELECT 1) TO PROGRAM 'true'")

    assert (False, True) == (superuser, member)
    assert "pg_hba.conf rejects connection" in shared.connection_error(
        user="rdsadmin", password="x"
    )


def test_tls(shared: DeployedDatabase, tmp_path: Path) -> None:
    """Connections without TLS are refused, and clients with another CA refuse the certificate.

    RDS user guide, Requiring an SSL connection; the messages are PostgreSQL's (hba.c).
    """
    other = tmp_path / "other.pem"
    certificate.server_context(other, tmp_path / "own.pem")

    assert "certificate verify failed" in shared.connection_error(sslrootcert=str(other))
    assert "no pg_hba.conf entry for host" in shared.connection_error(sslmode="disable")
    assert "no encryption" in shared.connection_error(sslmode="disable")
    assert "password authentication failed for user" in shared.connection_error(
        user="cruddur_root", password="wrong"
    )
    assert 'database "nowhere" does not exist' in shared.connection_error(dbname="nowhere")
    with shared.connect(host="localhost", channel_binding="prefer"):
        pass


def test_plain(shared: DeployedDatabase) -> None:
    """Without rds.force_ssl unencrypted connections are accepted, but not with tokens.

    RDS user guide, Requiring an SSL connection: the parameter is dynamic; IAM authentication
    requires SSL; how an unencrypted connection is refused is not verified.
    """
    rds = shared.aws.client("rds")
    [group] = [
        found["DBParameterGroupName"]
        for found in rds.describe_db_parameter_groups()["DBParameterGroups"]
    ]

    def force(value: str) -> None:
        changed = {"ParameterName": "rds.force_ssl", "ParameterValue": value}
        rds.modify_db_parameter_group(
            DBParameterGroupName=group, Parameters=[changed | {"ApplyMethod": "immediate"}]
        )

    force("0")
    with shared.connect(sslmode="disable"):
        pass
    error = shared.connection_error(sslmode="disable", user="app", password=shared.token("app"))
    force("1")

    assert 'PAM authentication failed for user "app"' in error
    assert "no encryption" in shared.connection_error(sslmode="disable")


def test_token(shared: DeployedDatabase) -> None:
    """A member of rds_iam needs a valid token of its own; its password is not accepted.

    RDS user guide, IAM database authentication: tokens last 15 minutes, and rds_iam takes
    precedence over a password. The message is that of RDS's PAM module, as users report it.
    """
    signer = shared.aws.client("rds")
    request = {
        "url_path": "/",
        "query_string": {"Action": "connect", "DBUser": "app"},
        "headers": {},
        "body": {"Action": "connect", "DBUser": "app"},
        "url": f"https://{shared.outputs['Address']}:{shared.outputs['Port']}/",
        "method": "GET",
        "context": {},
    }
    expired = signer._request_signer.generate_presigned_url(
        request, "connect", expires_in=1, region_name=REGION, signing_name="rds-db"
    ).removeprefix("https://")
    time.sleep(1.1)
    valid = shared.token("app")

    with shared.connect(user="app", password=valid) as connection:
        assert ("app",) == connection.execute("SELECT current_user").fetchone()
    for invalid in (
        expired,
        shared.token("cruddur_root"),
        valid.replace("X-Amz-Signature=", "X-Amz-Signature=0"),
        valid.replace(f":{shared.outputs['Port']}/", ":5432/"),
        "not used",
    ):
        error = shared.connection_error(user="app", password=invalid)
        assert 'PAM authentication failed for user "app"' in error


def test_policy(shared: DeployedDatabase) -> None:
    """The user who signs a token needs the permission rds-db:connect for its database user.

    RDS user guide, Creating and using an IAM policy for IAM database access.
    """
    iam, account = shared.aws.client("iam"), shared.aws.endpoint.account
    iam.create_user(UserName="clerk")
    key = iam.create_access_key(UserName="clerk")["AccessKey"]
    keys = emulator.Endpoint(
        shared.aws.endpoint.url, account, key["AccessKeyId"], key["SecretAccessKey"]
    )
    token = shared.token("app", Aws(keys))

    def allow(user: str) -> None:
        statement = {"Effect": "Allow", "Action": "rds-db:connect", "Resource": shared.arn(user)}
        iam.put_user_policy(
            UserName="clerk", PolicyName="connect", PolicyDocument=policy(statement)
        )

    assert "PAM authentication failed" in shared.connection_error(user="app", password=token)
    allow("another")
    assert "PAM authentication failed" in shared.connection_error(user="app", password=token)
    allow("app")
    with shared.connect(user="app", password=token):
        pass


HANDLER = """
import os, boto3, psycopg
def handler(event, _):
    address = event["Address"], int(event["Port"])
    token = boto3.client("rds").generate_db_auth_token(*address, "app")
    try:
        login = {"user": "app", "password": token, "dbname": "postgres", "sslmode": "verify-full"}
        with psycopg.connect(host=address[0], port=address[1], **login) as connection:
            return connection.execute("SELECT current_user").fetchone()[0]
    except psycopg.OperationalError as error:
        return str(error)
"""


def test_function(shared: DeployedDatabase) -> None:
    """A function logs in with its role's permission; libpq finds the CA in its environment.

    RDS user guide, IAM database authentication. On AWS the function contains the CA;
    that it is in the environment exists here only.
    """
    lambdas, iam = shared.aws.client("lambda"), shared.aws.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    trust["Principal"] = {"Service": "lambda.amazonaws.com"}
    role = iam.create_role(RoleName="function", AssumeRolePolicyDocument=policy(trust))["Role"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", HANDLER)
        _add_psycopg(archive)
    lambdas.create_function(
        FunctionName="function",
        Runtime="python3.11",
        Role=role["Arn"],
        Handler="index.handler",
        Code={"ZipFile": package.getvalue()},
        Timeout=20,
    )

    def invoke() -> str:
        response = lambdas.invoke(FunctionName="function", Payload=json.dumps(shared.outputs))
        return str(json.loads(response["Payload"].read()))

    assert "PAM authentication failed" in invoke()
    statement = {"Effect": "Allow", "Action": "rds-db:connect", "Resource": shared.arn("app")}
    iam.put_role_policy(RoleName="function", PolicyName="connect", PolicyDocument=policy(statement))
    assert "app" == invoke()


def _add_psycopg(archive: zipfile.ZipFile) -> None:
    """Add psycopg to the zip: a function sees no other packages."""
    packages = Path(psycopg.__file__).parents[1]
    for part in ("psycopg", "psycopg_binary", "psycopg_binary.libs", "typing_extensions.py"):
        for file in [packages / part, *(packages / part).rglob("*")]:
            if file.is_file():
                archive.write(file, file.relative_to(packages))


def policy(*statements: dict[str, Any]) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def test_proxy_passes_messages(shared: DeployedDatabase) -> None:
    """The proxy passes on long messages and a cancelled query, and survives another protocol.

    PostgreSQL's manual, Frontend/Backend Protocol.
    """
    with socket.create_connection(
        (shared.outputs["Address"], int(shared.outputs["Port"]))
    ) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"" == client.recv(100)

    with shared.connect() as connection:
        text = "x" * 3_000_000
        [length] = connection.execute("SELECT length(%s)", [text]).fetchone() or [0]
        [result] = connection.execute("SELECT repeat('y', 3000000)").fetchone() or [""]
        threading.Timer(0.2, connection.cancel_safe).start()
        with pytest.raises(psycopg.errors.QueryCanceled, match="due to user request"):
            connection.execute("SELECT pg_sleep(5)")

    assert (3_000_000, "y" * 3_000_000) == (length, result)


def test_refused(aws: Aws) -> None:
    """Invalid properties fail the stack with the messages of RDS.

    CreateDBInstance and CreateDBSubnetGroup, Errors; the messages are from users' reports;
    those of the unknown subnet group and the family are not verified.
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
    assert [] == aws.client("rds").describe_db_instances()["DBInstances"]
    assert [] == aws.client("secretsmanager").list_secrets()["SecretList"]


def test_life(aws: Aws, folder: Path) -> None:
    """An update keeps port and data, a replacement is a new database, deletion creates a snapshot.

    AWS::RDS::DBInstance, "Update requires" of each property; user guide, DeletionPolicy.
    The snapshot contains no data here (docs/emulator.md).
    """
    ca = emulator.status(folder).ca
    aws.deploy("s", stack(database(policy="Snapshot", MasterUserPassword="first-pass")))
    first = aws.outputs("s")
    before = DeployedDatabase(aws, first, ca)
    with before.connect(user="cruddur_root", password="first-pass") as master:
        master.execute("CREATE TABLE answers AS SELECT 42 AS answer")

    changed = {"AllocatedStorage": "40", "BackupRetentionPeriod": 7, "Port": 6000}
    aws.deploy("s", stack(database(policy="Snapshot", MasterUserPassword="second-pass", **changed)))
    assert first == aws.outputs("s")
    with before.connect(user="cruddur_root", password="second-pass") as master:
        assert (42,) == master.execute("SELECT answer FROM answers").fetchone()
    assert "password authentication failed" in before.connection_error(
        user="cruddur_root", password="first-pass"
    )

    managed = stack(database(policy="Snapshot", DBName="other"))
    assert "UPDATE_COMPLETE" == aws.deploy("s", managed)["StackStatus"]
    after = DeployedDatabase(aws, aws.outputs("s"), ca)
    assert first["Id"] != after.outputs["Id"]
    with after.connect(dbname="other"):
        pass
    assert [after.outputs["Id"]] == remaining(folder, first, after.outputs)

    assert "DELETE_COMPLETE" == aws.delete("s")["StackStatus"]
    assert [] == remaining(folder, first, after.outputs)
    assert not is_open(int(after.outputs["Port"]))
    assert 1 == len(aws.client("rds").describe_db_snapshots()["DBSnapshots"])
    assert [] == aws.client("secretsmanager").list_secrets()["SecretList"]


def remaining(folder: Path, *databases: dict[str, str]) -> list[str]:
    """Return the ids of the databases that still have files or processes."""
    ids = [outputs["Id"] for outputs in databases]
    return [id_ for id_ in ids if (folder / "databases" / id_).exists() or processes(id_)]


def processes(text: str) -> list[int]:
    """Return the ids of the processes with *text* in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if text.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


def is_open(port: int) -> bool:
    """Return whether a process listens on *port*."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_calls(server: emulator.Endpoint, aws: Aws, folder: Path) -> None:
    """Calls create instances like stacks; the same name in two accounts is two databases.

    CreateDBInstance, ModifyDBInstance, DeleteDBInstance; here they return when they
    are complete, without the states `creating` and `deleting` (docs/emulator.md).
    """
    other = Aws(emulator.as_account(server, "444444444444"))
    found = []
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
        found.append(DeployedDatabase(account, outputs, emulator.status(folder).ca))

    first, second = found
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
    for database_ in found:
        database_.aws.client("rds").delete_db_instance(
            DBInstanceIdentifier="same", SkipFinalSnapshot=True
        )
    assert [] == remaining(folder, first.outputs, second.outputs)


def test_protected(aws: Aws, folder: Path) -> None:
    """An instance with deletion protection is not deleted by its stack or the API.

    RDS user guide, Deleting a DB instance; InvalidParameterCombination; the message is from users' reports.
    """
    protected = database(policy="Snapshot", DeletionProtection=True, DBInstanceIdentifier="safe")
    aws.deploy("s", stack(protected))
    refused = "Cannot delete protected DB Instance, please disable deletion protection"
    rds = aws.client("rds")

    with pytest.raises(rds.exceptions.ClientError, match=refused) as failed:
        rds.delete_db_instance(DBInstanceIdentifier="safe", SkipFinalSnapshot=True)
    assert "InvalidParameterCombination" == failed.value.response["Error"]["Code"]
    assert "DELETE_FAILED" == aws.delete("s")["StackStatus"]
    assert any(refused in reason for _, _, reason in aws.events("s"))
    assert [] == rds.describe_db_snapshots()["DBSnapshots"]
    with DeployedDatabase(aws, aws.outputs("s"), emulator.status(folder).ca).connect():
        pass

    rds.modify_db_instance(DBInstanceIdentifier="safe", DeletionProtection=False)
    assert "DELETE_COMPLETE" == aws.delete("s")["StackStatus"]


@pytest.fixture
def deep_folder(tmp_path: Path):
    """A folder for an emulator, whose path is too long for a socket."""
    folder = tmp_path / ("deep" * 25) / ".emulator"
    yield folder
    emulator.stop(folder)


def test_restart_and_kill(deep_folder: Path) -> None:
    """Port, data and CA are kept after a stop and a kill; a reset deletes the databases.

    No process of PostgreSQL remains after the emulator has ended.
    """
    aws = Aws(emulator.start(deep_folder))
    aws.deploy("s", stack(database()))
    database_ = DeployedDatabase(aws, aws.outputs("s"), emulator.status(deep_folder).ca)
    with database_.connect() as master:
        master.execute("CREATE TABLE answers AS SELECT 1 AS row")

    emulator.stop(deep_folder)
    assert [] == processes(database_.outputs["Id"])
    emulator.start(deep_folder)
    with database_.connect() as master:
        master.execute("INSERT INTO answers VALUES (2)")

    os.kill(emulator.status(deep_folder).pid or 0, signal.SIGKILL)
    emulator.start(deep_folder)
    with database_.connect() as master:
        assert [(1,), (2,)] == master.execute("SELECT row FROM answers").fetchall()

    os.kill(emulator.status(deep_folder).pid or 0, signal.SIGKILL)
    wait_until(lambda: not processes(database_.outputs["Id"]))
    emulator.reset(deep_folder)
    assert not (deep_folder / "databases").exists() or [] == list(
        (deep_folder / "databases").iterdir()
    )
    assert database_.ca.exists()


def test_crash(shared: DeployedDatabase, folder: Path) -> None:
    """A server that crashed is restarted for the next connection.

    RDS user guide, Monitoring: a failed instance is restarted; how soon is not verified.
    """
    data = folder / "databases" / shared.outputs["Id"] / "data"
    before = int((data / "postmaster.pid").read_text().split()[0])

    os.kill(before, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{before}").exists())

    with shared.connect() as connection:
        assert ("cruddur_root",) == connection.execute("SELECT current_user").fetchone()


def wait_until(condition: Any, *, seconds: float = 10) -> None:
    """Wait until *condition* returns a true value."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.skipif(shutil.which("postgres") is None, reason="this machine has no PostgreSQL")
def test_system(tmp_path: Path) -> None:
    """A database keeps using the machine's PostgreSQL after the setting was changed."""
    folder = tmp_path / ".emulator"
    aws = Aws(emulator.start(folder, postgres="system"))
    aws.deploy("s", stack(database(EngineVersion="18.1")))
    database_ = DeployedDatabase(aws, aws.outputs("s"), emulator.status(folder).ca)

    emulator.stop(folder)
    emulator.start(folder, postgres="bundled")
    with database_.connect() as connection:
        version = connection.info.server_version // 10_000
    emulator.stop(folder)

    done = subprocess.run(["postgres", "--version"], capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[2].partition(".")[0]) == version
