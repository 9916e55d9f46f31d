"""The limits of untrusted YAML."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deployer import template_yaml, yaml_limits
from deployer.yaml_limits import AliasError, YamlError, check

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=20,
)


def bomb(levels: int) -> str:
    """Return YAML in which each level is nine aliases of the previous one."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


HOSTILE = [bomb(8), "[" * 50_000, "- " * 9_000 + "x", "{a: " * 9_000]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (bomb(8), "more than 100,000 values"),
        ("[" * 50_000, "more than 100 levels"),
        ("- " * 9_000 + "x", "more than 100 levels"),
        ("{a: " * 9_000, "more than 100 levels"),
        ("&a [*a]", "alias a refers to itself"),
        ("*a", "refers to itself or to nothing"),
        ("a: b: c", "mapping values are not allowed"),
        ('"\x01"', "not allowed"),
    ],
)
def test_refused(text: str, words: str) -> None:
    """YAML that is too large, too deep, recursive or invalid is refused."""
    with pytest.raises(YamlError, match=words):
        check(text)


@pytest.mark.parametrize("text", HOSTILE, ids=["aliases", "lists", "items", "mappings"])
def test_refused_early(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """YAML is read only until it is too large or too deep, and aliases are not expanded."""
    events = 0

    def counted(*arguments: object) -> Iterator[yaml.Event]:
        nonlocal events
        for event in parse(*arguments):
            events += 1
            yield event

    parse = yaml.parse
    monkeypatch.setattr(yaml, "parse", counted)
    with pytest.raises(YamlError):
        check(text)

    assert events < 3 * yaml_limits.MAX_DEPTH


def test_aliases() -> None:
    """Small aliases are accepted, unless aliases are not allowed."""
    check(bomb(3))

    with pytest.raises(AliasError):
        check(bomb(3), aliases=False)


@given(VALUES)
def test_yaml_within_the_limits(value: object) -> None:
    """Any YAML within the limits is accepted."""
    check(yaml.safe_dump(value))


@given(st.text(alphabet="{}[]:-&*!|>?#,'\"% \nab", max_size=300))
def test_any_text(text: str) -> None:
    """An accepted text can be loaded, and its values are within the limits."""
    with contextlib.suppress(YamlError):
        check(text)
        with contextlib.suppress(yaml.YAMLError):
            built = yaml.load(text, yaml.CSafeLoader)
            assert count(built) <= yaml_limits.MAX_NODES


def count(value: object) -> int:
    """Return the number of values in *value*."""
    if isinstance(value, dict):
        return 1 + sum(count(key) + count(inner) for key, inner in value.items())
    if isinstance(value, list | set):
        return 1 + sum(count(inner) for inner in value)
    return 1


@pytest.mark.parametrize("text", [bomb(8), "[" * 50_000, "&a {b: *a}"])
def test_a_deployed_template(text: str) -> None:
    """A deployed template that cannot be read is empty and does not end the run."""
    assert template_yaml.load(text) == {}


def test_the_limits() -> None:
    """A template of the largest size is within the limits."""
    assert (yaml_limits.MAX_DEPTH, yaml_limits.MAX_NODES) == (100, 100_000)
