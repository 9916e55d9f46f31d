"""Values of secrets are checked, and their last changes are read in groups of ten."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deployer.errors import ConfigError
from operations import project, secret
from operations.target import Target
from tests.operations.fake_account import Account, Client, use_account

NAMES = tuple(f"SECRET_{letter}" for letter in "ABCDEFGHIJKL")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "the value is empty"),
        ("x" * 4097, "has 4,097 bytes"),
        ("a{{b", r"contains \{\{"),
    ],
)
def test_invalid_values(value: str, message: str) -> None:
    """Values that Parameter Store would refuse are errors."""
    with pytest.raises(ConfigError, match=f"NAME: {message}"):
        secret.check_value("NAME", value)


def test_a_valid_value() -> None:
    """A value of 4,096 bytes, the limit of Parameter Store, is accepted."""
    assert secret.check_value("NAME", "x" * 4096) == "x" * 4096


def test_last_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call reads at most ten parameters, without decryption; missing ones are empty."""
    changed = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    found = {"Name": "/crd/x/backend-flask/SECRET_B", "LastModifiedDate": changed}
    client = Client(get_parameters=[{"Parameters": [found]}, {"Parameters": []}])
    account = use_account(monkeypatch, Account({}, {"ssm": client}), secrets=NAMES)

    changes = secret.last_changes(Target(project.environment(), account))

    calls = [arguments for _, arguments in client.calls]
    assert [len(call["Names"]) for call in calls] == [10, 2]
    assert [call["WithDecryption"] for call in calls] == [False, False]
    assert changes["/crd/x/backend-flask/SECRET_A"] == ""
    assert changes["/crd/x/backend-flask/SECRET_B"] == "2026-01-02 03:04:05+00:00"
