"""Tests of the intermediate templates."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from deployer.aws.cloud import ResourceToImport
from deployer.model.desired import DIGEST
from deployer.phases import templates
from deployer.phases.templates import Pin, ReplacedResource
from deployer.template_yaml import load
from tests.deployer.phases.situations import TOPIC, importing, stack, topic

NAMES = st.sampled_from(["crd-x-a-One", "crd-x-a-Two", "crd-x-b-One"])
VALUES = st.recursive(
    st.builds(lambda name: {"Fn::ImportValue": name}, NAMES)
    | st.sampled_from(["text", 1, True, {"Ref": "Topic"}]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("XYZ"), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["One", "Two"]), VALUES), st.sets(NAMES, min_size=1))
def test_pins_are_reversible(properties, names) -> None:
    """A template with pinned imports becomes the original one again."""
    body = {"Resources": {"Thing": {"Type": "AWS::SNS::Topic", "Properties": properties}}}
    pins = {name: Pin("value", "a") for name in names}

    pinned = templates.pin(body, pins)

    assert templates.without_phases(pinned, dict.fromkeys(names, "value")) == body
    assert templates.pins_in(pinned) == pins


def test_pinned_import() -> None:
    """A pinned import is looked up in a mapping that has the value of the export."""
    body = {"Resources": {"Reader": importing("a-Topic", "a-Port")}}

    pinned = templates.pin(body, {"crd-x-a-Port": Pin("80", "a")})

    assert pinned["Mappings"] == {"PinnedImports": {"crd-x-a-Port": {"Value": "80", "Stack": "a"}}}
    assert pinned["Resources"]["Reader"]["Properties"]["Value"] == {
        "Fn::Join": [
            "",
            [
                {"Fn::ImportValue": "crd-x-a-Topic"},
                {"Fn::FindInMap": ["PinnedImports", "crd-x-a-Port", "Value"]},
            ],
        ]
    }


def test_pin_with_another_value_remains() -> None:
    """A pin whose export has another value by now is a difference to the reviewed template."""
    body = {"Resources": {"Reader": importing("a-Port")}}
    pinned = templates.pin(body, {"crd-x-a-Port": Pin("80", "a")})

    assert templates.without_phases(pinned, {"crd-x-a-Port": "81"}) == pinned


def test_kept_resources() -> None:
    """Removed resources are kept with the sections that they use; new definitions are preferred."""
    old = {
        "Parameters": {"P": {"Type": "String"}},
        "Conditions": {"C": True},
        "Resources": {"Gone": {**TOPIC, "Condition": "C"}, "Stays": topic("old")},
        "Outputs": {"Gone": {"Value": {"Ref": "Gone"}}, "Unused": {"Value": "x"}},
    }
    new = {"Resources": {"Stays": topic("new")}, "Outputs": {DIGEST: {"Value": "d"}}}

    kept = templates.keep_removed(new, old, ["Gone"])

    assert kept == {
        "Parameters": old["Parameters"],
        "Conditions": old["Conditions"],
        "Resources": {"Gone": old["Resources"]["Gone"], "Stays": topic("new")},
        "Outputs": {"Gone": old["Outputs"]["Gone"], DIGEST: {"Value": "d"}},
    }


def test_renamed_export_is_kept_under_another_title() -> None:
    """If the output remains and only its export is renamed, the old export gets another output."""
    old = {"Resources": {}, "Outputs": {"Port": {"Value": "80", "Export": {"Name": "old"}}}}
    new = {"Resources": {}, "Outputs": {"Port": {"Value": "80", "Export": {"Name": "new"}}}}

    kept = templates.keep_removed(new, old, ["Port"])

    assert kept["Outputs"] == {"PortKept": old["Outputs"]["Port"], "Port": new["Outputs"]["Port"]}


def test_retained_and_imported_resource() -> None:
    """A replaced resource is retained and recorded, then imported with its old definition."""
    body = {"Resources": {"Topic": topic("new")}, "Outputs": {}}
    old = {**topic("old"), "DependsOn": ["Other"]}

    retained = templates.retain_replaced(body, {"Topic": ReplacedResource("id-1", old)})
    imported, resources = templates.import_replaced(retained, {"Topic": "id-2"})

    assert retained["Resources"]["Topic"]["UpdateReplacePolicy"] == "Retain"
    assert resources == (
        ResourceToImport("AWS::SNS::Topic", "TopicReplaced", {"TopicArn": "id-1"}),
    )
    assert imported["Resources"]["TopicReplaced"] == {**topic("old"), "DeletionPolicy": "Delete"}
    assert templates.without_phases(imported, {}) == body


def test_imported_resource_has_its_identifier() -> None:
    """A property that identifies the resource has its value: AWS compares both."""
    old = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": {"Ref": "Name"}}}
    body = {"Resources": {"Role": {**old, "Properties": {"RoleName": "new"}}}, "Outputs": {}}
    retained = templates.retain_replaced(body, {"Role": ReplacedResource("old-role", old)})

    imported, _ = templates.import_replaced(retained, {"Role": "new"})

    assert imported["Resources"]["RoleReplaced"]["Properties"] == {"RoleName": "old-role"}


def test_references_between_imported_resources() -> None:
    """References to another replaced resource become references to the imported one."""
    uses = [
        {"Ref": "Topic"},
        {"Fn::GetAtt": ["Topic", "TopicName"]},
        {"Fn::Sub": "${Topic}/${Topic.TopicName}/${Other}/${AWS::Region}"},
        {"Fn::Sub": ["${X}", {"X": {"Ref": "Topic"}}]},
    ]
    user = {"Type": "AWS::SNS::Topic", "Properties": {"Subscription": uses}}
    body = {"Resources": {"Topic": topic("b"), "User": topic("b")}, "Outputs": {}}
    replaced = {"Topic": ReplacedResource("1", topic("a")), "User": ReplacedResource("2", user)}

    imported, _ = templates.import_replaced(
        templates.retain_replaced(body, replaced), {"Topic": "3", "User": "4"}
    )

    assert imported["Resources"]["UserReplaced"]["Properties"]["Subscription"] == [
        {"Ref": "TopicReplaced"},
        {"Fn::GetAtt": ["TopicReplaced", "TopicName"]},
        {"Fn::Sub": "${TopicReplaced}/${TopicReplaced.TopicName}/${Other}/${AWS::Region}"},
        {"Fn::Sub": ["${X}", {"X": {"Ref": "TopicReplaced"}}]},
    ]


def test_literals() -> None:
    """A pinned import has its pinned value, another one the current value of its export."""
    body = {"Resources": {"Reader": importing("a-Port", "a-Topic", "a-Gone")}}
    pinned = templates.pin(body, {"crd-x-a-Port": Pin("80", "a")})

    definition = templates.with_literals(
        pinned["Resources"]["Reader"], pinned, {"crd-x-a-Port": "81", "crd-x-a-Topic": "t"}
    )

    assert definition["Properties"]["Value"] == {
        "Fn::Join": ["", ["80", "t", {"Fn::ImportValue": "crd-x-a-Gone"}]]
    }


def test_resource_that_was_not_replaced() -> None:
    """A retained resource that still has its physical id is not imported."""
    body = {"Resources": {"Topic": topic("b")}, "Outputs": {}}
    retained = templates.retain_replaced(body, {"Topic": ReplacedResource("1", topic("a"))})

    assert templates.import_replaced(retained, {"Topic": "1"}) == (retained, ())


def test_import_is_not_repeated() -> None:
    """A resource that was imported before is not imported again, and remains until the last step."""
    body = {"Resources": {"Topic": topic("b")}, "Outputs": {}}
    retained = templates.retain_replaced(body, {"Topic": ReplacedResource("1", topic("a"))})
    imported, _ = templates.import_replaced(retained, {"Topic": "2"})

    assert templates.import_replaced(imported, {"Topic": "2"}) == (imported, ())
    assert templates.keep_pending(body, imported) == imported


def test_passed_parameters() -> None:
    """Only values of declared parameters without a default are passed."""
    body = {"Parameters": {"Zone": {"Type": "String"}, "Image": {"Default": "/image"}}}

    assert templates.passed_parameters(body, {"Zone": "z", "Image": "sha256:1", "Old": "x"}) == {
        "Zone": "z"
    }


def test_text_of_a_phase() -> None:
    """The digest of an intermediate template is that of its content, and its text says what it is."""
    desired = stack("a", {"Topic": TOPIC})

    phase = templates.phase_of(desired, {**desired.body, "Resources": {"Topic": topic("x")}})

    assert phase.text.startswith("# Intermediate template of a deploy in steps")
    assert load(phase.text) == phase.body
    assert phase.body["Outputs"][DIGEST] == {"Value": phase.digest}
    assert phase.digest != desired.digest
    assert replace(phase, text="", body={}, digest="") == replace(
        desired, text="", body={}, digest=""
    )
