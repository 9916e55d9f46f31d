"""Operations tasks and the stacks of their environment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployer.aws.cloud import DeployedStack
from deployer.config.fields import Settings
from deployer.environment import Environment
from deployer.errors import GuardError
from operations.target import Target
from tests.operations.answers import ENV, Account


class Taken(Account):
    """An environment in which a foreign stack has the name of a layer."""

    def stack(self, region: str, name: str) -> DeployedStack | None:
        found = super().stack(region, name)
        return found and replace(found, tags={**found.tags, "env": "x-two"})


def test_a_stack_of_somebody_else_says_nothing() -> None:
    """Its bucket would be emptied, or its table read, instead of the environment's own."""
    outputs = {"cdn": {"SiteBucket": "theirs"}}
    environment = Environment(ENV, (), Path(), Settings())
    ours = Target(environment, Account(outputs))
    taken = Target(environment, Taken(outputs))

    with pytest.raises(GuardError, match="crd-x-cdn in ca-central-1: not a stack of x"):
        taken.output("cdn", "SiteBucket")

    assert "theirs" == ours.output("cdn", "SiteBucket")
