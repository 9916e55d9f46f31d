"""The tasks of the database, up to the function they call: here one that tells what it was asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from deployer.aws.account import Account
from deployer.aws.connect import connect_endpoint
from deployer.config.fields import Settings
from deployer.environment import Environment
from deployer.errors import CloudError, UnreachableError
from deployer.model import Env
from operations import db, functions, project, target
from tests.emulator.functions import ROLE, code, function
from tests.emulator.templates import ref, resource, template
from tests.operations import answers
from tests.operations.answers import tags

if TYPE_CHECKING:
    from tests.emulator_server import Aws

IAM = {"Capabilities": ["CAPABILITY_IAM"]}
PASSWORD = "never to be seen"
ENV = Env(
    "cruddur", "crd", "x", "000000000000", "ca-central-1", "x.example.com", "Z1", protect=False
)

ASKED = """
import json, time
def handler(event, _):
    match event.get("do"):
        case "migrate":
            return {"applied": ["0001_users", "0002_activities"]}
        case "status":
            return {"applied": ["0001_users", "0003_a", "0002_b"], "pending": ["0004_c"]}
        case "seed":
            raise ValueError("0001_users: no such table")
        case "bootstrap" if event["username"] == "stranger":
            raise OSError('FATAL:  PAM authentication failed for user "migrator"')
    return {"was_asked": [json.dumps(event, sort_keys=True)]}
"""


@pytest.fixture
def account(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    """An account with what the tasks look for: the outputs of two layers, a function, a secret."""
    known = {"SecretString": json.dumps({"username": "overseer", "password": PASSWORD})}
    secret = resource("AWS::SecretsManager::Secret", **known)
    aws.deploy(
        "crd-x-database",
        template(Secret=secret) | {"Outputs": {"MasterSecret": {"Value": ref("Secret")}}},
        Tags=tags("crd-x-database"),
    )
    asked = template(Role=ROLE, Asked=function(code(aws, ASKED)))
    body = asked | {"Outputs": {"Migrate": {"Value": ref("Asked")}}}
    aws.deploy("crd-x-users", body, Tags=tags("crd-x-users"), **IAM)
    monkeypatch.setattr(db, "_managed_secret", lambda here: here.output("database", "MasterSecret"))
    return opened(aws, monkeypatch)


def opened(aws: Aws, monkeypatch: pytest.MonkeyPatch, env: Env = ENV) -> Account:
    """The account, and every task that opens an environment gets it."""
    there = aws.endpoint
    account = connect_endpoint(there.url, env.region, there.access_key, there.secret_key)
    environment = Environment(env, (), Path(), Settings())
    monkeypatch.setattr(project, "environment", lambda _: environment)
    monkeypatch.setattr(project, "account", lambda _: account)
    return account


@pytest.fixture
def protected(account, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same account, of an environment that is protected."""
    opened(aws, monkeypatch, Env(**{**_fields(ENV), "protect": True}))


def _fields(env: Env) -> dict[str, Any]:
    return {name: getattr(env, name) for name in env.__struct_fields__}


def test_what_is_shown(account, capsys) -> None:
    """One line for each file, in the order in which the function names them."""
    db.migrate(Context())
    db.status(Context())

    assert [
        "applied 0001_users",
        "applied 0002_activities",
        "applied 0001_users",
        "applied 0003_a",
        "applied 0002_b",
        "pending 0004_c",
    ] == capsys.readouterr().out.splitlines()


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
def test_what_is_asked(account, capsys, run, event: dict[str, Any]) -> None:
    """The function gets what it needs: for the bootstrap, the secret that RDS keeps."""
    run()

    assert f"was asked {json.dumps(event, sort_keys=True)}\n" == capsys.readouterr().out


def test_which_are_rolled_back(account, capsys) -> None:
    """The migrations are named before they are rolled back, in the order of the rollback."""
    db.rollback(Context(), steps=9, dry_run=True)

    told = capsys.readouterr()
    assert "" == told.out
    assert (
        told.err.splitlines()[-1]
        == "rolls back 0002_b, 0003_a, 0001_users: may drop tables and the data in them"
    )


