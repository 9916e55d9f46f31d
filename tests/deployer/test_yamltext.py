"""Templates as YAML that says to every reader what it says to us."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deployer.yamltext import dump

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"))) | (
    st.sampled_from(["012345678909", "08", "1e3", "0x1F", "-1", "+1", ".5", "1:30", "yes", "null"])
)


class Reader(yaml.CSafeLoader):
    """Reads short intrinsics back into their long form, as CloudFormation does."""


def _long(loader: Reader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    match node:
        case yaml.ScalarNode():
            value: Any = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case _:
            value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix == "Ref" else f"Fn::{suffix}": value}


Reader.add_multi_constructor("!", _long)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"Ref": "Vpc"}, "A: !Ref Vpc\n"),
        ({"Fn::GetAtt": ["Vpc", "CidrBlock"]}, "A: !GetAtt Vpc.CidrBlock\n"),
        ({"Fn::GetAtt": ["Db", "Endpoint.Address"]}, "A: !GetAtt Db.Endpoint.Address\n"),
        ({"Fn::Sub": "${A}/*"}, "A: !Sub ${A}/*\n"),
        ({"Fn::GetAZs": ""}, 'A: !GetAZs ""\n'),
        ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, 'A: !Select\n- 0\n- !GetAZs ""\n'),
        ({"Fn::Base64": {"Fn::Sub": "x"}}, "A:\n  Fn::Base64: !Sub x\n"),
        ("012345678909", 'A: "012345678909"\n'),
        ("1e3", 'A: "1e3"\n'),
        ("true", "A: 'true'\n"),
        (8, "A: 8\n"),
        (True, "A: true\n"),
        ("a\nb\n", "A: |\n  a\n  b\n"),
        ({"Condition": "IsProd"}, "A:\n  Condition: IsProd\n"),
    ],
)
def test_values_are_written_as_people_would(value: object, text: str) -> None:
    """Short intrinsics; long where YAML cannot nest them; quotes where a reader could err."""
    assert dump({"A": value}) == text


VALUES = st.recursive(
    TEXTS | st.booleans() | st.integers(-(10**12), 10**12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            TEXTS.filter(lambda key: key not in {"Ref", "<<", "="}), inner, max_size=3
        )
        | st.builds(lambda name: {"Ref": name}, st.from_regex(r"[A-Z][a-zA-Z0-9]*", fullmatch=True))
        | st.builds(lambda value: {"Fn::Sub": value}, TEXTS)
        | st.builds(lambda value: {"Fn::Join": ["", value]}, st.lists(inner, max_size=2))
        | st.builds(lambda value: {"Fn::Base64": value}, inner)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_is_what_is_read(value: object) -> None:
    """A YAML 1.1 reader gets back every value, of the same type."""
    assert yaml.load(dump({"A": value}), Reader) == {"A": value}  # noqa: S506  # a safe loader


def test_no_anchors() -> None:
    """Two equal values are written twice: nobody reviews an alias."""
    tags = {"Key": "a"}

    assert dump({"A": tags, "B": tags}) == "A:\n  Key: a\nB:\n  Key: a\n"
