"""Normalization: equivalent values of templates become equal."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.policy.normalization import Source, condition_outcomes

PARAMETERS = {
    "Port": {"Type": "Number", "Default": 443},
    "Zones": {"Type": "CommaDelimitedList", "Default": "a, b"},
    "Given": {"Type": "String", "Default": "x"},
    "Image": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/a/b"},
    "Token": {"Type": "String", "Default": "", "NoEcho": "true"},
}


def source(value: Any, **sections: Any) -> Source:
    template = {
        "Parameters": PARAMETERS,
        "Resources": {"It": {"Type": "T", "Properties": {"P": value}}},
        **sections,
    }
    return Source("crd-dev-it", "ca-central-1", template, frozenset({"Given"}))


def variants(template: Source) -> list[Any]:
    """Return the distinct values of P for all outcomes of the conditions."""
    found = [
        template.normalized(outcomes)["Resources"] for outcomes in condition_outcomes([template])
    ]
    values = [resources.get("It", {}).get("Properties", {}).get("P") for resources in found]
    return [value for number, value in enumerate(values) if value not in values[:number]]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (443, "443"),
        (443.0, "443"),
        (0.5, "0.5"),
        (True, "true"),
        ("True", "True"),
        ({"Ref": "Port"}, "443"),
        ({"Ref": "Zones"}, ["a", "b"]),
        ({"Ref": "Given"}, {"Ref": "Given"}),
        ({"Ref": "Image"}, {"Ref": "Image"}),
        ({"Ref": "Token"}, {"Ref": "Token"}),
        ({"Ref": "AWS::Region"}, "ca-central-1"),
        ({"Ref": "AWS::StackName"}, "crd-dev-it"),
        ({"Ref": "AWS::AccountId"}, {"Ref": "AWS::AccountId"}),
        ({"Ref": "AWS::NoValue"}, None),
        (["a", {"Ref": "AWS::NoValue"}], ["a"]),
        ({"Fn::Sub": "plain"}, "plain"),
        ({"Fn::Sub": "${A}"}, {"Ref": "A"}),
        ({"Fn::Sub": "${A.Arn}"}, {"Fn::GetAtt": ["A", "Arn"]}),
        ({"Fn::Sub": "${!A}:${Port}"}, "${A}:443"),
        ({"Fn::Sub": ["${X}/*", {"X": {"Fn::GetAtt": "A.Arn"}}]}, {"Fn::Sub": "${A.Arn}/*"}),
        (
            {"Fn::Sub": ["${X}/*", {"X": {"Fn::ImportValue": "e"}}]},
            {"Fn::Sub": ["${1}/*", {"1": {"Fn::ImportValue": "e"}}]},
        ),
        ({"Fn::Join": [":", ["arn", {"Ref": "AWS::Partition"}, "s3"]]}, "arn:aws:s3"),
        ({"Fn::Join": ["", [{"Ref": "A"}, "/x"]]}, {"Fn::Sub": "${A}/x"}),
        (
            {"Fn::Join": ["", ["${aws:username}", {"Ref": "A"}]]},
            {"Fn::Sub": "${!aws:username}${A}"},
        ),
        ({"Fn::Join": [",", {"Ref": "List"}]}, {"Fn::Join": [",", {"Ref": "List"}]}),
        ({"Fn::GetAtt": "A.Outputs.B"}, {"Fn::GetAtt": ["A", "Outputs.B"]}),
        ({"Fn::Select": ["1", ["a", {"Ref": "Port"}]]}, "443"),
        ({"Fn::Select": [0, {"Ref": "Zones"}]}, "a"),
        ({"Fn::Split": [",", "a,b"]}, ["a", "b"]),
        ({"Fn::Split": [",", {"Ref": "A"}]}, {"Fn::Split": [",", {"Ref": "A"}]}),
        ({"Fn::Split": ["", "a"]}, {"Fn::Split": ["", "a"]}),
        ({"Fn::Join": ["/", {"Ref": "Zones"}]}, "a/b"),
        ({"Fn::Join": ["", {"Fn::Split": ["-", "a-b"]}]}, "ab"),
        ({"Fn::FindInMap": ["M", "x", "y", {"DefaultValue": {"Ref": "Port"}}]}, "443"),
        ({"Fn::FindInMap": []}, {"Fn::FindInMap": []}),
        ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, {"Fn::Select": ["0", {"Fn::GetAZs": ""}]}),
    ],
)
def test_equivalent_values_are_equal(value: Any, expected: Any) -> None:
    """Equivalent values have one normal form, and normalization does not change it again."""
    [found] = variants(source(value))

    assert found == expected
    if found is not None:
        assert variants(source(found)) == [found]


def test_a_mapping_is_looked_up() -> None:
    """A lookup with known keys is replaced by its value; another one is unchanged."""
    mappings = {"Sizes": {"ca-central-1": {"Cpu": 256}}}

    known = {"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "Cpu"]}
    unknown = {"Fn::FindInMap": ["Sizes", "x", "Cpu"]}

    assert variants(source(known, Mappings=mappings)) == ["256"]
    assert variants(source(unknown, Mappings=mappings)) == [unknown]


OPEN = {"Fn::Equals": [{"Ref": "Given"}, "x"]}
OTHER = {"Fn::Equals": [{"Ref": "Given"}, "y"]}


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"C": OPEN}, ["yes", "no"]),
        ({"C": {"Fn::Not": [OPEN]}}, ["no", "yes"]),
        ({"C": {"Fn::Equals": ["a", "a"]}}, ["yes"]),
        ({"C": {"Fn::Equals": [{"Ref": "Port"}, "80"]}}, ["no"]),
        ({"C": {"Fn::And": [OPEN, {"Fn::Not": [{"Condition": "D"}]}]}, "D": OPEN}, ["no"]),
        ({"C": {"Fn::Or": [OPEN, {"Fn::Not": [OPEN]}]}}, ["yes"]),
        ({"C": {"Fn::And": [OPEN, OTHER]}}, ["no"]),
        ({"C": {"Condition": "C"}}, ["yes"]),
        ({}, ["yes", "no"]),
    ],
    ids=["open", "not", "true", "default", "and", "or", "exclusive", "itself", "unknown"],
)
def test_both_branches_are_checked_if_both_are_possible(
    conditions: Any, expected: list[str]
) -> None:
    """A condition that the template determines has one outcome."""
    chosen = source({"Fn::If": ["C", "yes", "no"]}, Conditions=conditions)

    assert variants(chosen) == expected


def test_a_resource_exists_if_its_condition_is_true() -> None:
    """For the other outcome, the resource is removed from the template."""
    resources = {"It": {"Type": "T", "Condition": "C", "Properties": {"P": "1"}}}

    assert variants(source("", Resources=resources, Conditions={"C": OPEN})) == ["1", None]


def test_every_branch_of_many_conditions_is_checked() -> None:
    """Every branch is checked, but not every combination, because there are thousands."""
    names = [f"C{number}" for number in range(12)]
    conditions = {name: {"Fn::Equals": [{"Ref": name}, "x"]} for name in names}
    value = {name: {"Fn::If": [name, "yes", "no"]} for name in names}
    template = source(value, Conditions=conditions)

    outcomes = [*condition_outcomes([template])]
    checked = {(name, variant[name]) for variant in variants(template) for name in names}

    assert len(outcomes) <= 2 * (len(names) + 1)
    assert checked == {(name, branch) for name in names for branch in ("yes", "no")}
