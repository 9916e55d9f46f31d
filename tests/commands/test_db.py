"""The `db.*` tasks invoke the function `migrate`; here, a fake returns the event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import db
from deployer.aws.account import Account
from deployer.aws.connect import connect_endpoint
from deployer.config.fields import Settings
from deployer.environment import Environment
from deployer.errors import CloudError, UnreachableError
from deployer.model import Env
from operations import db as operation
from operations import lambdas, project
from tests.emulator.functions import ROLE, code, function
from tests.emulator.templates import ref, resource, template
from tests.operations import fake_account
from tests.operations.fake_account import stack_tags

if TYPE_CHECKING:
    from tests.emulator_server import Aws

IAM = {"Capabilities": ["CAPABILITY_IAM"]}
PASSWORD = "never to be seen"
ENV = Env(
    "cruddur", "crd", "x", "000000000000", "ca-central-1", "x.example.com", "Z1", protect=False
)

FUNCTION = """
import json, time
def handler(event, _):
    match event.get("do"):
        case "migrate":
            return {"applied": ["0001_users", "0002_activities"]}
        case "status":
            return {"applied": ["0001_users", "0003_a", "0002_b"], "pending": ["0004_c"]}
        case "seed":
            raise ValueError("0001_users: no such table")
        case "bootstrap" if event["username"] == "unknown":
            raise OSError('FATAL:  PAM authentication failed for user "migrator"')
    return {"got": [json.dumps(event, sort_keys=True)]}
"""


@pytest.fixture
def account(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    """An account with the outputs of two stacks, a function and a secret."""
    known = {"SecretString": json.dumps({"username": "overseer", "password": PASSWORD})}
    secret = resource("AWS::SecretsManager::Secret", **known)
    aws.deploy(
        "crd-x-database",
        template(Secret=secret) | {"Outputs": {"MasterSecret": {"Value": ref("Secret")}}},
        Tags=stack_tags("crd-x-database"),
    )
    resources = template(Role=ROLE, Echo=function(code(aws, FUNCTION)))
    body = resources | {"Outputs": {"Migrate": {"Value": ref("Echo")}}}
    aws.deploy("crd-x-users", body, Tags=stack_tags("crd-x-users"), **IAM)
    monkeypatch.setattr(
        operation, "_managed_secret", lambda target: target.output("database", "MasterSecret")
    )
    return use_emulator(aws, monkeypatch)


def use_emulator(aws: Aws, monkeypatch: pytest.MonkeyPatch, env: Env = ENV) -> Account:
    """Make every task use the emulator's account as *env*."""
    endpoint = aws.endpoint
    account = connect_endpoint(endpoint.url, env.region, endpoint.access_key, endpoint.secret_key)
    environment = Environment(env, (), Path(), Settings())
    monkeypatch.setattr(project, "environment", lambda _: environment)
    monkeypatch.setattr(project, "account", lambda _: account)
    return account


