"""One environment and its account, opened: what its stacks give, and clients for its region."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
        """What the `[env]` table of its config file says."""
        return self.environment.env

    def client(self, service: str) -> Any:
        """A client of an AWS service."""
        return self.account.client(service, self.env.region)

    def output(self, layer: str, title: str) -> str:
        """What the deployed *layer* says under *title*; raises CloudError if it says nothing."""
        return self.outputs({layer: (title,)})[layer, title]

    def outputs(self, asked: Mapping[str, Collection[str]]) -> dict[tuple[str, str], str]:
        """As `outputs`, of the stacks that are in the account now."""
        return outputs(self.env, asked, self._stack)

    def _stack(self, layer: str) -> DeployedStack | None:
        """Return the stack of *layer*; raise GuardError if a foreign stack has its name."""
        from deployer.ownership import refuse_foreign

        found = self.account.stack(self.env.region, self.env.stack_name(layer))
        if found:
            refuse_foreign(self.env.owner, [found], hint="run ./inv status to see the stacks")
        return found

    @property
    def roots(self) -> Path:
        """Who vouches that a database is what it says: RDS, or the emulator itself."""
        if self.environment.is_local:
            import emulator

            return emulator.status(project.project().emulator).ca
        return project.ROOT / "lambdas" / "shared" / "database.pem"


def outputs(
    env: Env, asked: Mapping[str, Collection[str]], find: Callable[[str], DeployedStack | None]
) -> dict[tuple[str, str], str]:
    """What layers say under the titles that are *asked* of them, by layer and title.

    *find* gives the stack of a layer. Raises one CloudError that names all that say too little.
    """
    from deployer.errors import CloudError

    said = {layer: stack.outputs if (stack := find(layer)) else {} for layer in asked}
    missing = [layer for layer, titles in asked.items() if not said[layer].keys() >= {*titles}]
    if missing:
        named = ", ".join(env.stack_name(layer) for layer in missing)
        stacks = " ".join(f"--stack={layer}" for layer in missing)
        verb = "is" if len(missing) == 1 else "are"
        hint = f"./inv deploy {stacks} --env={env.name}"
        raise CloudError(f"{named} {verb} not deployed", hint=hint)
    return {(layer, title): said[layer][title] for layer in asked for title in asked[layer]}


def connect(env: str) -> Target:
    """The environment that is meant, and its account with every guard held."""
    return connect_to(project.environment(env))


def connect_to(environment: Environment) -> Target:
    """Connect to the account of *environment*; print the parts of the AWS setup in use to stderr."""
    from deployer import report

    env = environment.env
    if not environment.is_local:
        style = report.style_of(sys.stderr, os.environ)
        origins = project.origins(environment)
        line = report.start_line(
            env.name, env.account, env.region, style, emulator=False, origins=origins
        )
        print(style.fit(line), file=sys.stderr)
    return Target(environment, project.account(environment))
