"""The demo accounts of the emulator: users who can sign in at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployer.errors import CloudError, GuardError

if TYPE_CHECKING:
    from operations.target import Target

# It fulfils the password policy of stacks/users.py. It is printed, and valid in the emulator only.
PASSWORD = "Cruddur-demo-2026"  # noqa: S105


@dataclass(frozen=True)
class Account:
    """A user of the sample data in backend/db/seed.sql."""

    handle: str
    display_name: str

    @property
    def email(self) -> str:
        """The address with which the user signs in."""
        return f"{self.handle}@example.com"


ACCOUNTS = (Account("andrewbrown", "Andrew Brown"), Account("bayko", "Andrew Bayko"))


def create_accounts(target: Target) -> Iterator[str]:
    """Create the missing accounts and yield their addresses.

    Sign up and confirm as a user would, so that Cognito invokes post_confirmation, which adds the
    profile. Raise GuardError for an environment in AWS, where the password is not secret.
    """
    if not target.environment.is_local:
        raise GuardError("demo accounts: only the emulator has them")
    cognito: Any = target.client("cognito-idp")
    pool, client = target.output("users", "Pool"), target.output("users", "Client")
    for account in ACCOUNTS:
        if _create(cognito, pool, client, account):
            yield account.email


def _create(cognito: Any, pool: str, client: str, account: Account) -> bool:
    """Create *account* if it is missing, and confirm it; return whether anything changed."""
    user = {"UserPoolId": pool, "Username": account.email}
    try:
        found = cognito.admin_get_user(**user)
    except CloudError as error:
        if error.aws_code != "UserNotFoundException":
            raise
        attributes = {
            "email": account.email,
            "name": account.display_name,
            "preferred_username": account.handle,
        }
        cognito.sign_up(
            ClientId=client,
            Username=account.email,
            Password=PASSWORD,
            UserAttributes=[{"Name": key, "Value": value} for key, value in attributes.items()],
        )
    else:
        if found["UserStatus"] == "CONFIRMED":
            return False
    cognito.admin_confirm_sign_up(**user)
    cognito.admin_update_user_attributes(
        **user, UserAttributes=[{"Name": "email_verified", "Value": "true"}]
    )
    return True
