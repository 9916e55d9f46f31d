"""The main tasks check their flags; tests/end_to_end runs them."""

from __future__ import annotations

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import deployment


@pytest.mark.parametrize(
    ("task", "arguments", "message"),
    [
        (deployment.graph, {"format": "png"}, "--format=png: unknown\nhint: one of: mermaid, dot"),
        (deployment.outputs, {"format": "xml"}, "--format=xml: unknown\nhint: one of: "),
        (
            deployment.apply,
            {},
            "--plan is required\nhint: write a plan with `./inv plan --out=FILE`",
        ),
        (deployment.build, {"name": ["x"], "env": "local"}, "--name=x: unknown\nhint: one of: "),
    ],
)
def test_invalid_values(capsys, task, arguments, message: str) -> None:
    """The hint lists the possible values, or the command that makes one."""
    with pytest.raises(Exit):
        task(Context(), **arguments)

    assert f"error: {message}" in capsys.readouterr().err


def test_graph(capsys) -> None:
    """The graph contains the dependencies of the stacks."""
    deployment.graph(Context(), env="local")

    assert "  cluster --> network\n" in capsys.readouterr().out
