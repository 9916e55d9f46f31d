"""Whether the change of a property replaces its resource."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from deployer.preview.replacement import at_most, is_write_only, replacement, strongest
from deployer.registry import ResourceType, resource_type, schema
from tests.deployer.preview.reviewed_stacks import actions, compare, resources, stack

TABLE = Path(__file__).with_name("replacements.txt").read_text().splitlines()
EDITS = [line.split(" ") for line in TABLE if not line.startswith("#")]
BY_TYPE = {type_: [*edits] for type_, edits in groupby(EDITS, lambda edit: edit[0])}
ACTIONS = {"none": "changed", "conditional": "may be replaced", "required": "replaced"}
TYPE = ResourceType(
    frozenset({("Name",), ("Keys", "*", "Attribute"), ("Outer", "Inner")}),
    frozenset({("Size",)}),
    frozenset({("Password",)}),
)


def nested(path: str, value: Any) -> dict[str, Any]:
    """Return properties in which *path*, such as Budget.Name, has *value*."""
    first, _, rest = path.partition(".")
    return {first: nested(rest, value) if rest else value}


def pointers(type_: str, key: str) -> list[str]:
    """Return the paths of a list of properties in the schema, without the items of lists."""
    names = (schema(type_) or {}).get(key, [])
    return [name.removeprefix("/properties/").replace("/*", "").replace("/", ".") for name in names]


def test_the_table_is_large_enough() -> None:
    """The table has at least 200 edits of at least 30 types."""
    assert len(EDITS) >= 200
    assert len(BY_TYPE) >= 30


@pytest.mark.parametrize("type_", BY_TYPE)
def test_predictions_agree_with_the_table(type_: str) -> None:
    """An edited property has the effect on its resource that the table states."""
    found = {}
    for _, path, _ in BY_TYPE[type_]:
        sides = [
            stack("a", resources(Resource=(type_, nested(path, value)))) for value in ("old", "new")
        ]
        found[path] = actions(compare([sides[0]], [sides[1]]))["a/Resource"]

    assert found == {path: ACTIONS[label] for _, path, label in BY_TYPE[type_]}


@pytest.mark.parametrize("type_", BY_TYPE)
def test_the_table_agrees_with_the_registry(type_: str) -> None:
    """A label states in which list of the schema the property, or a part of it, is."""

    def is_in(path: str, key: str) -> bool:
        return any(
            f"{path}.".startswith(f"{name}.") or f"{name}.".startswith(f"{path}.")
            for name in pointers(type_, key)
        )

    expected = {
        path: "required"
        if is_in(path, "createOnlyProperties")
        else "conditional"
        if is_in(path, "conditionalCreateOnlyProperties")
        else "none"
        for _, path, _ in BY_TYPE[type_]
    }

    assert {path: label for _, path, label in BY_TYPE[type_]} == expected


@pytest.mark.parametrize(
    ("path", "before", "after", "expected"),
    [
        (("Properties", "Name"), "a", "b", "required"),
        (("Properties", "Keys", "[0]", "Attribute"), "a", "b", "required"),
        (("Properties", "Keys", "[0]", "Type"), "a", "b", "none"),
        (("Properties", "Keys"), [{"Attribute": "a"}], [{"Attribute": "b"}], "required"),
        (("Properties", "Keys"), [{"Type": "a"}], [{"Type": "b"}], "none"),
        (("Properties", "Outer"), None, {"Inner": 1}, "required"),
        (("Properties", "Outer"), None, {"Other": 1}, "none"),
        (("Properties", "Size"), 1, 2, "conditional"),
        (("Properties", "NameOfOther"), 1, 2, "none"),
        (("DeletionPolicy",), "Retain", "Delete", "none"),
    ],
)
def test_parts_of_create_only_properties(
    path: tuple[str, ...], before: Any, after: Any, expected: str
) -> None:
    """A part of a create-only property replaces, and so does a whole that has one that differs."""
    assert replacement(TYPE, path, before, after) == expected


def test_an_unknown_type_may_be_replaced() -> None:
    """Nothing is known about a type that the registry does not have."""
    assert replacement(None, ("Properties", "A"), 1, 2) == "conditional"


def test_write_only_properties() -> None:
    """Properties that AWS never returns, such as a password, are recognized."""
    assert is_write_only(TYPE, ("Properties", "Password"))
    assert not is_write_only(TYPE, ("Properties", "Name"))
    assert is_write_only(
        resource_type("AWS::RDS::DBInstance"), ("Properties", "MasterUserPassword")
    )


def test_strongest_and_at_most() -> None:
    """The strongest effect decides, unless its cause is uncertain."""
    assert strongest(["none", "required", "conditional"]) == "required"
    assert strongest([]) == "none"
    assert at_most("conditional", "required") == "conditional"
    assert at_most("required", "none") == "none"
