"""Values before and after, without their secrets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.report.property_values import masked, pair


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MasterUserPassword", "hunter2"),
        ("DB_PASSWORD", "hunter2"),
        ("SecretString", "hunter2"),
        ("AuthToken", "hunter2"),
        ("Anything", "****"),
        ("Anything", "AKIA" + "A1B2C3D4E5F6G7H8"),
        ("Url", "postgresql://root:hunter2@db/cruddur"),
    ],
)
def test_a_secret_is_not_shown(name: str, value: str) -> None:
    """By its name, as AWS writes NoEcho, or by its form."""
    assert "(sensitive)" == masked(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GenerateSecret", "true"),
        ("MasterUserPassword", "{{resolve:secretsmanager:db:SecretString:password}}"),
        ("Secret", "arn:aws:secretsmanager:ca-central-1:000000000000:secret:db"),
        ("PasswordLength", "12"),
        ("Name", "crd-dev"),
    ],
)
def test_what_is_no_secret_is_shown(name: str, value: str) -> None:
    """Whether there is one and where it is kept is worth reading."""
    assert value == masked(name, value)


@pytest.mark.parametrize(
    "value",
    [
        '[{"Name": "DB_PASSWORD", "Value": "hunter2"}]',
        '{"Environment": {"Variables": {"API_TOKEN": "hunter2"}}}',
        '{"password": ["hunter2", {"x": "postgresql://root:hunter2@db"}]}',
        '{"text": "{\\"token\\": \\"hunter2\\"}"}',
        '{"api_key": 4711}',
    ],
)
def test_a_secret_inside_json_is_not_shown(value: str) -> None:
    """Also where its name stands beside it, as in a container's environment."""
    clean = masked("ContainerDefinitions", value)

    assert "hunter2" not in clean
    assert "4711" not in clean
    assert "(sensitive)" in clean


def test_both_secret_says_only_that_it_changes() -> None:
    """That much one may know."""
    assert "(sensitive, changed)" == pair("Password", "a", "b")


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (None, "b", "(none) → b"),
        ("a", None, "a → (none)"),
        ("", "b", '"" → b'),
        ("a\nb", "{{changeSet:KNOWN_AFTER_APPLY}}", "a\\nb → (known once it is made)"),
        (None, None, "(values not known)"),
    ],
)
def test_a_value_is_on_one_line(before: str | None, after: str | None, shown: str) -> None:
    """Nothing, an empty text, several lines, and what AWS does not know yet."""
    assert shown == pair("Name", before, after)


def test_long_values_show_where_they_differ() -> None:
    """What they share in front and behind is left out."""
    shown = pair("Policy", f"{'a' * 500}-old-{'z' * 500}", f"{'a' * 500}-new-{'z' * 500}")

    assert "-old-" in shown
    assert "-new-" in shown
    assert len(shown) < 100


def test_deep_json_is_only_text() -> None:
    """It is nobody's policy document."""
    assert masked("X", "[" * 200_000).startswith("[[")


@given(st.text(), st.text(min_size=0), st.integers(0, 300))
def test_a_difference_is_always_in_sight(before: str, after: str, length: int) -> None:
    """However long both are, one line of bounded length shows two different values."""
    old, new = f"{'x' * length}{before}{'y' * length}", f"{'x' * length}{after}{'y' * length}"

    shown = pair("Name", old, new)

    left, _, right = shown.partition(" → ")
    assert "\n" not in shown
    assert len(shown) <= 130
    assert old == new or left != right or "(sensitive" in shown or " → " in f"{before}{after}"
