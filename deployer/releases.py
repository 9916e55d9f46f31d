"""Limit what a release, which runs in a pipeline, may deploy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deployer.aws.cloud import DeployedStack
from deployer.errors import CloudError, GuardError
from deployer.model import Env
from deployer.model.desired import DesiredStack


@dataclass(frozen=True)
class ReleaseLimits:
    """The limits of a release: it skips the stacks of administrators, and uses a service role.

    The role is the output *role_output* of the stack with the short name *role_stack*.
    """

    role_stack: str
    role_output: str

    def select(
        self, desired: Sequence[DesiredStack], names: Sequence[str]
    ) -> tuple[DesiredStack, ...]:
        """Return *desired* without the stacks that an administrator deploys manually.

        Raise GuardError if *names* has one of those.
        """
        manual = [stack for stack in desired if stack.is_manual]
        if refused := [stack for stack in manual if {stack.short_name, stack.name} & {*names}]:
            raise GuardError(
                f"{', '.join(stack.name for stack in refused)}: "
                "a release cannot change its own permissions",
                hint="deploy it as an administrator, without --release",
            )
        return tuple(stack for stack in desired if stack not in manual)

    def role(self, env: Env, deployed: Iterable[DeployedStack]) -> str:
        """Return the ARN of the service role; raise CloudError if it is not deployed."""
        name = env.stack_name(self.role_stack)
        for stack in deployed:
            if stack.name == name and self.role_output in stack.outputs:
                return stack.outputs[self.role_output]
        hint = f"run ./inv deploy --stack={self.role_stack} --env={env.name}"
        raise CloudError(f"{name} is not deployed", hint=hint)
