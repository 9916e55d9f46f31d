"""Values of properties before and after a change, with secrets masked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.report.property_values import before_and_after, masked


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
    """A secret is masked by its name, by NoEcho, or by its form."""
    assert masked(name, value) == "(sensitive)"


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
def test_harmless_values_are_shown(name: str, value: str) -> None:
    """Whether a secret is set, and where it is stored, is shown."""
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
    """A secret is also masked if its name is in a sibling key, as in a container's environment."""
    clean = masked("ContainerDefinitions", value)

    assert "hunter2" not in clean
    assert "4711" not in clean
    assert "(sensitive)" in clean


def test_a_changed_secret() -> None:
    """Of a changed secret only the change is shown."""
    assert before_and_after("Password", "a", "b") == "(sensitive, changed)"


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (None, "b", "(none) → b"),
        ("a", None, "a → (none)"),
        ("", "b", '"" → b'),
        ("a\nb", "{{changeSet:KNOWN_AFTER_APPLY}}", "a\\nb → (known after creation)"),
        (None, None, "(values not known)"),
        ("0", "0", "0 (unchanged)"),
        ("a" * 61, "a" * 61, "(unchanged)"),
    ],
)
def test_a_value_is_on_one_line(before: str | None, after: str | None, shown: str) -> None:
    """A missing, empty, multi-line or unknown value is shown on one line."""
    assert shown == before_and_after("Name", before, after)


def test_long_values_show_where_they_differ() -> None:
    """The common beginning and end of long values are omitted."""
    shown = before_and_after(
        "Policy", f"{'a' * 500}-old-{'z' * 500}", f"{'a' * 500}-new-{'z' * 500}"
    )

    assert "-old-" in shown
    assert "-new-" in shown
    assert len(shown) < 100


def test_deep_json_is_only_text() -> None:
    """JSON that is nested too deeply is shown as text."""
    assert masked("X", "[" * 200_000).startswith("[[")


@given(st.text(), st.text(min_size=0), st.integers(0, 300))
def test_a_difference_is_always_visible(before: str, after: str, length: int) -> None:
    """However long both are, one line of bounded length shows two different values."""
    old, new = f"{'x' * length}{before}{'y' * length}", f"{'x' * length}{after}{'y' * length}"

    shown = before_and_after("Name", old, new)

    left, _, right = shown.partition(" → ")
    assert "\n" not in shown
    assert len(shown) <= 130
    assert old == new or left != right or "(sensitive" in shown or " → " in f"{before}{after}"
