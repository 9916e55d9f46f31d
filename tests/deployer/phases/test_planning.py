"""Tests of the decision about the phases of a deploy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.errors import GuardError
from deployer.model.desired import DIGEST
from deployer.phases import templates
from deployer.phases.planning import NO_PHASES, may_need_phases, plan_phases
from tests.deployer.phases.situations import (
    TOPIC,
    deployed,
    importing,
    situation,
    stack,
    topic,
)

REF = {"Ref": "Topic"}
SOURCE = stack("a", {"Topic": topic("old"), "Rest": TOPIC}, {"Topic": REF})
REPLACED = stack("a", {"Topic": topic("new"), "Rest": TOPIC}, {"Topic": REF})
WITHOUT = stack("a", {"Rest": TOPIC})
READER = stack("b", {"Reader": importing("a-Topic")}, needs=["a"])
CONSTANT = stack("b", {"Reader": importing()}, needs=["a"])


def test_nothing_changes() -> None:
    """Without changes there are no phases, and no other templates are needed."""
    found = situation([SOURCE, READER], [SOURCE, READER])

    assert not may_need_phases(found)
    assert plan_phases(found) == NO_PHASES


def test_unused_export() -> None:
    """An export that no stack imports is removed in one step."""
    found = situation([SOURCE, CONSTANT], [WITHOUT, CONSTANT])

    assert may_need_phases(found)
    assert plan_phases(found) == NO_PHASES


def test_removed_export() -> None:
    """The first template keeps the export and the removed resources until the importer is updated."""
    phases = plan_phases(situation([SOURCE, READER], [WITHOUT, CONSTANT]))

    transition = phases.transitions["crd-x-a"]
    assert phases.pins == {}
    assert transition.first.body["Resources"] == SOURCE.body["Resources"]
    assert transition.first.body["Outputs"]["Topic"] == SOURCE.body["Outputs"]["Topic"]
    assert (transition.importers, transition.others) == (("crd-x-b",), ())
    assert transition.has_last


def test_replaced_resource_behind_an_export() -> None:
    """The importer is pinned to the current value, and the replaced resource is retained."""
    phases = plan_phases(situation([SOURCE, READER], [REPLACED, READER]))

    transition = phases.transitions["crd-x-a"]
    assert phases.pins["crd-x-b"].body["Mappings"] == {
        "PinnedImports": {"crd-x-a-Topic": {"Value": "topic-1", "Stack": "crd-x-a"}}
    }
    assert transition.replaced == ("Topic",)
    assert transition.first.body["Metadata"]["ReplacedResources"]["Topic"] == {
        "PhysicalId": "crd-x-a-topic-id",
        "Definition": topic("old"),
        "UpdateReplacePolicy": "",
    }


def test_changed_value_without_replacement() -> None:
    """A value that belongs to no resource needs pinned imports, and no last step."""
    before, after = (stack("a", {"Rest": TOPIC}, {"Topic": value}) for value in ("80", "81"))

    phases = plan_phases(situation([before, READER], [after, READER]))

    assert phases.transitions["crd-x-a"].first == after
    assert not phases.transitions["crd-x-a"].has_last
    assert [*phases.pins] == ["crd-x-b"]


RENAMED = stack("a", {"New": topic("old"), "Rest": TOPIC}, {"Topic": {"Ref": "New"}})


def test_export_of_another_resource() -> None:
    """If an export gets the value of another resource, the removed one is kept for its importer."""
    phases = plan_phases(situation([SOURCE, READER], [RENAMED, READER]))

    transition = phases.transitions["crd-x-a"]
    assert [*phases.pins] == ["crd-x-b"]
    assert {*transition.first.body["Resources"]} == {"Topic", "New", "Rest"}
    assert transition.removed == ("Topic",)
    assert transition.has_last


def test_removed_resource_stays_while_a_pin_is_outdated() -> None:
    """After an interruption, a removed resource is kept as long as a pinned stack uses it."""
    first = plan_phases(situation([SOURCE, READER], [RENAMED, READER]))
    stacks = [first.transitions["crd-x-a"].first, first.pins["crd-x-b"]]
    found = situation(stacks, [RENAMED, READER])
    source = replace(deployed(stacks[0]), outputs={"Topic": "topic-2", DIGEST: stacks[0].digest})
    found = replace(found, deployed=[source, found.deployed[1]])

    assert may_need_phases(found)
    again = plan_phases(found).transitions["crd-x-a"]

    assert again.first.digest == stacks[0].digest
    assert again.importers == ("crd-x-b",)


def test_importer_that_is_not_deployed_keeps_the_export() -> None:
    """An export stays as long as a stack that is not among the steps imports it."""
    orphan = stack("old", {"Reader": importing("a-Topic")})

    phases = plan_phases(situation([SOURCE, orphan], [WITHOUT]))

    assert phases.transitions["crd-x-a"].others == ("crd-x-old",)


def test_importer_of_a_changed_value_that_is_not_deployed() -> None:
    """A value cannot change while a stack that is not among the steps imports it."""
    with pytest.raises(GuardError) as raised:
        plan_phases(situation([SOURCE, READER], [REPLACED]))

    assert raised.value.message == (
        "crd-x-a: the export crd-x-a-Topic changes, and crd-x-b, which imports it, is not among "
        "the stacks to deploy"
    )
    assert raised.value.hint.startswith("select the importing stacks as well")


@pytest.mark.parametrize(
    ("type_", "key", "reason"),
    [
        ("AWS::DynamoDB::Table", "TableName", "holds data"),
        (
            "AWS::EC2::Route",
            "RouteTableId",
            "cannot be imported",
        ),
    ],
)
def test_resource_that_cannot_be_retained(type_, key, reason) -> None:
    """All reasons against a safe way are one error before anything changes."""
    before, after = (
        stack("a", {"Topic": {"Type": type_, "Properties": {key: value}}}, {"Topic": REF})
        for value in ("old", "new")
    )

    with pytest.raises(GuardError) as raised:
        plan_phases(situation([before, READER], [after, READER]))

    assert raised.value.message == (f"crd-x-a: replaced while in use, and {reason}: Topic")


def test_removed_resource_that_would_change() -> None:
    """A removed resource is not kept if what it refers to is replaced."""
    user = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": REF}}
    before = stack("a", {"Topic": topic("old"), "User": user}, {"Topic": REF, "Other": "x"})
    after = stack("a", {"Topic": topic("new")}, {"Topic": REF})

    with pytest.raises(GuardError) as raised:
        plan_phases(situation([before, READER], [after, READER]))

    assert raised.value.message == (
        "crd-x-a: User is removed while other stacks import from this stack, and cannot be kept for "
        "them, because Topic changes"
    )


def test_resource_that_depends_on_a_retained_one() -> None:
    """A replaced resource that refers to a retained one is retained as well, an unrelated one not."""
    user = {
        "Type": "AWS::SNS::Topic",
        "Properties": {"TopicName": REF},
    }
    before, after = (
        stack("a", {"Topic": topic(name), "User": user, "Rest": topic(name)}, {"Topic": REF})
        for name in ("old", "new")
    )

    phases = plan_phases(situation([before, READER], [after, READER]))

    assert phases.transitions["crd-x-a"].replaced == ("Topic", "User")


def test_continued_after_the_pins() -> None:
    """After an interruption, pinned stacks are pinned to what they were pinned to before."""
    first = plan_phases(situation([SOURCE, READER], [REPLACED, READER]))

    again = plan_phases(situation([SOURCE, first.pins["crd-x-b"]], [REPLACED, READER]))

    assert again.pins["crd-x-b"].digest == first.pins["crd-x-b"].digest
    assert again.transitions["crd-x-a"].first == first.transitions["crd-x-a"].first


def test_continued_after_the_first_step() -> None:
    """After an interruption, the retained resource is recorded until its users are updated."""
    first = plan_phases(situation([SOURCE, READER], [REPLACED, READER]))
    stacks = [first.transitions["crd-x-a"].first, first.pins["crd-x-b"]]
    found = situation(stacks, [REPLACED, READER])
    source = replace(deployed(stacks[0]), outputs={"Topic": "topic-2", DIGEST: stacks[0].digest})
    found = replace(found, deployed=[source, found.deployed[1]])

    again = plan_phases(found)

    transition = again.transitions["crd-x-a"]
    assert transition.first.digest == first.transitions["crd-x-a"].first.digest
    assert (transition.replaced, transition.importers) == (("Topic",), ("crd-x-b",))
    assert again.pins == {}


def test_kept_exports_go_when_their_importer_is_updated() -> None:
    """After an interruption before the last step, one step remains."""
    first = plan_phases(situation([SOURCE, READER], [WITHOUT, CONSTANT]))

    again = plan_phases(
        situation([first.transitions["crd-x-a"].first, CONSTANT], [WITHOUT, CONSTANT])
    )

    assert again == NO_PHASES


def test_pinned_stack_has_its_deployed_arguments() -> None:
    """Only the imports of a pinned stack differ from what is deployed, not its new template."""
    changed = stack("b", {"Reader": importing("a-Topic"), "New": TOPIC}, needs=["a"])

    pinned = plan_phases(situation([SOURCE, READER], [REPLACED, changed])).pins["crd-x-b"]

    assert (
        templates.without_phases(pinned.body, {"crd-x-a-Topic": "topic-1"})["Resources"]
        == READER.body["Resources"]
    )
    assert (pinned.tags, pinned.parameters) == (READER.tags, {})
