"""Require the name of a protected environment before its data is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.errors import GuardError

if TYPE_CHECKING:
    from deployer.model import Env


def refuse_unconfirmed(env: Env, confirm: str, reason: str) -> None:
    """Raise GuardError, with *reason*, if *env* is protected and *confirm* is not its name."""
    if env.protect and confirm != env.name:
        raise GuardError(
            f"{env.name} is protected, and {reason}",
            hint=f"pass --confirm={env.name} to do it anyway",
        )
