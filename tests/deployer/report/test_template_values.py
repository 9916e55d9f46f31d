"""Values of templates, and the difference between two of them."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.report.template_values import change_text, value_text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "(none)"),
        ("", '""'),
        ("a\nb", r"a\nb"),
        (True, "true"),
        (5, "5"),
        ({"Ref": "Vpc"}, "!Ref Vpc"),
        ({"Fn::GetAtt": ["Vpc", "CidrBlock"]}, "!GetAtt Vpc.CidrBlock"),
        ({"Fn::ImportValue": "x"}, "!ImportValue x"),
        ({"Fn::Sub": "a-${B}"}, "!Sub a-${B}"),
        ([{"Ref": "A"}, 1], "[!Ref A, 1]"),
        ({"Key": "a", "V": [True]}, '{"Key": "a", "V": [true]}'),
    ],
)
def test_values_have_short_forms(value: Any, expected: str) -> None:
    """A value is one line, with intrinsic functions in their short form."""
    assert value_text("Name", value) == expected


def test_short_values_are_shown_whole() -> None:
    """Both values are shown, and an absent one as (none)."""
    assert change_text("Cidr", "10.0.0.0/16", "10.1.0.0/16") == "10.0.0.0/16 → 10.1.0.0/16"
    assert change_text("Cidr", None, 1) == "(none) → 1"


def test_all_differences_of_long_values_are_shown() -> None:
    """Of a long value each part that differs is shown, and nothing of it is cut."""
    middle = "x" * 200
    before, after = f"a1 {middle} b1", f"a2 {middle} b2"

    text = change_text("Body", before, after)

    assert text == f"a1 {'x' * 15}… → a2 {'x' * 15}…; …{'x' * 15} b1 → …{'x' * 15} b2"


def test_differences_in_a_sentence_are_one() -> None:
    """Words that differ with little text between them are shown together, so they can be read."""
    before = f"{'Once. ' * 20}Check the message, which has the error, and delete it."
    after = f"{'Once. ' * 20}Check the log of the function, and the next message."

    assert change_text("Description", before, after) == (
        "…Once. Check the message, which has the error, and delete it."
        " → …Once. Check the log of the function, and the next message."
    )


def test_the_items_of_a_long_list_are_compared() -> None:
    """Of a long document the items that differ are shown, without what is between them."""
    numbers = [f'"metric {number} of the dashboard"' for number in range(300)]
    before, after = ", ".join(numbers), ", ".join(["x", *numbers[1:200], "y", *numbers[201:]])

    text = change_text("DashboardBody", before, after)

    assert [part.partition(" → ")[2][:1] for part in text.split("; ")] == ["x", "…"]
    assert len(text) < 300


def test_a_very_long_value_has_one_difference() -> None:
    """The parts of a value with thousands of words are not compared with each other."""
    words = " word" * 3_000

    assert (
        change_text("Body", f"a{words}", f"b{words}") == "a word word word … → b word word word …"
    )


@pytest.mark.parametrize("name", ["MasterUserPassword", "SecretString", "ApiToken"])
def test_secrets_are_masked(name: str) -> None:
    """A value that is a secret by its name is not shown, only that it changed."""
    assert change_text(name, "hunter22", "hunter23") == "(sensitive, changed)"


def test_secrets_within_values_are_masked() -> None:
    """An environment variable is named by its key."""
    variables = [{"Name": "DB_PASSWORD", "Value": "hunter22"}]

    assert "hunter22" not in value_text("Environment", variables)
    assert "hunter22" not in value_text("Variables", {"API_TOKEN": "hunter22"})
    assert "hunter22" not in value_text("Variables", {"Fn::Sub": "password=hunter22"})
