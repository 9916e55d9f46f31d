"""A fake account whose clients return prepared answers and record their calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from deployer import config
from deployer.aws.cloud import DeployedStack
from deployer.config.fields import Settings
from deployer.environment import Environment
from deployer.errors import CloudError, UnreachableError
from deployer.model import Env
from operations import project
from operations.target import Target
from stacks import Config
from tests.fakes import ACCOUNT, REGION

ENV = Env("cruddur", "crd", "x", ACCOUNT, REGION, "x.example", "Z1", protect=False)
ENVIRONMENT = Environment(ENV, (), Path(), Settings())
START_LINE = f"x: account {ACCOUNT}, region {REGION} · profile x\n"  # The first line of a task.
ALERT_EMAIL = "operators@cruddur.example"
LOCAL_CONFIG = Path(__file__).parents[2] / "config" / "local.toml"


class Client:
    """A client of one service, with an answer for each operation.

    A list holds the answers of consecutive calls, or the pages of a paginator. Errors are raised.
    """

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.meta = SimpleNamespace(endpoint_url="https://ssm.example")

    def __getattr__(self, operation: str) -> Any:
        answer = self.answers[operation]

        def call(*args: Any, **arguments: Any) -> Any:
            positional = {str(index): value for index, value in enumerate(args)}
            self.calls.append((operation, arguments | positional))
            result = answer.pop(0) if isinstance(answer, list) else answer
            if isinstance(result, Exception):
                raise result
            return result

        return call

    def get_paginator(self, operation: str) -> Any:
        """Return a paginator whose pages are all answers of the operation."""

        def paginate(**arguments: Any) -> Any:
            self.calls.append((operation, arguments))
            return iter(self.answers[operation])

        return SimpleNamespace(paginate=paginate)


def aws_error(code: str = "AccessDenied") -> CloudError:
    """Return the error of a call that AWS refuses."""
    kind = UnreachableError if code == "ThrottlingException" else CloudError
    return kind(f"place: Ask: {code}: no", aws_code=code)


@dataclass
class Account:
    """An account with the outputs of stacks, by stack, and clients, by service."""

    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    url: str | None = None
    profile: str = ""

    def client(self, service: str, region: str) -> Client:
        """Return the client of *service*, the same in every region."""
        return self.clients[service]

    def stack(self, region: str, name: str) -> DeployedStack | None:
        """Return a complete stack if it has outputs."""
        outputs = self.outputs.get(name.removeprefix(ENV.stack_name("")))
        return None if outputs is None else deployed_stack(name, outputs)


def deployed_stack(name: str, outputs: dict[str, str]) -> DeployedStack:
    """Return a complete stack with *outputs*."""
    return DeployedStack(
        name, f"arn:{name}", REGION, "CREATE_COMPLETE", tags=ENV.owner.tags(name), outputs=outputs
    )


def stack_tags(name: str) -> list[dict[str, str]]:
    """Return the tags of the stack *name* of the environment x."""
    return [{"Key": key, "Value": value} for key, value in ENV.owner.tags(name).items()]


def target(account: Account) -> Target:
    """Return a target: the environment x in *account*."""
    return Target(ENVIRONMENT, account)


def use_account(
    monkeypatch: pytest.MonkeyPatch, account: Account, *, verifier: bool = False, **service: Any
) -> Account:
    """Make every task use *account* as the environment x; *service* are settings of [service].

    With *verifier*, config has a second service with an image of its own.
    """
    settings = config.load(LOCAL_CONFIG, Config)
    changed = msgspec.structs.replace(settings.service, **service)
    second = msgspec.structs.replace(changed, name="verifier", image="verifier")
    emails = msgspec.structs.replace(settings.foundation, alert_emails=(ALERT_EMAIL,))
    settings = msgspec.structs.replace(
        settings, foundation=emails, service=changed, verifier=second if verifier else None
    )
    environment = Environment(ENV, (), Path(), settings)
    monkeypatch.setattr(project, "environment", lambda _=None: environment)
    monkeypatch.setattr(project, "account", lambda _: account)
    monkeypatch.setattr(project, "origins", lambda _: ("profile x",))
    return account
