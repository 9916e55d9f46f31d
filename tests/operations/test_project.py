"""The environment of a task."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

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


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("dist", "/here/dist"),
        ("../dist", "/dist"),
        ("./a/../dist/", "/here/dist"),
        ("/else/dist", "/else/dist"),
        ("~/dist", "/home/me/dist"),
    ],
)
def test_a_path_that_is_given(monkeypatch: pytest.MonkeyPatch, given: str, expected: str) -> None:
    """It is relative to where the operator stands, not to the project."""
    monkeypatch.setattr(project, "CALLED_FROM", Path("/here"))
    monkeypatch.setenv("HOME", "/home/me")

    assert Path(expected) == project.path(given)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["site.sync", "--folder=out"], "error: {here}/out: there is no index.html"),
        (["avatar.upload", "--sub=x", "--file=a.png", "--env=nowhere"], "unknown environment"),
        (["lambda.invoke", "migrate", "--event=e.json", "--env=local"], "no JSON"),
    ],
)
@pytest.mark.parametrize("how", ["from a folder in the project", "by ./inv"])
def test_every_task_that_takes_a_path(
    tmp_path: Path, how: str, argv: list[str], expected: str
) -> None:
    """By Invoke in a folder of the project, and through ./inv, which goes to the project first."""
    with TemporaryDirectory(dir=project.ROOT / "docs", prefix=".test-") as inside:
        here = Path(inside) if how != "by ./inv" else tmp_path
        (here / "a.png").touch()
        (here / "e.json").write_text("{")
        env = {key: value for key, value in os.environ.items() if key != "CRUDDUR_ENV"}
        env |= {"CRUDDUR_CALLED_FROM": str(here)} if how == "by ./inv" else {}
        done = subprocess.run(
            [sys.executable, "-m", "invoke", *argv],
            cwd=project.ROOT if how == "by ./inv" else here,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )

    assert 1 == done.returncode
    assert expected.format(here=here) in done.stderr
