"""The differences between two values of templates."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.preview.differences import Difference, differences, is_intrinsic


def found(before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    """Return each difference with its path as text."""
    return [("/".join(item.path), item.before, item.after) for item in differences(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"A": 1}, {"A": 1}, []),
        ({"A": {"B": 1, "C": 2}}, {"A": {"B": 3, "C": 2}}, [("A/B", 1, 3)]),
        ({"A": 1}, {}, [("A", 1, None)]),
        ({}, {"A": 1}, [("A", None, 1)]),
        ({"A": "1"}, {"A": 1}, [("A", "1", 1)]),
        (["a", "b"], ["a", "c", "b"], [("[1]", None, "c")]),
        (["a", "b"], ["b"], [("[0]", "a", None)]),
        (["a", "b"], ["a", "c"], [("[1]", "b", "c")]),
    ],
)
def test_the_smallest_parts_differ(before: Any, after: Any, expected: list[Any]) -> None:
    """Only the parts that differ are reported, with None for an absent one."""
    assert found(before, after) == expected


def test_items_are_matched_by_their_identity() -> None:
    """An item with a Key or Name is compared with the item of that name, wherever it is."""
    before = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    after = [{"Key": "b", "Value": "3"}, {"Key": "a", "Value": "1"}]

    assert found(before, after) == [("[b]/Value", "2", "3")]


def test_another_order_is_a_difference() -> None:
    """A list with the same items in another order differs as a whole."""
    one, other = {"Key": "a"}, {"Key": "b"}

    assert found([one, other], [other, one]) == [("", [one, other], [other, one])]


def test_items_with_equal_names_are_matched_by_position() -> None:
    """Names that are not unique identify nothing."""
    before = [{"Name": "a", "V": 1}, {"Name": "a", "V": 2}]
    after = [{"Name": "a", "V": 1}, {"Name": "a", "V": 3}]

    assert found(before, after) == [("[1]/V", 2, 3)]


def test_an_item_with_another_attribute_is_the_same_item() -> None:
    """The only key of a table that has another attribute is changed; others are added and removed."""

    def keys(*names: str) -> list[dict[str, str]]:
        return [{"AttributeName": name, "KeyType": name.upper()} for name in names]

    assert found(keys("a", "b"), keys("a", "c")) == [
        ("[b]/AttributeName", "b", "c"),
        ("[b]/KeyType", "B", "C"),
    ]
    assert [path for path, _, _ in found(keys("a", "b"), keys("c", "d"))] == [
        "[a]",
        "[b]",
        "[c]",
        "[d]",
    ]


def test_intrinsic_functions_are_not_divided() -> None:
    """The difference between two references is the whole reference."""
    before, after = {"A": {"Ref": "X"}}, {"A": {"Ref": "Y"}}

    assert [*differences(before, after)] == [Difference(("A",), {"Ref": "X"}, {"Ref": "Y"})]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "X"}, True),
        ({"Fn::Sub": "x"}, True),
        ({"Ref": "X", "B": 1}, False),
        ({"A": 1}, False),
        ({}, False),
        ("Ref", False),
    ],
)
def test_is_intrinsic(value: Any, expected: bool) -> None:
    """An intrinsic function is a mapping with its name as the only key."""
    assert is_intrinsic(value) is expected
