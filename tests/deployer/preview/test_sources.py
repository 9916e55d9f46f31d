"""The lines that define resources."""

from __future__ import annotations

from dataclasses import replace

from deployer.model import Line
from deployer.model.desired import NestedTemplate
from deployer.preview.sources import resource_sources
from tests.fakes import REGION, desired_stack


def test_every_resource_has_its_line() -> None:
    """The lines of nested templates are listed at their paths."""
    nested = NestedTemplate(
        "x", "x.yaml", REGION, "", "", ("Inner",), {"Logs": Line("stacks/parts/a.py", 2)}
    )
    stack = replace(desired_stack("a"), lines={"Table": Line("stacks/a.py", 1)}, nested=(nested,))

    assert resource_sources([stack]) == {
        ((REGION, "crd-x-a", ()), "Table"): "stacks/a.py:1",
        ((REGION, "crd-x-a", ("Inner",)), "Logs"): "stacks/parts/a.py:2",
    }
