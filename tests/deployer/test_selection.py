"""The selection of stacks by the names on the command line."""

from __future__ import annotations

import pytest

from deployer.errors import ConfigError
from deployer.selection import select
from tests.fakes import desired_stack

STACKS = (
    desired_stack("network"),
    desired_stack("registry"),
    desired_stack("cluster", needs=["network"]),
    desired_stack("service", needs=["cluster", "network"]),
)


@pytest.mark.parametrize(
    ("names", "only", "selected"),
    [
        ([], False, ["network", "registry", "cluster", "service"]),
        (["cluster"], False, ["network", "cluster"]),
        (["crd-x-cluster"], False, ["network", "cluster"]),
        (["service", "registry"], False, ["network", "registry", "cluster", "service"]),
        (["service"], True, ["service"]),
    ],
)
def test_dependencies_are_selected_unless_only(
    names: list[str], only: bool, selected: list[str]
) -> None:
    """The result has the order of the stacks in the code."""
    assert [stack.short_name for stack in select(STACKS, names, only=only)] == selected


def test_an_empty_name_is_refused() -> None:
    """`--stack=$STACK` with an empty variable must not select all stacks."""
    with pytest.raises(ConfigError, match=r"^--stack= is empty: it names no stack"):
        select(STACKS, [""])


def test_every_unknown_name_is_reported_with_a_suggestion() -> None:
    """One error lists all unknown names, with a suggestion for a misspelt name and for an alias."""
    with pytest.raises(ConfigError) as caught:
        select(STACKS, ["clster", "ddb", "qqq", "network"], aliases={"ddb": "messages"})

    assert caught.value.message.splitlines() == [
        "--stack=clster: there is no such stack; did you mean 'cluster'?",
        "--stack=ddb: the name here is 'messages'",
        "--stack=qqq: there is no such stack",
    ]
    assert caught.value.hint == "the stacks are: network, registry, cluster, service"