@pytest.fixture
def protected(account, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account of the fixture `account`, in a protected environment."""
    use_emulator(aws, monkeypatch, Env(**{**_fields(ENV), "protect": True}))


def _fields(env: Env) -> dict[str, Any]:
    return {name: getattr(env, name) for name in env.__struct_fields__}


def test_output(account, capsys) -> None:
    """Each migration is a line, in the order of the function's response."""
    db.migrate(Context())
    db.status(Context())

    assert capsys.readouterr().out.splitlines() == [
        "applied 0001_users",
        "applied 0002_activities",
        "applied 0001_users",
        "applied 0003_a",
        "applied 0002_b",
        "pending 0004_c",
    ]


@pytest.mark.parametrize(
    ("run", "event"),
    [
        (
            lambda: db.rollback(Context()),
            {"do": "rollback", "steps": 1, "expected": ["0002_b"]},
        ),
        (
            lambda: db.rollback(Context(), steps=2),
            {"do": "rollback", "steps": 2, "expected": ["0002_b", "0003_a"]},
        ),
        (
            lambda: db.bootstrap(Context()),
            {"do": "bootstrap", "username": "overseer", "password": PASSWORD},
        ),
    ],
    ids=["rollback", "rollback 2", "bootstrap"],
)
def test_event(account, capsys, run, event: dict[str, Any]) -> None:
    """The function receives the arguments; for the bootstrap, also the master credentials."""
    run()

    assert capsys.readouterr().out == f"got {json.dumps(event, sort_keys=True)}\n"


def test_rollback_shows_the_migrations(account, capsys) -> None:
    """The migrations are named before they are rolled back, in the order of the rollback."""
    db.rollback(Context(), steps=9, dry_run=True)

    output = capsys.readouterr()
    assert output.out == ""
    assert (
        output.err.splitlines()[-1]
        == "rolls back 0002_b, 0003_a, 0001_users: may drop tables and the data in them"
    )


def test_names_of_migrations_are_escaped(account, capsys, monkeypatch) -> None:
    """Names of migrations come from the database, so control characters in them are escaped."""
    monkeypatch.setattr(operation, "_invoke", lambda *_: {"applied": ["0001_\x1b[2J\n"]})

    db.rollback(Context(), dry_run=True)

    assert "rolls back 0001_\\x1b[2J" in capsys.readouterr().err


def test_nothing_to_roll_back(account, capsys, monkeypatch) -> None:
    """If no migration is applied, only the status is read."""
    events: list[object] = []
    monkeypatch.setattr(
        operation, "_invoke", lambda _, event: events.append(event) or {"applied": []}
    )

    db.rollback(Context())

    assert capsys.readouterr().out == "nothing to roll back\n"
    assert events == [{"do": "status"}]


@pytest.mark.parametrize("steps", [0, -1])
def test_steps_must_be_positive(account, capsys, steps: int) -> None:
    """Zero steps are refused instead of doing nothing."""
    with pytest.raises(Exit):
        db.rollback(Context(), steps=steps)

    assert f"--steps={steps}: is less than 1" in capsys.readouterr().err


def test_before_the_bootstrap(account, capsys, monkeypatch) -> None:
    """If the database user does not exist, the hint is the command `db.bootstrap`."""
    monkeypatch.setattr(
        operation,
        "_master_credentials",
        lambda _: {"username": "unknown", "password": PASSWORD},
    )

    with pytest.raises(Exit):
        db.bootstrap(Context())

    assert "./inv db.bootstrap --env=x" in capsys.readouterr().err


@pytest.mark.parametrize("managed", [{}, {"MasterUserSecret": {"SecretArn": "arn:ours"}}])
def test_the_password_of_another_secret_is_not_sent(capsys, monkeypatch, managed) -> None:
    """The master password is read only from the secret that RDS manages for the database.

    A release could change the output that names the secret, and the function that receives the
    password.
    """
    rds = fake_account.Client(describe_db_instances={"DBInstances": [managed]})
    outputs = {"database": {"MasterSecret": "arn:theirs"}, "users": {"Migrate": "x"}}
    fake_account.use_account(monkeypatch, fake_account.Account(outputs, {"rds": rds}))

    with pytest.raises(Exit):
        db.bootstrap(Context())

    assert "arn:theirs is not the secret of the database" in capsys.readouterr().err
    assert rds.calls == [("describe_db_instances", {"DBInstanceIdentifier": "crd-x-database"})]


def test_the_managed_secret_is_read() -> None:
    """The secret that RDS manages for the database is accepted."""
    rds = fake_account.Client(
        describe_db_instances={"DBInstances": [{"MasterUserSecret": {"SecretArn": "arn:ours"}}]}
    )
    value = json.dumps({"username": "overseer", "password": PASSWORD})
    secrets = fake_account.Client(get_secret_value={"SecretString": value})
    outputs = {"database": {"MasterSecret": "arn:ours"}}
    clients = {"rds": rds, "secretsmanager": secrets}
    target = fake_account.target(fake_account.Account(outputs, clients))

    credentials = operation._master_credentials(target)

    assert credentials == {"username": "overseer", "password": PASSWORD}


def test_an_error_of_the_function(account, capsys) -> None:
    """The message of the function is printed, and the task fails."""
    with pytest.raises(Exit) as ended:
        db.seed(Context())

    assert ended.value.code == 1
    assert (
        "0001_users: no such table\nhint: see docs/migrations.md; "
        "the log may have details: ./inv logs --function=migrate --env=x\n"
    ) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("run", "hint"),
    [
        (lambda: db.seed(Context()), "seed another environment"),
        (lambda: db.rollback(Context()), "--confirm=x"),
        (lambda: db.rollback(Context(), confirm="prod"), "--confirm=x"),
    ],
    ids=["seed", "rollback", "rollback of another"],
)
def test_a_protected_environment(protected, capsys, run, hint: str) -> None:
    """Sample data is refused, and a rollback must be confirmed."""
    with pytest.raises(Exit) as ended:
        run()

    assert ended.value.code == 3
    output = capsys.readouterr()
    assert "x is protected" in output.err
    assert hint in output.err
    assert output.out == ""


