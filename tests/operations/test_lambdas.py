"""Functions are found by name, and events are read from files or samples."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import ConfigError
from operations import lambdas, project


def test_the_output_of_a_function() -> None:
    """The stack and the output follow from the name of the folder."""
    environment = project.environment("local")

    found = {name: lambdas.output_of(environment, name) for name in ("migrate", "thumbnail")}

    assert found == {"migrate": ("users", "Migrate"), "thumbnail": ("avatars", "Thumbnail")}


def test_an_unknown_function() -> None:
    """The hint lists the functions."""
    environment = project.environment("local")

    with pytest.raises(ConfigError, match="--function=x: no such function") as raised:
        lambdas.output_of(environment, "x", "--function=")

    assert raised.value.hint.startswith("one of: ")
    assert "migrate" in raised.value.hint


@pytest.fixture
def samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A function `x` with two sample events."""
    folder = tmp_path / "lambdas" / "x" / "events"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text('{"is": "a"}')
    (folder / "b.json").write_text('{"is": "b"}')
    monkeypatch.setattr(project, "ROOT", tmp_path)
    monkeypatch.setattr(project, "WORKING_DIRECTORY", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("event", "expected"), [("b", "b"), ("b.json", "b"), ("own.json", "own")])
def test_an_event_is_a_sample_or_a_file(samples: Path, event: str, expected: str) -> None:
    """A sample is named with or without its extension."""
    (samples / "own.json").write_text('{"is": "own"}')

    assert lambdas.read_event("x", event) == {"is": expected}


def test_a_missing_event(samples: Path) -> None:
    """The hint lists the samples."""
    with pytest.raises(ConfigError, match="--event=c: No such file") as raised:
        lambdas.read_event("x", "c")

    assert raised.value.hint == "pass a file, or one of: a, b"


def test_an_event_that_is_not_json(samples: Path) -> None:
    """The error names the flag."""
    (samples / "own.json").write_text("{")

    with pytest.raises(ConfigError, match=r"--event=own\.json: not JSON: "):
        lambdas.read_event("x", "own.json")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("x", "pass a file, or one of: a, b"), ("y", "pass a file: y has no samples")],
)
@pytest.mark.usefixtures("samples")
def test_no_event(name: str, hint: str) -> None:
    """No event is chosen for the operator; the hint lists the samples, if there are any."""
    with pytest.raises(ConfigError, match="--event is required") as raised:
        lambdas.read_event(name, "")

    assert raised.value.hint == hint


@pytest.mark.usefixtures("samples")
def test_a_missing_event_of_a_function_without_samples() -> None:
    """A function without the folder events/ is no traceback."""
    with pytest.raises(ConfigError, match="--event=c: No such file") as raised:
        lambdas.read_event("y", "c")

    assert raised.value.hint == "pass a file: y has no samples"
