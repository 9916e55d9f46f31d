"""Ownership of stacks by their tags."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.aws.cloud import DeployedStack
from deployer.errors import GuardError
from deployer.model import Env
from deployer.ownership import Owner, refuse_foreign
from tests.fakes import ACCOUNT, REGION

LOCAL = Owner("cruddur", "local", "crd-local-")
NETWORK = DeployedStack(
    "crd-local-network",
    "arn:network",
    REGION,
    "CREATE_COMPLETE",
    tags={"project": "cruddur", "env": "local", "stack": "crd-local-network", "group": "x"},
)


def test_the_tags_of_an_environment() -> None:
    """A stack with the tags of an environment belongs to the environment."""
    env = Env("cruddur", "crd", "local", ACCOUNT, REGION, "x.example", "Z1", protect=False)

    assert env.owner == LOCAL
    assert LOCAL.owns(replace(NETWORK, tags=env.owner.tags(NETWORK.name)))


def test_other_tags_are_ignored() -> None:
    """Stacks may have additional tags, such as for costs."""
    assert LOCAL.owns(replace(NETWORK, tags={**NETWORK.tags, "cost-centre": "42"}))


@pytest.mark.parametrize(
    ("change", "objection"),
    [
        ({"tags": {}}, "it lacks the tags project, env, stack"),
        (
            {"tags": {**NETWORK.tags, "env": "local-two"}},
            "its tag env is 'local-two', not 'local'",
        ),
        (
            {"tags": {**NETWORK.tags, "project": "other"}},
            "its tag project is 'other', not 'cruddur'",
        ),
        (
            {"name": "crd-local-byhand"},
            "its tag stack is 'crd-local-network', not 'crd-local-byhand'",
        ),
        (
            {"name": "byhand", "tags": LOCAL.tags("byhand")},
            "its name does not begin with crd-local-",
        ),
        (
            {"name": "crd-local-", "tags": LOCAL.tags("crd-local-")},
            "its name does not begin with crd-local-",
        ),
        ({"is_nested": True}, "it is nested in another stack"),
    ],
    ids=["no tags", "sibling", "project", "copied tags", "name", "prefix alone", "nested"],
)
def test_a_foreign_stack(change: dict[str, object], objection: str) -> None:
    """One difference makes a stack foreign, and the objection states the difference."""
    foreign = replace(NETWORK, **change)

    assert (False, objection) == (LOCAL.owns(foreign), LOCAL.objection(foreign))


def test_a_nested_stack_is_never_owned() -> None:
    """A nested stack is never owned, although CloudFormation gives it the tags of its root stack."""
    nested = replace(NETWORK, name="crd-local-network-Subnets-1A2B")

    assert not LOCAL.owns(nested)


def test_all_foreign_stacks_are_refused_together() -> None:
    """One error has all foreign stacks with region and objection, and no owned stack."""
    untagged = replace(NETWORK, name="crd-local-users", tags={})
    sibling = replace(NETWORK, tags={**NETWORK.tags, "env": "local-two"})

    with pytest.raises(GuardError) as refused:
        refuse_foreign(LOCAL, [untagged, NETWORK, sibling], hint="remove it")

    assert refused.value.message.splitlines() == [
        f"crd-local-users in {REGION}: not a stack of local: {LOCAL.objection(untagged)}",
        f"crd-local-network in {REGION}: not a stack of local: {LOCAL.objection(sibling)}",
    ]
    assert refused.value.hint == "remove it"