def test_names_of_migrations_are_shown_and_not_obeyed(account, capsys, monkeypatch) -> None:
    """They come from the database, where whoever can write chooses them."""
    monkeypatch.setattr(db, "_call", lambda *_: {"applied": ["0001_\x1b[2J\n"]})

    db.rollback(Context(), dry_run=True)

    assert "rolls back 0001_\\x1b[2J" in capsys.readouterr().err


def test_nothing_to_roll_back(account, capsys, monkeypatch) -> None:
    """If nothing is applied, only the status is called."""
    events: list[object] = []
    monkeypatch.setattr(db, "_call", lambda _, event: events.append(event) or {"applied": []})

    db.rollback(Context())

    assert "nothing to roll back\n" == capsys.readouterr().out
    assert [{"do": "status"}] == events


@pytest.mark.parametrize("steps", [0, -1])
def test_steps(account, capsys, steps: int) -> None:
    """Fewer than one is a mistake, not nothing."""
    with pytest.raises(Exit):
        db.rollback(Context(), steps=steps)

    assert f"--steps={steps}: is less than 1" in capsys.readouterr().err


def test_before_the_bootstrap(account, capsys, monkeypatch) -> None:
    """What PostgreSQL says of a user it does not know does not say what there is to do."""
    monkeypatch.setattr(db, "_master", lambda _: {"username": "stranger", "password": PASSWORD})

    with pytest.raises(Exit):
        db.bootstrap(Context())

    assert "./inv db.bootstrap --env=x" in capsys.readouterr().err


@pytest.mark.parametrize("managed", [{}, {"MasterUserSecret": {"SecretArn": "arn:ours"}}])
def test_the_password_of_another_secret_is_not_sent(capsys, monkeypatch, managed) -> None:
    """A release chooses what the stack returns, and the code of the function that gets it."""
    rds = answers.Client(describe_db_instances={"DBInstances": [managed]})
    outputs = {"database": {"MasterSecret": "arn:theirs"}, "users": {"Migrate": "x"}}
    answers.opened(monkeypatch, answers.Account(outputs, {"rds": rds}))

    with pytest.raises(Exit):
        db.bootstrap(Context())

    assert "arn:theirs is not the secret of the database" in capsys.readouterr().err
    assert [("describe_db_instances", {"DBInstanceIdentifier": "crd-x-database"})] == rds.asked


def test_the_secret_is_that_of_the_database(monkeypatch) -> None:
    """Then it is read."""
    rds = answers.Client(
        describe_db_instances={"DBInstances": [{"MasterUserSecret": {"SecretArn": "arn:ours"}}]}
    )
    kept = json.dumps({"username": "overseer", "password": PASSWORD})
    secrets = answers.Client(get_secret_value={"SecretString": kept})
    outputs = {"database": {"MasterSecret": "arn:ours"}}
    clients = {"rds": rds, "secretsmanager": secrets}
    answers.opened(monkeypatch, answers.Account(outputs, clients))

    assert {"username": "overseer", "password": PASSWORD} == db._master(target.connect("x"))


def test_what_fails(account, capsys) -> None:
    """What the function says is the error, and the task fails."""
    with pytest.raises(Exit) as ended:
        db.seed(Context())

    assert 1 == ended.value.code
    assert (
        "0001_users: no such table\nhint: see docs/migrations.md; "
        "its log may say more: ./inv logs --function=migrate --env=x\n"
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
def test_what_is_protected(protected, capsys, run, hint: str) -> None:
    """No invented people among the real ones, and no way back by mistake."""
    with pytest.raises(Exit) as ended:
        run()

    assert 3 == ended.value.code
    told = capsys.readouterr()
    assert "x is protected" in told.err
    assert hint in told.err
    assert "" == told.out


def test_what_is_confirmed(protected, capsys) -> None:
    """Who names the environment may take back."""
    db.rollback(Context(), confirm="x")

    assert "was asked" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("task", "missing"), [(db.migrate, "users"), (db.bootstrap, "database")], ids=["users", "data"]
)
def test_before_a_deploy(aws: Aws, monkeypatch, capsys, task, missing: str) -> None:
    """There is no function yet, and no secret: the hint says how there will be."""
    opened(aws, monkeypatch)

    with pytest.raises(Exit):
        task(Context())

    told = capsys.readouterr().err
    assert (
        f"error: crd-x-{missing} is not deployed\nhint: ./inv deploy --stack={missing} --env=x\n"
        in told
    )


