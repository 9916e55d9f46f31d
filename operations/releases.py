"""What a release may deploy, and as whom: never its own limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployer.aws.cloud import DeployedStack
    from deployer.environment import Environment
    from deployer.model.desired import DesiredStack

FOUNDATION, ROLE = "foundation", "ReleaseRole"
# A person deploys these: they say what a release may do, and who publishes the site.
BY_HAND = {FOUNDATION, "pipeline", "site-publisher"}


def without_by_hand(
    desired: Sequence[DesiredStack], asked: Sequence[str]
) -> tuple[DesiredStack, ...]:
    """*desired* without what a person deploys; raises GuardError if just that was *asked* for."""
    from deployer.errors import GuardError

    by_hand = [each for each in desired if each.short_name in BY_HAND]
    if refused := [each for each in by_hand if {each.short_name, each.name} & {*asked}]:
        raise GuardError(
            f"{', '.join(each.name for each in refused)}: no release may change its own limits",
            hint="a person deploys it, without --release",
        )
    return tuple(each for each in desired if each not in by_hand)


def role(environment: Environment, found: Iterable[DeployedStack]) -> str:
    """The role that CloudFormation takes; raises CloudError where it is not there yet."""
    from deployer.errors import CloudError

    name = environment.env.stack_name(FOUNDATION)
    for stack in found:
        if stack.name == name and ROLE in stack.outputs:
            return stack.outputs[ROLE]
    hint = f"./inv deploy --stack={FOUNDATION} --env={environment.env.name}"
    raise CloudError(f"{name} is not deployed", hint=hint)
