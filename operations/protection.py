"""What may cost a protected environment its data is done by those who name it, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployer.model import Env


def ask(env: Env, confirm: str, why: str) -> None:
    """Raise GuardError, with *why*, unless *env* is unprotected or *confirm* is its name."""
    from deployer.errors import GuardError

    if env.protect and confirm != env.name:
        raise GuardError(
            f"{env.name} is protected, and {why}", hint=f"if that is meant: --confirm={env.name}"
        )
