"""The environment of a task, and paths relative to the operator's working directory."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

from deployer.errors import ConfigError
from operations import project
from tests.operations.fake_account import ENV, ENVIRONMENT


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
def test_the_name_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, flag: str, expected: str | None
) -> None:
    """--env precedes $CRUDDUR_ENV; without them the name is None, and the task uses its default."""
    monkeypatch.delenv("CRUDDUR_ENV", raising=False)
    if variable is not None:
        monkeypatch.setenv("CRUDDUR_ENV", variable)

    assert project.environment_name(flag) == expected


@pytest.mark.parametrize(
    ("variable", "name", "expected"),
    [
        (None, "local", "./inv status"),
        ("local", "local", "./inv status"),
        ("dev", "local", "./inv status --env=local"),
        (None, "dev", "./inv status --env=dev"),
        ("dev", "dev", "./inv status --env=dev"),
    ],
)
def test_command(monkeypatch, variable: str | None, name: str, expected: str) -> None:
    """A command has --env, unless the environment is that of the emulator and the default."""
    monkeypatch.delenv("CRUDDUR_ENV", raising=False)
    if variable is not None:
        monkeypatch.setenv("CRUDDUR_ENV", variable)
    environment = replace(ENVIRONMENT, env=msgspec.structs.replace(ENV, name=name))

    assert project.command("status", environment) == expected


@pytest.mark.parametrize("variable", ["", " "])
def test_an_empty_variable_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """An empty variable was probably meant to name an environment."""
    monkeypatch.setenv("CRUDDUR_ENV", variable)

    with pytest.raises(ConfigError) as raised:
        project.environment_name("")

    assert raised.value.message == "CRUDDUR_ENV: is empty"
    assert "unset CRUDDUR_ENV" in raised.value.hint


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("dist", "/here/dist"),
        ("../dist", "/dist"),
        ("./a/../dist/", "/here/dist"),
        ("/else/dist", "/else/dist"),
        ("~/dist", "/home/me/dist"),
    ],
)
def test_an_absolute_path(monkeypatch: pytest.MonkeyPatch, path: str, expected: str) -> None:
    """A path is relative to the working directory of the operator, not to the project."""
    monkeypatch.setattr(project, "WORKING_DIRECTORY", Path("/here"))
    monkeypatch.setenv("HOME", "/home/me")

    assert Path(expected) == project.absolute_path(path)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["site.sync", "--folder=out"], "error: {here}/out: there is no index.html"),
        (["avatar.upload", "--sub=x", "--file=a.png", "--env=nowhere"], "unknown environment"),
        (["lambda.invoke", "migrate", "--event=e.json", "--env=local"], "not JSON"),
    ],
)
@pytest.mark.parametrize("how", ["from a folder in the project", "by ./inv"])
def test_every_task_that_takes_a_path(
    tmp_path: Path, how: str, argv: list[str], expected: str
) -> None:
    """A path is relative to the operator's folder, with `invoke` and with ./inv.

    ./inv changes to the folder of the project before it runs a task.
    """
    with TemporaryDirectory(dir=project.ROOT / "docs", prefix=".test-") as inside:
        here = Path(inside) if how != "by ./inv" else tmp_path
        (here / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
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

    assert done.returncode == 1
    assert expected.format(here=here) in done.stderr
