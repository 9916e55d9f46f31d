"""Limit what a release, which runs in a pipeline, may deploy."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from deployer.aws.cloud import DeployedStack
from deployer.errors import CloudError, GuardError
from deployer.model import Env
from deployer.model.desired import DesiredStack


@dataclass(frozen=True)
class ReleaseLimits:
    """The stacks that a release must not deploy, and the stack and output with its service role.

    Both are short names of stacks. An administrator deploys *manual_stacks*: they define the
    permissions of a release.
    """

    manual_stacks: Collection[str]
    role_stack: str
    role_output: str

    def select(
        self, desired: Sequence[DesiredStack], names: Sequence[str]
    ) -> tuple[DesiredStack, ...]:
        """Return *desired* without the manual stacks; raise GuardError if *names* has one."""
        manual = [stack for stack in desired if stack.short_name in self.manual_stacks]
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
        hint = f"./inv deploy --stack={self.role_stack} --env={env.name}"
        raise CloudError(f"{name} is not deployed", hint=hint)
