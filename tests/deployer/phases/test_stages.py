"""Tests of the order of stages, and of the text that explains them."""

from __future__ import annotations

from deployer.phases.planning import NO_PHASES, plan_phases
from deployer.phases.stages import explained, phase_texts, stages
from tests.deployer.phases.situations import TOPIC, importing, situation, stack, topic

REF = {"Ref": "Topic"}
SOURCE, REPLACED = (stack("a", {"Topic": topic(name)}, {"Topic": REF}) for name in ("x", "y"))
WITHOUT = stack("a", {"Rest": TOPIC})
READER = stack("b", {"Reader": importing("a-Topic")}, needs=["a"])
CONSTANT = stack("b", {"Reader": importing()}, needs=["a"])


def needs(before, after):
    """Return the needs of each stage by its key."""
    found = situation(before, after)
    return {stage.key: stage.needs for stage in stages(found.steps, plan_phases(found))}


def test_without_phases() -> None:
    """Without phases there is one stage for each step."""
    found = situation([SOURCE, READER], [SOURCE, READER])

    planned = stages(found.steps, NO_PHASES)

    assert [(stage.key, stage.step, stage.needs) for stage in planned] == [
        ("crd-x-a", found.steps[0], ()),
        ("crd-x-b", found.steps[1], ("crd-x-a",)),
    ]


def test_removed_export() -> None:
    """The last step of the exporting stack needs the updated importer."""
    assert needs([SOURCE, READER], [WITHOUT, CONSTANT]) == {
        "crd-x-a": (),
        "crd-x-b": ("crd-x-a",),
        "crd-x-a (last step)": ("crd-x-a", "crd-x-b"),
    }


def test_changed_export() -> None:
    """Pins are first, the update of the exporting stack needs them, and its last step is last."""
    assert needs([SOURCE, READER], [REPLACED, READER]) == {
        "crd-x-b (first step)": (),
        "crd-x-a": ("crd-x-b (first step)",),
        "crd-x-b": ("crd-x-a", "crd-x-b (first step)"),
        "crd-x-a (last step)": ("crd-x-a", "crd-x-b"),
    }


def test_chain() -> None:
    """A stack whose replaced resources use those of another one has its last step before it."""
    chained = {
        "Type": "AWS::SNS::Topic",
        "Properties": {"TopicName": {"Fn::ImportValue": "crd-x-a-Topic"}},
    }
    middle = stack("b", {"Topic": chained}, {"Topic": REF}, needs=["a"])
    end = stack("c", {"Reader": importing("b-Topic")}, needs=["b"])

    found = needs([SOURCE, middle, end], [REPLACED, middle, end])

    assert [*found][-2:] == ["crd-x-b (last step)", "crd-x-a (last step)"]
    assert found["crd-x-a (last step)"] == ("crd-x-a", "crd-x-b", "crd-x-b (last step)")


def test_export_that_another_stack_still_imports() -> None:
    """There is no last step while a stack that is not among the steps imports the export."""
    assert [*needs([SOURCE, READER], [WITHOUT])] == ["crd-x-a"]


def test_reason_of_a_removed_resource() -> None:
    """A removed resource whose export gets another value is named."""
    other = stack("a", {"Other": topic("x")}, {"Topic": {"Ref": "Other"}})
    found = situation([SOURCE, READER], [other, READER])

    texts = phase_texts(found.steps, plan_phases(found))

    assert texts["crd-x-a"] == "in 2 steps: keeps the removed Topic until the update of b"


def test_reasons() -> None:
    """The reason of a step has its number of steps, and what is kept for which stack."""
    removed = situation([SOURCE, READER], [WITHOUT, CONSTANT])
    replaced = situation([SOURCE, READER], [REPLACED, READER])
    orphaned = situation([SOURCE, READER], [WITHOUT])

    reasons = [
        step.reason
        for found in (removed, replaced, orphaned)
        for step in explained(found.steps, plan_phases(found))
    ]

    assert reasons == [
        "template changed, in 2 steps: keeps Topic until the update of b",
        "template changed",
        "template changed, in 2 steps: retains the replaced Topic until the update of b",
        "in 2 steps: pins its imports of Topic of a to their current values",
        "template changed, keeps Topic, which crd-x-b still imports",
    ]
