"""Tests of the operations tasks against a full deployment."""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.end_to_end import application

TOKEN = "5e cret=$'\"é"
PSQL = """#!/usr/bin/env python
import sys, psycopg
with psycopg.connect("") as connection:
    print(*connection.execute(sys.argv[2]).fetchone(), connection.pgconn.ssl_in_use)
"""


def manual_steps(deployed) -> dict[str, str]:
    """Return the manual steps that `status` prints: the command by step."""
    steps = json.loads(deployed.checkout.run("status", "--json").out)["manual_steps"]
    return {step["step"]: step["action"] for step in steps}


def variables(file: Path) -> dict[str, str]:
    """Return the variables of an env file, without the quotes around the values."""
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    return {name: value.strip("'") for name, value in (line.split("=", 1) for line in lines)}


@contextmanager
def temporarily_as_master(deployed, statement: str, undo: str):
    """Run *statement* as the master user, and *undo* at the end."""
    with deployed.master() as connection:
        connection.execute(statement)
        try:
            yield
        finally:
            connection.execute(undo)


def test_manual_steps(deployed) -> None:
    """`status` lists each manual step until it is done."""
    checkout = deployed.checkout
    initial = manual_steps(deployed)
    rename, undo = "ALTER ROLE migrator RENAME TO x", "ALTER ROLE x RENAME TO migrator"
    with temporarily_as_master(deployed, rename, undo):
        no_users = manual_steps(deployed)
    checkout.run("db.rollback")
    pending = manual_steps(deployed)
    checkout.run("db.migrate")
    checkout.run("service.record", f"--image={application.push(deployed, 'v1')}")
    recorded = manual_steps(deployed)
    checkout.run("deploy", "--stack=service", "--only")
    released = manual_steps(deployed)
    text = checkout.run("status").out

    assert list(initial) == ["image", "site"]
    assert initial["image"] == "./inv image.push, then ./inv service.record --image=DIGEST"
    assert no_users["users"] == "./inv db.bootstrap"
    assert "migrations" not in no_users
    assert pending["migrations"] == "./inv db.migrate"
    assert recorded["image"] == "./inv deploy --stack=service"
    assert list(released) == ["webhook", "site"]
    webhook = "https://api.cruddur.localhost/webhooks/avatar"
    assert f"manual: webhook: {webhook} has not confirmed its subscription: " in text
    assert f"--notification-endpoint {webhook}" in released["webhook"]


def test_logs(deployed) -> None:
    """`logs` prints the log of a function."""
    output = deployed.checkout.run("logs", "--function=migrate", "--since=1h").out

    assert '  {"event": "done", "do": "bootstrap", "created": "migrator application"}\n' in output


