"""An account that says what a test has told it to, and remembers what it was asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from deployer import config
from deployer.aws.cloud import DeployedStack
from deployer.environment import Environment
from deployer.errors import CloudError, UnreachableError
from deployer.model import Env
from operations import project
from stacks import Config
from tests.fakes import ACCOUNT, REGION

ENV = Env("cruddur", "crd", "x", ACCOUNT, REGION, "x.example", "Z1", protect=False)
FIRST = f"x: account {ACCOUNT}, region {REGION} · profile x\n"  # What every task begins with.
LOCAL = Path(__file__).parents[2] / "config" / "local.toml"


class Client:
    """A client of one service: each action has an answer, or a list of them: pages, or in turn."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.meta = SimpleNamespace(endpoint_url="https://ssm.example")

    def __getattr__(self, action: str) -> Any:
        answer = self.answers[action]

        def call(*args: Any, **asked: Any) -> Any:
            self.asked.append((action, asked | {str(i): each for i, each in enumerate(args)}))
            told = answer.pop(0) if isinstance(answer, list) else answer
            if isinstance(told, Exception):
                raise told
            return told

        return call

    def get_paginator(self, action: str) -> Any:
        """All answers of the action, as pages of one call."""

        def paginate(**asked: Any) -> Any:
            self.asked.append((action, asked))
            return iter(self.answers[action])

        return SimpleNamespace(paginate=paginate)


def refused(code: str = "AccessDenied") -> CloudError:
    """Return the error of a call that AWS refuses."""
    kind = UnreachableError if code == "ThrottlingException" else CloudError
    return kind(f"place: Ask: {code}: no", aws_code=code)


@dataclass
class Account:
    """What `operations.target` opens: the outputs of stacks, by layer, and clients, by service."""

    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    url: str | None = None
    profile: str = ""

    def client(self, service: str, region: str) -> Client:
        """The one client that there is of *service*."""
        return self.clients[service]

    def stack(self, region: str, name: str) -> DeployedStack | None:
        """A stack that is complete, if it has outputs."""
        given = self.outputs.get(name.removeprefix(ENV.stack_name("")))
        return None if given is None else found(name, given)


def found(name: str, outputs: dict[str, str]) -> DeployedStack:
    """A stack that is complete and gives *outputs*."""
    return DeployedStack(
        name, f"arn:{name}", REGION, "CREATE_COMPLETE", tags=ENV.owner.tags(name), outputs=outputs
    )


def tags(name: str) -> list[dict[str, str]]:
    """The tags of the environment x, as the stack called *name* is given them."""
    return [{"Key": key, "Value": value} for key, value in ENV.owner.tags(name).items()]


def opened(
    monkeypatch: pytest.MonkeyPatch, account: Account, *, verifier: bool = False, **service: Any
) -> Account:
    """Every task finds *account*, as the environment x; *service* are settings of [service].

    With *verifier* there is a second service, of an image of its own.
    """
    settings = config.load(LOCAL, Config)
    changed = msgspec.structs.replace(settings.service, **service)
    second = msgspec.structs.replace(changed, name="verifier", image="verifier")
    settings = msgspec.structs.replace(
        settings, service=changed, verifier=second if verifier else None
    )
    monkeypatch.setattr(
        project, "environment", lambda _=None: Environment(ENV, (), Path(), settings)
    )
    monkeypatch.setattr(project, "account", lambda _: account)
    monkeypatch.setattr(project, "origins", lambda _: ("profile x",))
    return account
