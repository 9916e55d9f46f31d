"""Writing and reading templates as YAML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.template_yaml import dump, load

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"))) | (
    st.sampled_from(["012345678909", "08", "1e3", "0x1F", "-1", "+1", ".5", "1:30", "yes", "null"])
)


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
def test_the_form_of_each_value(value: object, text: str) -> None:
    """Values use short forms, long forms where YAML cannot nest them, and quotes if ambiguous."""
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
def test_a_written_template_is_read_back(value: object) -> None:
    """Every value is read as it was written, with the same type."""
    assert load(dump({"A": value})) == {"A": value}


def test_no_anchors() -> None:
    """Equal values are written twice."""
    tags = {"Key": "a"}

    assert dump({"A": tags, "B": tags}) == "A:\n  Key: a\nB:\n  Key: a\n"