def test_logs_are_followed(deployed) -> None:
    """With --follow, new lines are printed until Ctrl-C, which prints no error (exit code 130)."""
    checkout = deployed.checkout
    with subprocess.Popen(
        [sys.executable, "-m", "invoke", "logs", "--function=migrate", "--since=0s", "--follow"],
        cwd=checkout.path,
        env=checkout.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as process:
        try:
            line = ""
            while '"do": "status"' not in line:
                assert process.poll() is None
                checkout.run("db.status")
                readable, _, _ = select.select([process.stdout], [], [], 1)
                if readable:  # Otherwise the command has not started yet.
                    line = process.stdout.readline()
            os.killpg(process.pid, signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()

    assert process.returncode == 130
    assert err == ""


def test_users(deployed) -> None:
    """`users.list` lists the users of the pool."""
    deployed.client("cognito-idp").admin_create_user(
        UserPoolId=deployed.outputs["users"]["Pool"],
        Username="ada@cruddur.example",
        MessageAction="SUPPRESS",
        UserAttributes=[
            {"Name": name, "Value": value}
            for name, value in {
                "email": "ada@cruddur.example",
                "email_verified": "true",
                "name": "Ada",
                "preferred_username": "ada",
            }.items()
        ],
    )

    [row] = json.loads(deployed.checkout.run("users.list", "--json").out)["users"]

    found = {name: row[name] for name in ("handle", "email", "status", "email_verified")}
    assert found == {
        "handle": "ada",
        "email": "ada@cruddur.example",
        "status": "FORCE_CHANGE_PASSWORD",
        "email_verified": True,
    }


def test_messages(deployed) -> None:
    """Each task prints its part of the table.

    `messages.conversation` prints the messages of a conversation, the newest last; `messages.scan`
    prints all items; `messages.conversations` prints that a user has no conversations.
    """
    for at, text in (("2026-01-01T00:00:00", "second"), ("2025-12-31T23:59:59", "first")):
        item = {"pk": "MSG#talk", "sk": at, "user_handle": "ada", "message": text}
        deployed.client("dynamodb").put_item(
            TableName=deployed.outputs["messages"]["Table"],
            Item={name: {"S": value} for name, value in item.items()},
        )

    output = deployed.checkout.run("messages.conversation", "--id=talk").out
    scanned = deployed.checkout.run("messages.scan", "--json").out

    assert [line.split()[-1] for line in output.splitlines()[1:]] == ["first", "second"]
    assert len(json.loads(scanned)["items"]) == 2
    assert (
        deployed.checkout.run("messages.conversations", "--user-id=unknown").out
        == "no conversations\n"
    )


def test_secrets(deployed) -> None:
    """A secret is read from standard input into Parameter Store, and is then no longer pending."""
    file = deployed.checkout.path / "config" / "local.toml"
    before = file.read_text()
    file.write_text(before.replace("secrets = []", 'secrets = ["ROLLBAR_ACCESS_TOKEN"]'))
    try:
        missing = manual_steps(deployed)
        output = deployed.checkout.shell(
            f"{shlex.quote(sys.executable)} -m invoke {missing['secrets'].removeprefix('./inv ')} <<'EOF'\n"
            f"{TOKEN}\nEOF"
        )
        listed = deployed.checkout.run("secret.list").out
        after = manual_steps(deployed)
    finally:
        file.write_text(before)

    name = "/crd/local/backend-flask/ROLLBAR_ACCESS_TOKEN"
    parameter = deployed.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]
    assert (parameter["Type"], parameter["Value"]) == ("SecureString", TOKEN)
    assert f"stored {name}, version 1\n" in output
    assert f"{name}  stored" in listed
    assert TOKEN not in output + listed
    assert "secrets" not in after


def test_env_files(deployed) -> None:
    """The env file has the addresses of the deployed resources."""
    deployed.checkout.run("env.write")

    backend = variables(deployed.checkout.path / "backend/.env")
    assert deployed.outputs["messages"]["Table"] == backend["DDB_MESSAGE_TABLE"]
    assert deployed.endpoint.url == backend["AWS_ENDPOINT_URL"]
    assert Path(backend["PGSSLROOTCERT"]).exists()


def test_configuration_of_the_site(deployed, tmp_path) -> None:
    """The published config.json has the deployed client, and an upload API that exists."""
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "config.json").write_text("{}")
    deployed.checkout.run("site.sync", f"--folder={tmp_path}")

    bucket = deployed.outputs["cdn"]["SiteBucket"]
    stored = deployed.client("s3").get_object(Bucket=bucket, Key="config.json")
    configuration = json.loads(stored["Body"].read())
    assert deployed.outputs["users"]["Client"] == configuration["userPoolClient"]
    upload = f"{configuration['uploads']}/avatars/key_upload"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(upload, b"{}"))  # noqa: S310  # loopback
    assert refused.value.code == 401
    refused.value.close()


def test_psql(deployed, tmp_path) -> None:
    """`db.connect` starts psql, which connects with a token over TLS."""
    psql = tmp_path / "psql"
    psql.write_text(PSQL)
    psql.chmod(0o755)
    path = f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = "--command=SELECT current_user"

    output = deployed.checkout.run("db.connect", "--user=migrator", command, PATH=path).out

    assert output == "migrator True\n"


def test_sessions(deployed) -> None:
    """`db.sessions` lists the connections except its own."""
    with deployed.application():
        output = deployed.checkout.run("db.sessions", "--json").out
    other = deployed.checkout.run("db.sessions", "--user=migrator").out

    rows = json.loads(output)["connections"]
    assert [row["user"] for row in rows] == ["application"]
    assert [row["state"] for row in rows] == ["idle"]
    assert other == "no connections\n"


def test_ecr_login_is_refused_on_the_emulator(deployed) -> None:
    """`ecr.login` is refused on the emulator: `image.push` needs no docker there."""
    refused = deployed.checkout.run("ecr.login", code=1)

    assert "local: docker cannot push to the emulator" in refused.err
