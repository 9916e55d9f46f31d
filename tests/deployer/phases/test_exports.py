"""Tests of the exports that an update changes or removes."""

from __future__ import annotations

import pytest

from deployer.phases.exports import ExportChange, export_changes
from tests.deployer.phases.situations import TOPIC, importing, situation, stack, topic

REF = {"Ref": "Topic"}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((TOPIC, {"Topic": REF}), (TOPIC, {"Topic": REF}), []),
        ((TOPIC, {"Topic": REF}), (TOPIC, {}), ["removed"]),
        ((TOPIC, {"Topic": "80"}), (TOPIC, {"Topic": "81"}), ["changed"]),
        ((topic("a"), {"Topic": REF}), (topic("b"), {"Topic": REF}), ["changed"]),
        ((topic("a"), {"Topic": REF}), (topic("b"), {}), ["changed"]),
        ((TOPIC, {}), (TOPIC, {"Topic": REF}), []),
    ],
)
def test_changes(before, after, expected) -> None:
    """An export is removed or changed; a removed one whose value would change counts as changed."""
    old, new = (stack("a", {"Topic": side[0]}, side[1]) for side in (before, after))
    found = situation([old], [new])

    [pair] = found.pairs
    changes = list(export_changes(*pair, found.propagation))

    assert [change.change for change in changes] == expected


def test_chain_of_exports() -> None:
    """An export also changes because its resource imports an export that changes."""
    chained = {
        "Type": "AWS::SNS::Topic",
        "Properties": {"TopicName": {"Fn::ImportValue": "crd-x-a-Port"}},
    }
    reader = stack("b", {"Topic": chained}, {"Topic": REF}, needs=["a"])
    before = [stack("a", {"Topic": TOPIC}, {"Port": "80"}), reader]
    after = [stack("a", {"Topic": TOPIC}, {"Port": "81"}), reader]
    found = situation(before, after)

    changes = list(export_changes(*found.pairs[1], found.propagation))

    assert changes == [ExportChange("Topic", "crd-x-b-Topic", "changed")]


def test_importers() -> None:
    """Every stack that imports an export is its importer."""
    stacks = [
        stack("a", {"Topic": TOPIC}, {"Topic": REF}),
        stack("b", {"Reader": importing("a-Topic")}),
        stack("c", {"Reader": importing("a-Topic")}),
    ]

    found = situation(stacks, stacks).importers

    assert found == {("ca-central-1", "crd-x-a-Topic"): ("crd-x-b", "crd-x-c")}
