"""The demo accounts are created once, and only in the emulator."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from deployer.errors import CloudError, GuardError
from operations import demo
from tests.operations.fake_account import Client

pytestmark = pytest.mark.thorough

MISSING = CloudError("AdminGetUser: UserNotFoundException", aws_code="UserNotFoundException")


def cognito(*found: object) -> Client:
    """Return a client that finds these users, one after the other."""
    return Client(
        admin_get_user=list(found),
        sign_up={},
        admin_confirm_sign_up={},
        admin_update_user_attributes={},
    )


def create(client: Client, *, is_local: bool = True) -> list[str]:
    """Create the accounts with *client*; return what is yielded."""
    target = SimpleNamespace(
        environment=SimpleNamespace(is_local=is_local),
        client=lambda _service: client,
        output=lambda _stack, name: name.lower(),
    )
    return list(demo.create_accounts(target))


def operations(client: Client) -> list[str]:
    """Return the names of the calls that change something."""
    return [name for name, _ in client.calls if name != "admin_get_user"]


def test_missing_accounts_sign_up() -> None:
    """An account signs up and is confirmed, so that Cognito adds its profile."""
    client = cognito(MISSING, MISSING)

    assert create(client) == ["andrewbrown@example.com", "bayko@example.com"]

    once = ["sign_up", "admin_confirm_sign_up", "admin_update_user_attributes"]
    assert operations(client) == once * 2


def test_confirmed_accounts_are_kept() -> None:
    """A second run changes nothing."""
    client = cognito({"UserStatus": "CONFIRMED"}, {"UserStatus": "CONFIRMED"})

    assert create(client) == []
    assert operations(client) == []


def test_an_interrupted_sign_up_is_confirmed() -> None:
    """An account that an interrupted run did not confirm is confirmed by the next."""
    client = cognito({"UserStatus": "UNCONFIRMED"}, {"UserStatus": "CONFIRMED"})

    assert create(client) == ["andrewbrown@example.com"]
    assert operations(client) == ["admin_confirm_sign_up", "admin_update_user_attributes"]


def test_other_errors_are_raised() -> None:
    """Only a missing user leads to a sign-up."""
    client = cognito(CloudError("denied", aws_code="AccessDeniedException"))

    with pytest.raises(CloudError, match="denied"):
        create(client)


def test_accounts_in_aws_are_refused() -> None:
    """The published password must not be valid in AWS, so an account is refused."""
    client = cognito()

    with pytest.raises(GuardError, match="only the emulator"):
        create(client, is_local=False)

    assert client.calls == []
