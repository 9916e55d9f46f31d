"""Log-ins at the proxy of a database."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
import zipfile
from pathlib import Path

import psycopg
import pytest

import emulator
from emulator.postgres import certificate
from tests.emulator.databases import (
    DeployedDatabase,
    policy,
)
from tests.emulator_server import REGION, Aws


def test_tls(shared_database: DeployedDatabase, tmp_path: Path) -> None:
    """Connections without TLS are refused, and clients with another CA refuse the certificate.

    RDS user guide, Requiring an SSL connection; the messages are PostgreSQL's (hba.c).
    """
    other = tmp_path / "other.pem"
    certificate.server_context(other, tmp_path / "own.pem")

    assert "certificate verify failed" in shared_database.connection_error(sslrootcert=str(other))
    assert "no pg_hba.conf entry for host" in shared_database.connection_error(sslmode="disable")
    assert "no encryption" in shared_database.connection_error(sslmode="disable")
    assert "password authentication failed for user" in shared_database.connection_error(
        user="cruddur_root", password="wrong"
    )
    assert 'database "nowhere" does not exist' in shared_database.connection_error(dbname="nowhere")
    with shared_database.connect(host="localhost", channel_binding="prefer"):
        pass


def test_plain(shared_database: DeployedDatabase) -> None:
    """Without rds.force_ssl unencrypted connections are accepted, but not with tokens.

    RDS user guide, Requiring an SSL connection: the parameter is dynamic; IAM authentication
    requires SSL; how an unencrypted connection is refused is not verified.
    """
    rds = shared_database.aws.client("rds")
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
    with shared_database.connect(sslmode="disable"):
        pass
    error = shared_database.connection_error(
        sslmode="disable", user="app", password=shared_database.token("app")
    )
    force("1")

    assert 'PAM authentication failed for user "app"' in error
    assert "no encryption" in shared_database.connection_error(sslmode="disable")


def test_token(shared_database: DeployedDatabase) -> None:
    """A member of rds_iam needs a valid token for itself; the password is not accepted.

    RDS user guide, IAM database authentication: tokens last 15 minutes, and rds_iam takes
    precedence over a password. The message is that of RDS's PAM module, as users report it.
    """
    signer = shared_database.aws.client("rds")
    request = {
        "url_path": "/",
        "query_string": {"Action": "connect", "DBUser": "app"},
        "headers": {},
        "body": {"Action": "connect", "DBUser": "app"},
        "url": f"https://{shared_database.outputs['Address']}:{shared_database.outputs['Port']}/",
        "method": "GET",
        "context": {},
    }
    expired = signer._request_signer.generate_presigned_url(
        request, "connect", expires_in=1, region_name=REGION, signing_name="rds-db"
    ).removeprefix("https://")
    time.sleep(1.1)
    valid = shared_database.token("app")

    with shared_database.connect(user="app", password=valid) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("app",)
    for invalid in (
        expired,
        shared_database.token("cruddur_root"),
        valid.replace("X-Amz-Signature=", "X-Amz-Signature=0"),
        valid.replace(f":{shared_database.outputs['Port']}/", ":5432/"),
        "not used",
    ):
        error = shared_database.connection_error(user="app", password=invalid)
        assert 'PAM authentication failed for user "app"' in error


def test_policy(shared_database: DeployedDatabase) -> None:
    """The user who signs a token needs the permission rds-db:connect for its database user.

    RDS user guide, Creating and using an IAM policy for IAM database access.
    """
    iam, account = shared_database.aws.client("iam"), shared_database.aws.endpoint.account
    iam.create_user(UserName="client")
    key = iam.create_access_key(UserName="client")["AccessKey"]
    keys = emulator.Endpoint(
        shared_database.aws.endpoint.url, account, key["AccessKeyId"], key["SecretAccessKey"]
    )
    token = shared_database.token("app", Aws(keys))

    def allow(user: str) -> None:
        statement = {
            "Effect": "Allow",
            "Action": "rds-db:connect",
            "Resource": shared_database.arn(user),
        }
        iam.put_user_policy(
            UserName="client", PolicyName="connect", PolicyDocument=policy(statement)
        )

    assert "PAM authentication failed" in shared_database.connection_error(
        user="app", password=token
    )
    allow("another")
    assert "PAM authentication failed" in shared_database.connection_error(
        user="app", password=token
    )
    allow("app")
    with shared_database.connect(user="app", password=token):
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


def test_function(shared_database: DeployedDatabase) -> None:
    """A function logs in with its role's permission; libpq finds the CA in its environment.

    RDS user guide, IAM database authentication. On AWS the zip of the function contains the CA; the
    emulator sets the path of its CA in the environment.
    """
    lambdas, iam = shared_database.aws.client("lambda"), shared_database.aws.client("iam")
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
        response = lambdas.invoke(
            FunctionName="function", Payload=json.dumps(shared_database.outputs)
        )
        return str(json.loads(response["Payload"].read()))

    assert "PAM authentication failed" in invoke()
    statement = {
        "Effect": "Allow",
        "Action": "rds-db:connect",
        "Resource": shared_database.arn("app"),
    }
    iam.put_role_policy(RoleName="function", PolicyName="connect", PolicyDocument=policy(statement))
    assert invoke() == "app"


def _add_psycopg(archive: zipfile.ZipFile) -> None:
    """Add psycopg to the zip, because a function has only the packages in its zip."""
    packages = Path(psycopg.__file__).parents[1]
    for part in ("psycopg", "psycopg_binary", "psycopg_binary.libs", "typing_extensions.py"):
        for file in [packages / part, *(packages / part).rglob("*")]:
            if file.is_file():
                archive.write(file, file.relative_to(packages))


def test_proxy_passes_messages(shared_database: DeployedDatabase) -> None:
    """The proxy forwards long messages and cancel requests, and closes connections with HTTP.

    PostgreSQL's manual, Frontend/Backend Protocol.
    """
    with socket.create_connection(
        (shared_database.outputs["Address"], int(shared_database.outputs["Port"]))
    ) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(100) == b""

    with shared_database.connect() as connection:
        text = "x" * 3_000_000
        [length] = connection.execute("SELECT length(%s)", [text]).fetchone() or [0]
        [result] = connection.execute("SELECT repeat('y', 3000000)").fetchone() or [""]
        threading.Timer(0.2, connection.cancel_safe).start()
        with pytest.raises(psycopg.errors.QueryCanceled, match="due to user request"):
            connection.execute("SELECT pg_sleep(5)")

    assert (length, result) == (3_000_000, "y" * 3_000_000)
