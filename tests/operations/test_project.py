"""The environment of a task."""

from __future__ import annotations

import pytest

from deployer.errors import ConfigError
from operations import project


@pytest.mark.parametrize(
    ("variable", "flag", "expected"),
    [
        (None, "", None),
        (None, "dev", "dev"),
        ("prod", "", "prod"),
        ("prod", "dev", "dev"),
        ("", "dev", "dev"),
    ],
)
def test_the_flag_comes_first(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, flag: str, expected: str | None
) -> None:
    """Then the variable; without both, the task's default."""
    monkeypatch.delenv("CRUDDUR_ENV", raising=False)
    if variable is not None:
        monkeypatch.setenv("CRUDDUR_ENV", variable)

    assert expected == project.chosen(flag)


@pytest.mark.parametrize("variable", ["", " "])
def test_an_empty_variable_is_not_the_default(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """The variable was set for an environment, which may not have been local."""
    monkeypatch.setenv("CRUDDUR_ENV", variable)

    with pytest.raises(ConfigError) as told:
        project.chosen("")

    assert "CRUDDUR_ENV: is empty" == told.value.message
    assert "unset CRUDDUR_ENV" in told.value.hint
