"""RDS instances of engine postgres: a real PostgreSQL behind what RDS puts before it."""

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

FACTS = {
    "Address": "Endpoint.Address",
    "Port": "Endpoint.Port",
    "Arn": "DBInstanceArn",
    "Id": "DbiResourceId",
}
SECRET = {"Secret": "MasterUserSecret.SecretArn"}


def database(*, policy: str = "Delete", **properties: Any) -> dict[str, Any]:
    """An instance as a template has it, with a master password RDS manages if none is given."""
    managed = {} if "MasterUserPassword" in properties else {"ManageMasterUserPassword": True}
    usual = {
        "Engine": "postgres",
        "DBInstanceClass": "db.t4g.micro",
        "AllocatedStorage": "20",
        "MasterUsername": "cruddur_root",
        "EnableIAMDatabaseAuthentication": True,
    }
    made = resource("AWS::RDS::DBInstance", **usual | managed | properties)
    return made | {"DeletionPolicy": policy, "UpdateReplacePolicy": policy}


def stack(made: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A template of the instance and of *more*, which tells what others need to connect."""
    facts = FACTS | ({} if "MasterUserPassword" in made["Properties"] else SECRET)
    outputs = {key: {"Value": att("Database", name)} for key, name in facts.items()}
    return template(Database=made, **more) | {"Outputs": outputs}


@dataclass(frozen=True)
class Opened:
    """A database as its stack's outputs tell of it."""

    aws: Aws
    outputs: dict[str, str]
    ca: Path

    def connect(self, **how: Any) -> psycopg.Connection[Any]:
        """Connect the safest way there is, as the master user, unless *how* says otherwise."""
        usual = {
            "host": self.outputs["Address"],
            "port": self.outputs["Port"],
            "dbname": "postgres",
            "sslmode": "verify-full",
            "sslrootcert": str(self.ca),
        }
        if "user" not in how:
            secrets = self.aws.client("secretsmanager")
            kept = secrets.get_secret_value(SecretId=self.outputs["Secret"])["SecretString"]
            secret = json.loads(kept)
            usual |= {"user": secret["username"], "password": secret["password"]}
        return psycopg.connect(**usual | how, autocommit=True)

    def refused(self, **how: Any) -> str:
        """Connect, fail, and return what was said."""
        with pytest.raises(psycopg.OperationalError) as failed, self.connect(**how):
            pass
        return str(failed.value)

    def arn(self, user: str) -> str:
        """What a policy that allows rds-db:connect as *user* names."""
        account = self.aws.endpoint.account
        return f"arn:aws:rds-db:{REGION}:{account}:dbuser:{self.outputs['Id']}/{user}"

    def token(self, user: str, aws: Aws | None = None) -> str:
        """What an SDK makes for *user*, signed with the keys of *aws*."""
        made: str = (
            (aws or self.aws)
            .client("rds")
            .generate_db_auth_token(self.outputs["Address"], int(self.outputs["Port"]), user)
        )
        return made


def folder_of(server: emulator.Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the shared server."""
    base = tmp_path_factory.getbasetemp()
    here = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "emulator"
    assert emulator.running(here) == server
    return here


@pytest.fixture(scope="module")
def folder(server: emulator.Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared server has its files."""
    return folder_of(server, tmp_path_factory)


@pytest.fixture(scope="module")
def shared(server: emulator.Endpoint, folder: Path):
    """One database for all tests that only log in, in an account of this module and worker."""
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    aws = Aws(emulator.as_account(server, f"3{int(number):011}"))
    group = resource(
        "AWS::RDS::DBParameterGroup",
        Family="postgres16",
        Description="TLS or nothing",
        Parameters={"rds.force_ssl": "1"},
    )
    made = database(DBName="cruddur", EngineVersion="16.4", DBParameterGroupName=ref("Parameters"))
    aws.deploy("database", stack(made, Parameters=group))
    opened = Opened(aws, aws.outputs("database"), emulator.status(folder).ca)
    with opened.connect() as master:
        master.execute("CREATE ROLE app LOGIN PASSWORD 'never asked for'")
        master.execute("GRANT rds_iam TO app")
    yield opened
    aws.delete("database")


def test_stack(shared: Opened) -> None:
    """The endpoint answers, and the secret RDS manages opens it: its keys, name and owner are RDS's.

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


def test_master(shared: Opened) -> None:
    """The master user is no superuser; it makes users and databases and is of rds_superuser.

    RDS user guide, Understanding PostgreSQL roles and permissions; the exact list of what
    rds_superuser may is not verified.
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
    assert "pg_hba.conf rejects connection" in shared.refused(user="rdsadmin", password="x")


def test_tls(shared: Opened, tmp_path: Path) -> None:
    """Without TLS nobody comes in, and nobody else's CA vouches for the endpoint.

    RDS user guide, Requiring an SSL connection; the words are PostgreSQL's (hba.c).
    """
    other = tmp_path / "other.pem"
    certificate.server_context(other, tmp_path / "own.pem")

    assert "certificate verify failed" in shared.refused(sslrootcert=str(other))
    assert "no pg_hba.conf entry for host" in shared.refused(sslmode="disable")
    assert "no encryption" in shared.refused(sslmode="disable")
    assert "password authentication failed for user" in shared.refused(
        user="cruddur_root", password="wrong"
    )
    assert 'database "nowhere" does not exist' in shared.refused(dbname="nowhere")
    with shared.connect(host="localhost", channel_binding="prefer"):
        pass


def test_plain(shared: Opened) -> None:
    """A parameter group that does not force TLS lets plain connections in, but no tokens.

    RDS user guide, Requiring an SSL connection: the parameter is dynamic; IAM authentication
    requires SSL, how a plain one is refused is not verified.
    """
    rds = shared.aws.client("rds")
    [group] = [
        g["DBParameterGroupName"] for g in rds.describe_db_parameter_groups()["DBParameterGroups"]
    ]

    def force(value: str) -> None:
        changed = {"ParameterName": "rds.force_ssl", "ParameterValue": value}
        rds.modify_db_parameter_group(
            DBParameterGroupName=group, Parameters=[changed | {"ApplyMethod": "immediate"}]
        )

    force("0")
    with shared.connect(sslmode="disable"):
        pass
    said = shared.refused(sslmode="disable", user="app", password=shared.token("app"))
    force("1")

    assert 'PAM authentication failed for user "app"' in said
    assert "no encryption" in shared.refused(sslmode="disable")


def test_token(shared: Opened) -> None:
    """A member of rds_iam shows a token made for it, not long ago; its password is not asked for.

    RDS user guide, IAM database authentication: tokens last 15 minutes, and rds_iam takes
    precedence over a password. The words are those of RDS's PAM module, from many a question.
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
    short = signer._request_signer.generate_presigned_url(
        request, "connect", expires_in=1, region_name=REGION, signing_name="rds-db"
    ).removeprefix("https://")
    time.sleep(1.1)
    good = shared.token("app")

    with shared.connect(user="app", password=good) as connection:
        assert ("app",) == connection.execute("SELECT current_user").fetchone()
    for wrong in (
        short,
        shared.token("cruddur_root"),
        good.replace("X-Amz-Signature=", "X-Amz-Signature=0"),
        good.replace(f":{shared.outputs['Port']}/", ":5432/"),
        "never asked for",
    ):
        said = shared.refused(user="app", password=wrong)
        assert 'PAM authentication failed for user "app"' in said


def test_policy(shared: Opened) -> None:
    """Whoever signs a token has to be allowed rds-db:connect as that user to that database.

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
        may = {"Effect": "Allow", "Action": "rds-db:connect", "Resource": shared.arn(user)}
        iam.put_user_policy(UserName="clerk", PolicyName="connect", PolicyDocument=policy(may))

    assert "PAM authentication failed" in shared.refused(user="app", password=token)
    allow("another")
    assert "PAM authentication failed" in shared.refused(user="app", password=token)
    allow("app")
    with shared.connect(user="app", password=token):
        pass


HANDLER = """
import os, boto3, psycopg
def handler(event, _):
    where = event["Address"], int(event["Port"])
    token = boto3.client("rds").generate_db_auth_token(*where, "app")
    try:
        login = {"user": "app", "password": token, "dbname": "postgres", "sslmode": "verify-full"}
        with psycopg.connect(host=where[0], port=where[1], **login) as connection:
            return connection.execute("SELECT current_user").fetchone()[0]
    except psycopg.OperationalError as error:
        return str(error)
"""


def test_function(shared: Opened) -> None:
    """A function logs in with its role, if the role may; libpq finds the CA in its environment.

    RDS user guide, IAM database authentication. On AWS the function brings the CA along:
    that it is in the environment is our own way.
    """
    lambdas, iam = shared.aws.client("lambda"), shared.aws.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    trust["Principal"] = {"Service": "lambda.amazonaws.com"}
    role = iam.create_role(RoleName="function", AssumeRolePolicyDocument=policy(trust))["Role"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", HANDLER)
        _bring_psycopg(archive)
    lambdas.create_function(
        FunctionName="function",
        Runtime="python3.11",
        Role=role["Arn"],
        Handler="index.handler",
        Code={"ZipFile": packed.getvalue()},
        Timeout=20,
    )

    def called() -> str:
        answer = lambdas.invoke(FunctionName="function", Payload=json.dumps(shared.outputs))
        return str(json.loads(answer["Payload"].read()))

    assert "PAM authentication failed" in called()
    may = {"Effect": "Allow", "Action": "rds-db:connect", "Resource": shared.arn("app")}
    iam.put_role_policy(RoleName="function", PolicyName="connect", PolicyDocument=policy(may))
    assert "app" == called()


def _bring_psycopg(archive: zipfile.ZipFile) -> None:
    """What a function needs beyond the runtime is in its zip: it sees nothing else of ours."""
    packages = Path(psycopg.__file__).parents[1]
    for part in ("psycopg", "psycopg_binary", "psycopg_binary.libs", "typing_extensions.py"):
        for file in [packages / part, *(packages / part).rglob("*")]:
            if file.is_file():
                archive.write(file, file.relative_to(packages))


def policy(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def test_talk(shared: Opened) -> None:
    """A long answer, a long question and a cancelled query pass the front; nonsense does it no harm.

    PostgreSQL's manual, Frontend/Backend Protocol.
    """
    with socket.create_connection((shared.outputs["Address"], int(shared.outputs["Port"]))) as one:
        one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"" == one.recv(100)

    with shared.connect() as connection:
        text = "x" * 3_000_000
        [length] = connection.execute("SELECT length(%s)", [text]).fetchone() or [0]
        [back] = connection.execute("SELECT repeat('y', 3000000)").fetchone() or [""]
        threading.Timer(0.2, connection.cancel_safe).start()
        with pytest.raises(psycopg.errors.QueryCanceled, match="due to user request"):
            connection.execute("SELECT pg_sleep(5)")

    assert (3_000_000, "y" * 3_000_000) == (length, back)


def test_refused(aws: Aws) -> None:
    """What RDS does not make fails the stack in its words.

    CreateDBInstance and CreateDBSubnetGroup, Errors; the words are from reports of them,
    of the unknown subnet group and the family they are not verified.
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

    for number, (made, words) in enumerate(cases):
        aws.deploy(f"s{number}", stack(made))
        assert words in str(aws.events(f"s{number}"))
    aws.deploy("zones", template(**network))

    assert "(AZ) coverage requirement" in str(aws.events("zones"))
    assert [] == aws.client("rds").describe_db_instances()["DBInstances"]
    assert [] == aws.client("secretsmanager").list_secrets()["SecretList"]


def test_life(aws: Aws, folder: Path) -> None:
    """A change keeps port and data; a replacement is a new database; deletion leaves a snapshot.

    AWS::RDS::DBInstance, "Update requires" of each property; user guide, DeletionPolicy.
    Data of the snapshot is not kept here (see the table of gaps).
    """
    ca = emulator.status(folder).ca
    aws.deploy("s", stack(database(policy="Snapshot", MasterUserPassword="first-pass")))
    first = aws.outputs("s")
    before = Opened(aws, first, ca)
    with before.connect(user="cruddur_root", password="first-pass") as master:
        master.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    changed = {"AllocatedStorage": "40", "BackupRetentionPeriod": 7, "Port": 6000}
    aws.deploy("s", stack(database(policy="Snapshot", MasterUserPassword="second-pass", **changed)))
    assert first == aws.outputs("s")
    with before.connect(user="cruddur_root", password="second-pass") as master:
        assert (42,) == master.execute("SELECT answer FROM kept").fetchone()
    assert "password authentication failed" in before.refused(
        user="cruddur_root", password="first-pass"
    )

    managed = stack(database(policy="Snapshot", DBName="other"))
    assert "UPDATE_COMPLETE" == aws.deploy("s", managed)["StackStatus"]
    after = Opened(aws, aws.outputs("s"), ca)
    assert first["Id"] != after.outputs["Id"]
    with after.connect(dbname="other"):
        pass
    assert [after.outputs["Id"]] == existing(folder, first, after.outputs)

    assert "DELETE_COMPLETE" == aws.delete("s")["StackStatus"]
    assert [] == existing(folder, first, after.outputs)
    assert not answers(int(after.outputs["Port"]))
    assert 1 == len(aws.client("rds").describe_db_snapshots()["DBSnapshots"])
    assert [] == aws.client("secretsmanager").list_secrets()["SecretList"]


def existing(folder: Path, *databases: dict[str, str]) -> list[str]:
    """Those of the databases that have files or processes."""
    ids = [one["Id"] for one in databases]
    return [one for one in ids if (folder / "databases" / one).exists() or processes(one)]


def processes(text: str) -> list[int]:
    """Processes with *text* in their command line."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if text.encode() in (one / "cmdline").read_bytes():
                found.append(int(one.name))
    return found


def answers(port: int) -> bool:
    """Whether somebody listens on *port*."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_calls(server: emulator.Endpoint, aws: Aws, folder: Path) -> None:
    """Calls make instances as stacks do; two of one name in two accounts are two databases.

    CreateDBInstance, ModifyDBInstance, DeleteDBInstance; that these answer at once and the
    instance is `creating` and `deleting` for a while is not shown here (see the table of gaps).
    """
    other = Aws(emulator.as_account(server, "444444444444"))
    found = []
    for one in (aws, other):
        rds = one.client("rds")
        rds.create_db_instance(
            DBInstanceIdentifier="same",
            Engine="postgres",
            EngineVersion="18.1",
            DBInstanceClass="db.t4g.micro",
            AllocatedStorage=20,
            MasterUsername="root_user",
            MasterUserPassword=f"of-{one.endpoint.account}",
        )
        rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="same")
        [made] = rds.describe_db_instances()["DBInstances"]
        where = {"Address": made["Endpoint"]["Address"], "Port": str(made["Endpoint"]["Port"])}
        found.append(Opened(one, where | {"Id": made["DbiResourceId"]}, emulator.status(folder).ca))

    mine, theirs = found
    mine.aws.client("rds").modify_db_instance(
        DBInstanceIdentifier="same", MasterUserPassword="another-one"
    )

    assert mine.outputs["Port"] != theirs.outputs["Port"]
    with mine.connect(user="root_user", password="another-one") as one:
        assert one.info.server_version // 10_000 == 18
    assert "password authentication failed" in theirs.refused(
        user="root_user", password="another-one"
    )
    with pytest.raises(aws.client("rds").exceptions.ClientError, match="FinalDBSnapshotIdentifier"):
        aws.client("rds").delete_db_instance(DBInstanceIdentifier="same")
    for one in found:
        one.aws.client("rds").delete_db_instance(
            DBInstanceIdentifier="same", SkipFinalSnapshot=True
        )
    assert [] == existing(folder, mine.outputs, theirs.outputs)


def test_protected(aws: Aws, folder: Path) -> None:
    """Deletion protection keeps an instance from its stack and from the API, until it is off.

    RDS user guide, Deleting a DB instance; InvalidParameterCombination, words from reports.
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
    with Opened(aws, aws.outputs("s"), emulator.status(folder).ca).connect():
        pass

    rds.modify_db_instance(DBInstanceIdentifier="safe", DeletionProtection=False)
    assert "DELETE_COMPLETE" == aws.delete("s")["StackStatus"]


@pytest.fixture
def deep(tmp_path: Path):
    """A folder of its own, so deep that a socket in it has too long a path; stopped afterwards."""
    folder = tmp_path / ("deep" * 25) / ".emulator"
    yield folder
    emulator.stop(folder)


def test_survives(deep: Path) -> None:
    """Port, data and CA are the same after a stop and after a kill; a reset leaves nothing.

    RDS keeps them; that nothing of PostgreSQL outlives the emulator is our own promise.
    """
    aws = Aws(emulator.start(deep))
    aws.deploy("s", stack(database()))
    opened = Opened(aws, aws.outputs("s"), emulator.status(deep).ca)
    with opened.connect() as master:
        master.execute("CREATE TABLE kept AS SELECT 1 AS row")

    emulator.stop(deep)
    assert [] == processes(opened.outputs["Id"])
    emulator.start(deep)
    with opened.connect() as master:
        master.execute("INSERT INTO kept VALUES (2)")

    os.kill(emulator.status(deep).pid or 0, signal.SIGKILL)
    emulator.start(deep)
    with opened.connect() as master:
        assert [(1,), (2,)] == master.execute("SELECT row FROM kept").fetchall()

    os.kill(emulator.status(deep).pid or 0, signal.SIGKILL)
    until(lambda: not processes(opened.outputs["Id"]))
    emulator.reset(deep)
    assert not (deep / "databases").exists() or [] == list((deep / "databases").iterdir())
    assert opened.ca.exists()


def test_crash(shared: Opened, folder: Path) -> None:
    """A server that crashes is there again for the next connection.

    RDS user guide, Monitoring: a failed instance is restarted; how soon is not verified.
    """
    data = folder / "databases" / shared.outputs["Id"] / "data"
    before = int((data / "postmaster.pid").read_text().split()[0])

    os.kill(before, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{before}").exists())

    with shared.connect() as connection:
        assert ("cruddur_root",) == connection.execute("SELECT current_user").fetchone()


def until(found: Any, *, seconds: float = 10) -> None:
    """Wait until *found* answers something."""
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.skipif(shutil.which("postgres") is None, reason="this machine has no PostgreSQL")
def test_system(tmp_path: Path) -> None:
    """By setting, new databases run on the machine's own PostgreSQL; those there are stay."""
    folder = tmp_path / ".emulator"
    aws = Aws(emulator.start(folder, postgres="system"))
    aws.deploy("s", stack(database(EngineVersion="18.1")))
    opened = Opened(aws, aws.outputs("s"), emulator.status(folder).ca)

    emulator.stop(folder)
    emulator.start(folder, postgres="bundled")
    with opened.connect() as connection:
        version = connection.info.server_version // 10_000
    emulator.stop(folder)

    said = subprocess.run(["postgres", "--version"], capture_output=True, text=True, check=True)
    assert int(said.stdout.split()[2].partition(".")[0]) == version
