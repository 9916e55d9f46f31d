"""The values that pass from one stack to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from troposphere import Ref

from deployer.errors import SynthError
from deployer.model.values import map_values, pascal_case


@dataclass(frozen=True)
class Outputs:
    """Outputs of a stack: a value, a tuple and an optional value."""

    vpc_id: Any
    subnets: Any = ()
    zone: Any = None


def test_each_output_is_changed_by_its_title() -> None:
    """Items of a tuple are numbered from 1, and an output that is None is not changed."""
    outputs = Outputs("vpc", ("a", "b"))

    changed = map_values(outputs, lambda title, value: f"{title}={value}")

    assert Outputs("VpcId=vpc", ("Subnets1=a", "Subnets2=b"), None) == changed


def test_a_reference_is_a_value() -> None:
    """Intrinsic functions are passed to the function unchanged."""
    reference = Ref("Vpc")

    assert map_values(Outputs(reference), lambda _, value: value).vpc_id is reference


def test_a_stack_without_outputs_has_none() -> None:
    """None stays None."""
    assert map_values(None, lambda _, value: value) is None


@pytest.mark.parametrize("outputs", [{"vpc": "x"}, "vpc", Outputs])
def test_outputs_must_be_a_dataclass(outputs: Any) -> None:
    """The error has the stack and the type, and the hint has what to return."""
    with pytest.raises(SynthError, match=f"network: define returned {type(outputs).__name__}"):
        map_values(outputs, lambda _, value: value, stack="network")


@pytest.mark.parametrize("value", [1, ["a"], ("a", 1)])
def test_outputs_must_have_values(value: Any) -> None:
    """The error has the name of the output and its type."""
    message = f"network: output 'vpc_id' is {type(value).__name__}"

    with pytest.raises(SynthError, match=message):
        map_values(Outputs(value), lambda _, value: value, stack="network")


@pytest.mark.parametrize(
    ("name", "title"),
    [("vpc", "Vpc"), ("vpc_id", "VpcId"), ("access-logs", "AccessLogs"), ("aURL", "AURL")],
)
def test_titles_are_in_pascal_case(name: str, title: str) -> None:
    """Words are separated by underscores or hyphens; other letters keep their case."""
    assert title == pascal_case(name)
