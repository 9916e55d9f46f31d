"""`secret.put` stores values, and no task prints them."""

from __future__ import annotations

import getpass
import io
import json
import sys

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import secret
from deployer.aws.connect import connect_endpoint
from operations import project
from operations import secret as operation
from tests.emulator_server import Aws
from tests.operations.fake_account import Account, use_account

VALUE = "5e cret=$'\"é"
NAMES = tuple(f"SECRET_{letter}" for letter in "ABCDEFGHIJKL")  # 12: a call reads at most 10.


@pytest.fixture
def ssm(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    """A client of the emulator's Parameter Store; config names the secrets."""
    endpoint = aws.endpoint
    use_account(monkeypatch, Account(), secrets=NAMES)
    account = connect_endpoint(
        endpoint.url, "ca-central-1", endpoint.access_key, endpoint.secret_key
    )
    monkeypatch.setattr(project, "account", lambda _: account)
    return aws.client("ssm")


def enter(monkeypatch: pytest.MonkeyPatch, text: str, *, terminal: bool = False) -> None:
    """Provide *text* on stdin, from a pipe or typed."""
    stdin = io.StringIO(text)
    stdin.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(getpass, "getpass", lambda _: text)


def stored(ssm, name: str) -> dict:
    """Return the parameter of the secret *name*, decrypted."""
    path = f"/crd/x/backend-flask/{name}"
    return ssm.get_parameter(Name=path, WithDecryption=True)["Parameter"]


@pytest.mark.parametrize(
    ("text", "terminal"), [(f"{VALUE}\n", False), (VALUE, False), (VALUE, True)],
    ids=["line", "no newline", "keyboard"],
)  # fmt: skip
def test_put(ssm, monkeypatch, capsys, text: str, terminal: bool) -> None:
    """The value is stored encrypted and is not printed."""
    enter(monkeypatch, text, terminal=terminal)

    secret.put(Context(), name="SECRET_A")

    assert (
        stored(ssm, "SECRET_A")["Type"],
        stored(ssm, "SECRET_A")["Value"],
    ) == ("SecureString", VALUE)
    output = capsys.readouterr()
    assert "stored /crd/x/backend-flask/SECRET_A, version 1\n" in output.out
    assert VALUE not in output.out + output.err


def test_put_again(ssm, monkeypatch, capsys) -> None:
    """A new value replaces the old one."""
    for value in ("old", "new"):
        enter(monkeypatch, value)
        secret.put(Context(), name="SECRET_A")

    assert stored(ssm, "SECRET_A")["Value"] == "new"
    assert "version 2\n" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "\n"], ids=["nothing", "newline"])
def test_an_empty_value(ssm, monkeypatch, capsys, text: str) -> None:
    """An empty value is refused: the application could not start with it."""
    enter(monkeypatch, text)

    with pytest.raises(Exit):
        secret.put(Context(), name="SECRET_A")

    assert "SECRET_A: the value is empty" in capsys.readouterr().err


def test_standard_input_is_closed(ssm, monkeypatch, capsys) -> None:
    """If sys.stdin is None, as after `<&-` in a shell, the value is empty."""
    monkeypatch.setattr(sys, "stdin", None)

    with pytest.raises(Exit):
        secret.put(Context(), name="SECRET_A")

    assert "SECRET_A: the value is empty" in capsys.readouterr().err
    assert ssm.describe_parameters()["Parameters"] == []


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("é" * 2049, "has 4,098 bytes; Parameter Store accepts 4,096"),
        ("s{{ecret}}", "contains {{, which Parameter Store refuses as a reference"),
    ],
    ids=["long", "reference"],
)
def test_a_value_that_parameter_store_refuses(
    ssm, monkeypatch, capsys, text: str, fact: str
) -> None:
    """The error comes before a call of AWS, and does not contain the value."""
    enter(monkeypatch, text)

    with pytest.raises(Exit):
        secret.put(Context(), name="SECRET_A")

    error = capsys.readouterr().err
    assert f"SECRET_A: {fact}" in error
    assert text not in error


def test_the_longest_value(ssm, monkeypatch) -> None:
    """The limit of the standard tier is accepted."""
    enter(monkeypatch, "é" * 2048)

    secret.put(Context(), name="SECRET_A")

    assert stored(ssm, "SECRET_A")["Value"] == "é" * 2048


def test_ctrl_d(ssm, monkeypatch, capsys) -> None:
    """Ctrl-D at the prompt enters an empty value."""

    def getpass_(_: str) -> str:
        raise EOFError

    enter(monkeypatch, "", terminal=True)
    monkeypatch.setattr(getpass, "getpass", getpass_)

    with pytest.raises(Exit) as ended:
        secret.put(Context(), name="SECRET_A")

    assert ended.value.code == 1
    assert "error: SECRET_A: the value is empty\n" in capsys.readouterr().err
    assert ssm.describe_parameters()["Parameters"] == []


@pytest.mark.parametrize("name", ["", "SECRET_Z", "../SECRET_A", "secret_a"])
def test_not_in_config(ssm, monkeypatch, capsys, name: str) -> None:
    """A name that config does not have is refused; the hint lists the names."""
    enter(monkeypatch, VALUE)

    with pytest.raises(Exit):
        secret.put(Context(), name=name)

    error = capsys.readouterr().err
    assert f"--name={name}: not among secrets in [service] of config/x.toml" in error
    assert "SECRET_A, SECRET_B" in error
    assert ssm.describe_parameters()["Parameters"] == []


def test_list(ssm, monkeypatch, capsys) -> None:
    """Each secret is stored or missing; the values are not read."""
    enter(monkeypatch, VALUE)
    secret.put(Context(), name="SECRET_L")
    capsys.readouterr()

    secret.list_(Context(), json=True)

    output = capsys.readouterr().out
    rows = {row["name"]: row for row in json.loads(output)["secrets"]}
    assert [f"/crd/x/backend-flask/{name}" for name in NAMES] == list(rows)
    states = [row["state"] for row in rows.values()]
    assert states == ["missing"] * 11 + ["stored"]
    assert rows["/crd/x/backend-flask/SECRET_L"]["changed"].startswith("20")
    assert VALUE not in output


def test_a_second_service(ssm, monkeypatch, capsys) -> None:
    """A secret of two services has a parameter for each."""
    use_account(monkeypatch, Account(), verifier=True, secrets=("SECRET_A",))

    assert operation.parameter_names(project.environment()) == {
        "/crd/x/backend-flask/SECRET_A": "SECRET_A",
        "/crd/x/verifier/SECRET_A": "SECRET_A",
    }


def test_no_secrets(monkeypatch, capsys) -> None:
    """Without secrets in config, AWS is not called."""
    use_account(monkeypatch, Account())

    secret.list_(Context())

    assert capsys.readouterr().out == "no secrets\n"