def test_a_confirmed_rollback(protected, capsys) -> None:
    """With the name of the environment, the rollback runs."""
    db.rollback(Context(), confirm="x")

    assert "got {" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("task", "missing"), [(db.migrate, "users"), (db.bootstrap, "database")], ids=["users", "data"]
)
def test_before_a_deploy(aws: Aws, monkeypatch, capsys, task, missing: str) -> None:
    """The hint names the stack to deploy."""
    use_emulator(aws, monkeypatch)

    with pytest.raises(Exit):
        task(Context())

    output = capsys.readouterr().err
    assert (
        f"error: crd-x-{missing} is not deployed\nhint: run ./inv deploy --stack={missing} --env=x\n"
        in output
    )


def test_a_missing_function(account) -> None:
    """The error of AWS is raised as a CloudError."""
    with pytest.raises(CloudError, match=r"gone: Invoke: ResourceNotFoundException"):
        lambdas.invoke(account, "ca-central-1", "gone", {"password": PASSWORD})


@pytest.mark.parametrize("payload", [None, 5, "text", ["a"], {"do": "x", "é": "ü"}], ids=repr)
def test_any_payload(aws: Aws, account, payload: object) -> None:
    """Payload and response are JSON."""
    echo = template(Role=ROLE, Echo=function(code(aws, key="echo.zip")))
    aws.deploy("echo", echo | {"Outputs": {"Echo": {"Value": ref("Echo")}}}, **IAM)

    assert lambdas.invoke(account, "ca-central-1", aws.outputs("echo")["Echo"], payload) == payload


def test_an_unreachable_function(account, monkeypatch) -> None:
    """The call is not retried, because the first one may have changed something."""
    calls: list[str] = []
    unreachable = connect_endpoint("http://127.0.0.1:9", "ca-central-1", "x", "x")
    unreachable.session.register("before-send.lambda", lambda **_: calls.append("invoke"))

    with pytest.raises(UnreachableError):
        lambdas.invoke(unreachable, "ca-central-1", "x", {})

    assert calls == ["invoke"]


def test_a_migration_is_not_written_through_a_link(monkeypatch, capsys, tmp_path: Path) -> None:
    """No file is written if the folder is a link, which may lead out of the checkout."""
    monkeypatch.setattr(project, "ROOT", tmp_path / "checkout")
    (tmp_path / "own").mkdir()
    (tmp_path / "checkout" / operation.MIGRATIONS).parent.mkdir(parents=True)
    (tmp_path / "checkout" / operation.MIGRATIONS).symlink_to(tmp_path / "own")

    with pytest.raises(Exit):
        db.new(Context(), name="add_banner")

    assert "is a symbolic link" in capsys.readouterr().err
    assert list((tmp_path / "own").iterdir()) == []


def test_numbers(tmp_path: Path) -> None:
    """The next number follows the highest; existing files are kept."""
    first = operation.write_migration(tmp_path, "users")
    (tmp_path / "0041_late.sql").write_text("kept")
    (tmp_path / "99_notes.sql").write_text("not a migration")
    second = operation.write_migration(tmp_path, "users")

    assert [file.name for file in first] == ["0001_users.sql", "0001_users.rollback.sql"]
    assert [file.name for file in second] == ["0042_users.sql", "0042_users.rollback.sql"]
    assert (tmp_path / "0041_late.sql").read_text() == "kept"
    assert all(file.read_text().startswith("-- ") for file in (*first, *second))


@pytest.mark.parametrize("name", ["", "Add", "add banner", "../x", "a.b", "x" * 61, "ä"])
def test_an_invalid_name(name: str, capsys, monkeypatch, tmp_path: Path) -> None:
    """A name must be valid in a file name and in the table of applied migrations."""
    monkeypatch.setattr(project, "ROOT", tmp_path)

    with pytest.raises(Exit):
        db.new(Context(), name=name)

    hint = "hint: use a-z, 0-9 and _, at most 60 characters, such as --name=add_banner"
    assert hint in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_new(monkeypatch, capsys, tmp_path: Path) -> None:
    """The names of the new files are printed."""
    monkeypatch.setattr(project, "ROOT", tmp_path)
    (tmp_path / operation.MIGRATIONS).mkdir(parents=True)

    db.new(Context(), name="add_banner")

    assert capsys.readouterr().out.splitlines() == [
        f"wrote {operation.MIGRATIONS}/0001_add_banner.sql",
        f"wrote {operation.MIGRATIONS}/0001_add_banner.rollback.sql",
    ]
