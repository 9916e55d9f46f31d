"""The references in a template."""

from __future__ import annotations

import pytest

from deployer.model.intrinsics import (
    Reference,
    conditions,
    imports,
    logical_ids,
    parameters,
    references,
    value_names,
)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"Ref": "Vpc"}, [Reference("Ref", "Vpc")]),
        ({"Fn::GetAtt": ["Vpc", "Arn"]}, [Reference("Fn::GetAtt", "Vpc", "Arn")]),
        ({"Fn::GetAtt": "Inner.Outputs.Id"}, [Reference("Fn::GetAtt", "Inner", "Outputs.Id")]),
        (
            {"Fn::GetAtt": ["Vpc", {"Ref": "Name"}]},
            [Reference("Fn::GetAtt", "Vpc"), Reference("Ref", "Name")],
        ),
        (
            {"Fn::Sub": "${Vpc} ${ Vpc } ${Role.Arn} ${AWS::Region} ${!Vpc}"},
            [
                Reference("Ref", "Vpc"),
                Reference("Ref", "Vpc"),
                Reference("Fn::GetAtt", "Role", "Arn"),
            ],
        ),
        (
            {"Fn::Sub": ["${Name} ${Vpc}", {"Name": {"Ref": "Bucket"}}]},
            [Reference("Ref", "Vpc"), Reference("Ref", "Bucket")],
        ),
        ({"Fn::ImportValue": "a-Vpc"}, [Reference("Fn::ImportValue", "a-Vpc")]),
        ({"Fn::ImportValue": {"Fn::Sub": "${Stack}-Vpc"}}, [Reference("Ref", "Stack")]),
        ({"Fn::ValueOf": ["VpcId", "Tags"]}, [Reference("Fn::ValueOf", "VpcId")]),
        (
            {"Fn::If": ["IsLarge", {"Ref": "Large"}, {"Ref": "Small"}]},
            [
                Reference("Condition", "IsLarge"),
                Reference("Ref", "Large"),
                Reference("Ref", "Small"),
            ],
        ),
        ({"Condition": "IsLarge", "Type": "T"}, [Reference("Condition", "IsLarge")]),
        (
            {"Fn::FindInMap": ["Sizes", {"Ref": "Size"}, "Cpu"]},
            [Reference("Fn::FindInMap", "Sizes"), Reference("Ref", "Size")],
        ),
        ({"A": [[{"Ref": "Deep"}]]}, [Reference("Ref", "Deep")]),
        ({"Condition": {"StringEquals": {"Ref": "A"}}}, [Reference("Ref", "A")]),
        ("${Vpc}", []),
        ({"Ref": 3}, []),
        ({"Fn::Sub": ["${A}", "no mapping"]}, [Reference("Ref", "A")]),
        ({"Fn::GetAtt": []}, []),
        (None, []),
    ],
)
def test_references_of_each_intrinsic_function(value, found):
    """Each intrinsic function yields what it refers to, and nothing else does."""
    assert found == list(references(value))


def test_references_are_selected_by_what_they_name():
    """Each selection has the names of its own functions, in the order of the template."""
    template = {
        "A": {"Ref": "Size"},
        "B": [{"Fn::GetAtt": ["Vpc", "Arn"]}, [{"Fn::ImportValue": "a-Vpc"}]],
        "C": {"Fn::If": ["IsLarge", 1, {"Fn::ValueOf": ["VpcId", "Tags"]}]},
    }

    assert list(logical_ids(template)) == ["Size", "Vpc"]
    assert list(imports(template)) == ["a-Vpc"]
    assert list(parameters(template)) == ["Size", "VpcId"]
    assert list(conditions(template)) == ["IsLarge"]


def test_names_of_values() -> None:
    """Each kind of value has its own form of name; an attribute also has that of its resource."""
    value = [
        {"Ref": "Vpc"},
        {"Fn::GetAtt": ["Inner", "Outputs.Id"]},
        {"Fn::If": ["IsLarge", {"Fn::FindInMap": ["Sizes", "a", "b"]}, ""]},
        {"Fn::ImportValue": "a-Vpc"},
    ]

    assert [*value_names(value)] == [
        "Vpc",
        "Inner",
        "Inner.Outputs.Id",
        "Conditions.IsLarge",
        "Mappings.Sizes",
        "Exports.a-Vpc",
    ]
