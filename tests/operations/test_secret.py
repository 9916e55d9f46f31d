"""Secrets go in, and never come out."""

from __future__ import annotations

import getpass
import io
import json
import sys

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from deployer.aws.connect import connect_endpoint
from operations import project, secret
from tests.emulator_server import Aws
from tests.operations.answers import Account, opened

VALUE = "5e cret=$'\"é"
NAMES = tuple(f"SECRET_{letter}" for letter in "ABCDEFGHIJKL")  # More than one call may ask for.


@pytest.fixture
def ssm(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    """The Parameter Store of the emulator; config lists the names."""
    there = aws.endpoint
    opened(monkeypatch, Account(), secrets=NAMES)
    account = connect_endpoint(there.url, "ca-central-1", there.access_key, there.secret_key)
    monkeypatch.setattr(project, "account", lambda _: account)
    return aws.client("ssm")


def given(monkeypatch: pytest.MonkeyPatch, text: str, *, terminal: bool = False) -> None:
    """Have *text* come in, by a pipe or from the keyboard."""
    stdin = io.StringIO(text)
    stdin.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(getpass, "getpass", lambda _: text)


def kept(ssm, name: str) -> dict:
    """What is kept under *name*, and how."""
    path = f"/crd/x/backend-flask/{name}"
    return ssm.get_parameter(Name=path, WithDecryption=True)["Parameter"]


@pytest.mark.parametrize(
    ("text", "terminal"), [(f"{VALUE}\n", False), (VALUE, False), (VALUE, True)],
    ids=["line", "no newline", "keyboard"],
)  # fmt: skip
def test_put(ssm, monkeypatch, capsys, text: str, terminal: bool) -> None:
    """Encrypted, where the task looks for it; nothing of it is printed."""
    given(monkeypatch, text, terminal=terminal)

    secret.put(Context(), name="SECRET_A")

    assert ("SecureString", VALUE) == (
        kept(ssm, "SECRET_A")["Type"],
        kept(ssm, "SECRET_A")["Value"],
    )
    told = capsys.readouterr()
    assert "kept /crd/x/backend-flask/SECRET_A, version 1\n" in told.out
    assert VALUE not in told.out + told.err


def test_put_again(ssm, monkeypatch, capsys) -> None:
    """A new value takes the place of the old one."""
    for value in ("old", "new"):
        given(monkeypatch, value)
        secret.put(Context(), name="SECRET_A")

    assert "new" == kept(ssm, "SECRET_A")["Value"]
    assert "version 2\n" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "\n"], ids=["nothing", "newline"])
def test_nothing_given(ssm, monkeypatch, capsys, text: str) -> None:
    """An empty secret would be found missing when the application starts."""
    given(monkeypatch, text)

    with pytest.raises(Exit):
        secret.put(Context(), name="SECRET_A")

    assert "SECRET_A: nothing was given" in capsys.readouterr().err


def test_standard_input_is_closed(ssm, monkeypatch, capsys) -> None:
    """As a scheduler or `<&-` leaves it: Python then has no object for it."""
    monkeypatch.setattr(sys, "stdin", None)

    with pytest.raises(Exit):
        secret.put(Context(), name="SECRET_A")

    assert "SECRET_A: nothing was given" in capsys.readouterr().err
    assert [] == ssm.describe_parameters()["Parameters"]


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("é" * 2049, "has 4,098 bytes, and Parameter Store takes 4,096"),
        ("s{{ecret}}", "has {{, which Parameter Store takes for a reference and refuses"),
    ],
    ids=["long", "reference"],
)
def test_what_parameter_store_refuses(ssm, monkeypatch, capsys, text: str, fact: str) -> None:
    """Told before AWS is asked, and without the value."""
    given(monkeypatch, text)

    with pytest.raises(Exit):
        secret.put(Context(), name="SECRET_A")

    told = capsys.readouterr().err
    assert f"SECRET_A: {fact}" in told
    assert text not in told


def test_the_longest_value(ssm, monkeypatch) -> None:
    """All that the standard tier takes."""
    given(monkeypatch, "é" * 2048)

    secret.put(Context(), name="SECRET_A")

    assert "é" * 2048 == kept(ssm, "SECRET_A")["Value"]


def test_ctrl_d(ssm, monkeypatch, capsys) -> None:
    """Whoever thinks better of it is told what it comes to."""

    def getpass_(_: str) -> str:
        raise EOFError

    given(monkeypatch, "", terminal=True)
    monkeypatch.setattr(getpass, "getpass", getpass_)

    with pytest.raises(Exit) as ended:
        secret.put(Context(), name="SECRET_A")

    assert 1 == ended.value.code
    assert "error: SECRET_A: nothing was given\n" in capsys.readouterr().err
    assert [] == ssm.describe_parameters()["Parameters"]


@pytest.mark.parametrize("name", ["", "SECRET_Z", "../SECRET_A", "secret_a"])
def test_not_in_config(ssm, monkeypatch, capsys, name: str) -> None:
    """What no task asks for is kept nowhere; whoever mistyped a name reads those there are."""
    given(monkeypatch, VALUE)

    with pytest.raises(Exit):
        secret.put(Context(), name=name)

    told = capsys.readouterr().err
    assert f"--name={name}: not among secrets in [service] of config/x.toml" in told
    assert "SECRET_A, SECRET_B" in told
    assert [] == ssm.describe_parameters()["Parameters"]


def test_list(ssm, monkeypatch, capsys) -> None:
    """Each is there or missing, however many they are; what they are is not asked for."""
    given(monkeypatch, VALUE)
    secret.put(Context(), name="SECRET_L")
    capsys.readouterr()

    secret.list_(Context(), json=True)

    told = capsys.readouterr().out
    rows = {row["name"]: row for row in map(json.loads, told.splitlines())}
    assert [f"/crd/x/backend-flask/{name}" for name in NAMES] == list(rows)
    states = [row["state"] for row in rows.values()]
    assert ["missing"] * 11 + ["there"] == states
    assert rows["/crd/x/backend-flask/SECRET_L"]["changed"].startswith("20")
    assert VALUE not in told


def test_a_second_service(ssm, monkeypatch, capsys) -> None:
    """What both ask for is kept for each of them."""
    opened(monkeypatch, Account(), verifier=True, secrets=("SECRET_A",))

    assert {
        "/crd/x/backend-flask/SECRET_A": "SECRET_A",
        "/crd/x/verifier/SECRET_A": "SECRET_A",
    } == secret.names(project.environment())


def test_no_secrets(monkeypatch, capsys) -> None:
    """A config that names none asks AWS for none."""
    opened(monkeypatch, Account())

    secret.list_(Context())

    assert "name  state  changed\n" == capsys.readouterr().out
