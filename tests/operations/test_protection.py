"""A protected environment must be confirmed by name."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from deployer.errors import GuardError
from operations import protection
from tests.operations.fake_account import ENV

PROTECTED = replace(ENV, protect=True)


@pytest.mark.parametrize("confirm", ["", "y", "prod"])
def test_a_protected_environment_is_refused(confirm: str) -> None:
    """The error has the reason, and the hint has the flag."""
    with pytest.raises(GuardError, match="x is protected, and it may drop data") as raised:
        protection.refuse_unconfirmed(PROTECTED, confirm, "it may drop data")

    assert raised.value.hint == "pass --confirm=x to do it anyway"


@pytest.mark.parametrize(("env", "confirm"), [(PROTECTED, "x"), (ENV, "")])
def test_confirmed_or_unprotected(env, confirm: str) -> None:
    """The name of the environment confirms; an unprotected environment needs no confirmation."""
    protection.refuse_unconfirmed(env, confirm, "it may drop data")
