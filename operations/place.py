"""One environment and its account, opened: what its stacks give, and clients for its region."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operations import project

if TYPE_CHECKING:
    from deployer.aws import Account
    from deployer.environment import Environment
    from deployer.stack import Env


@dataclass(frozen=True)
class Place:
    """Where a task works."""

    environment: Environment
    account: Account

    @property
    def env(self) -> Env:
        """What the `[env]` table of its config file says."""
        return self.environment.env

    def client(self, service: str) -> Any:
        """A client of an AWS service."""
        return self.account.client(service, self.env.region)

    def output(self, layer: str, title: str) -> str:
        """What the deployed *layer* says under *title*; raises CloudError if it says nothing."""
        from deployer.errors import CloudError

        name = self.env.stack_name(layer)
        stack = self.account.stack(self.env.region, name)
        if stack is None or title not in stack.outputs:
            raise CloudError(f"{name} is not deployed", hint=f"invoke deploy --stack={layer}")
        return stack.outputs[title]

    @property
    def roots(self) -> Path:
        """Who vouches that a database is what it says: RDS, or the embedded AWS itself."""
        if self.environment.embedded:
            from deployer import embedded

            return embedded.status(project.project().embedded).ca
        return project.ROOT / "lambdas" / "shared" / "database.pem"


def open_(env: str) -> Place:
    """The environment that is meant, and its account with every guard held."""
    environment = project.environment(env)
    return Place(environment, project.account(environment))
