"""Outputs are read only from stacks of the environment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployer.aws.cloud import DeployedStack
from deployer.config.fields import Settings
from deployer.environment import Environment
from deployer.errors import GuardError
from operations.target import Target
from tests.operations.fake_account import ENV, Account


class ForeignAccount(Account):
    """An account in which the stacks belong to another environment."""

    def stack(self, region: str, name: str) -> DeployedStack | None:
        stack = super().stack(region, name)
        return stack and replace(stack, tags={**stack.tags, "env": "x-two"})


def test_a_stack_of_another_environment_is_refused() -> None:
    """Outputs of a foreign stack are refused: a task could change resources of its environment."""
    outputs = {"cdn": {"SiteBucket": "theirs"}}
    environment = Environment(ENV, (), Path(), Settings())
    own = Target(environment, Account(outputs))
    foreign = Target(environment, ForeignAccount(outputs))

    with pytest.raises(GuardError, match="crd-x-cdn in ca-central-1: not a stack of x"):
        foreign.output("cdn", "SiteBucket")

    assert own.output("cdn", "SiteBucket") == "theirs"