def test_a_function_that_is_gone(account) -> None:
    """AWS's own refusal is told as any other."""
    with pytest.raises(CloudError, match=r"gone: Invoke: ResourceNotFoundException"):
        functions.invoke(account, "ca-central-1", "gone", {"password": PASSWORD})


@pytest.mark.parametrize("payload", [None, 5, "text", ["a"], {"do": "x", "é": "ü"}], ids=repr)
def test_any_payload(aws: Aws, account, payload: object) -> None:
    """What goes in and comes out is JSON."""
    echo = template(Role=ROLE, Echo=function(code(aws, key="echo.zip")))
    aws.deploy("echo", echo | {"Outputs": {"Echo": {"Value": ref("Echo")}}}, **IAM)

    assert payload == functions.invoke(
        account, "ca-central-1", aws.outputs("echo")["Echo"], payload
    )


def test_nobody_there(account, monkeypatch) -> None:
    """One call, and no second: nobody knows what the first one did."""
    calls: list[str] = []
    unreachable = connect_endpoint("http://127.0.0.1:9", "ca-central-1", "x", "x")
    unreachable.session.register("before-send.lambda", lambda **_: calls.append("invoke"))

    with pytest.raises(UnreachableError):
        functions.invoke(unreachable, "ca-central-1", "asked", {})

    assert ["invoke"] == calls


def test_a_migration_is_not_written_through_a_link(monkeypatch, capsys, tmp_path: Path) -> None:
    """The folder of the checkout may lead to another one."""
    monkeypatch.setattr(project, "ROOT", tmp_path / "checkout")
    (tmp_path / "own").mkdir()
    (tmp_path / "checkout" / db.MIGRATIONS).parent.mkdir(parents=True)
    (tmp_path / "checkout" / db.MIGRATIONS).symlink_to(tmp_path / "own")

    with pytest.raises(Exit):
        db.new(Context(), name="add_banner")

    assert "is a symbolic link" in capsys.readouterr().err
    assert [] == list((tmp_path / "own").iterdir())


def test_new(tmp_path: Path) -> None:
    """The next number, of four digits, whatever there is; what is there is not written over."""
    first = db.write(tmp_path, "users")
    (tmp_path / "0041_late.sql").write_text("kept")
    (tmp_path / "99_notes.sql").write_text("of somebody")
    second = db.write(tmp_path, "users")

    assert ["0001_users.sql", "0001_users.rollback.sql"] == [file.name for file in first]
    assert ["0042_users.sql", "0042_users.rollback.sql"] == [file.name for file in second]
    assert "kept" == (tmp_path / "0041_late.sql").read_text()
    assert all(file.read_text().startswith("-- ") for file in (*first, *second))


@pytest.mark.parametrize("name", ["", "Add", "add banner", "../x", "a.b", "x" * 61, "ä"])
def test_a_bad_name(name: str, capsys, monkeypatch, tmp_path: Path) -> None:
    """It becomes part of a file's name, and of a row."""
    monkeypatch.setattr(project, "ROOT", tmp_path)

    with pytest.raises(Exit):
        db.new(Context(), name=name)

    assert "hint: such as --name=add_banner" in capsys.readouterr().err
    assert [] == list(tmp_path.iterdir())


def test_new_says_what_it_wrote(monkeypatch, capsys, tmp_path: Path) -> None:
    """The names of the files, to open them."""
    monkeypatch.setattr(project, "ROOT", tmp_path)
    (tmp_path / db.MIGRATIONS).mkdir(parents=True)

    db.new(Context(), name="add_banner")

    assert [
        f"written {db.MIGRATIONS}/0001_add_banner.sql",
        f"written {db.MIGRATIONS}/0001_add_banner.rollback.sql",
    ] == capsys.readouterr().out.splitlines()
