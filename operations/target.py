"""An environment with its account, and the outputs of its deployed stacks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer.errors import CloudError
from operations import project

if TYPE_CHECKING:
    from deployer.aws.account import Account
    from deployer.aws.cloud import DeployedStack
    from deployer.environment import Environment
    from deployer.model import Env


@dataclass(frozen=True)
class Target:
    """An environment and the account that it is deployed to."""

    environment: Environment
    account: Account

    @property
    def env(self) -> Env:
        """Return the `[env]` table of the config file."""
        return self.environment.env

    def client(self, service: str) -> Any:
        """Return a boto3 client of *service* in the region of the environment."""
        return self.account.client(service, self.env.region)

    def output(self, stack: str, name: str) -> str:
        """Return one output of a deployed *stack*; raise CloudError if it is missing."""
        return self.outputs({stack: (name,)})[stack, name]

    def outputs(self, names: Mapping[str, Collection[str]]) -> dict[tuple[str, str], str]:
        """Read the stacks and return the outputs *names*, by stack and output.

        Raise one CloudError that names all stacks whose outputs are missing.
        """
        return select_outputs(self.env, names, self._deployed_stack)

    def _deployed_stack(self, stack: str) -> DeployedStack | None:
        """Return a deployed stack; raise GuardError if it belongs to another environment."""
        from deployer.ownership import refuse_foreign

        deployed = self.account.stack(self.env.region, self.env.stack_name(stack))
        if deployed:
            refuse_foreign(self.env.owner, [deployed], hint="run ./inv status to see the stacks")
        return deployed

    @property
    def database_ca(self) -> Path:
        """Return the CA certificates that verify the database: those of RDS or the emulator."""
        if self.environment.is_local:
            from operations import emulator

            return emulator.ca()
        return project.ROOT / "lambdas" / "shared" / "database.pem"


def select_outputs(
    env: Env,
    names: Mapping[str, Collection[str]],
    find: Callable[[str], DeployedStack | None],
) -> dict[tuple[str, str], str]:
    """Return the outputs *names*, by stack and output; *find* returns the deployed stack.

    Raise one CloudError that names all stacks whose outputs are missing.
    """
    deployed = {
        stack: deployed_stack.outputs if (deployed_stack := find(stack)) else {} for stack in names
    }
    missing = [stack for stack in names if not deployed[stack].keys() >= {*names[stack]}]
    if missing:
        stack_names = ", ".join(env.stack_name(stack) for stack in missing)
        flags = " ".join(f"--stack={stack}" for stack in missing)
        verb = "is" if len(missing) == 1 else "are"
        raise CloudError(
            f"{stack_names} {verb} not deployed",
            hint=f"run ./inv deploy {flags} --env={env.name}",
        )
    return {(stack, name): deployed[stack][name] for stack in names for name in names[stack]}
