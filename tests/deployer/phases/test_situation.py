"""Tests of the deployed stacks from which the phases are decided."""

from __future__ import annotations

from deployer.phases import templates
from tests.deployer.phases.situations import TOPIC, importing, situation, stack

SOURCE = stack("a", {"Topic": TOPIC}, {"Topic": {"Ref": "Topic"}})
READER = stack("b", {"Reader": importing("a-Topic")}, needs=["a"])


def test_pinned_import_counts_as_import() -> None:
    """A stack whose import is pinned still uses the value, so it is an importer."""
    body = templates.pin(READER.body, {"crd-x-a-Topic": templates.Pin("topic-1", "crd-x-a")})
    pinned = templates.phase_of(READER, body)

    found = situation([SOURCE, pinned], [SOURCE, READER])

    assert found.importers == {("ca-central-1", "crd-x-a-Topic"): ("crd-x-b",)}
    assert found.reviewed_trees["crd-x-b"].body["Resources"] == READER.body["Resources"]


def test_kept_stack_needs_no_deployed_template() -> None:
    """A stack that is not updated has its desired template."""
    found = situation([SOURCE], [SOURCE])

    assert found.deployed_trees["crd-x-a"].body == SOURCE.body
    assert not found.propagation.changed
