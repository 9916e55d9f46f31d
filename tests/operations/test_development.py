"""The tools of a contributor are run with the right arguments."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import ConfigError
from operations import development, project


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Record the tools instead of running them."""
    runs: list[tuple[str, ...]] = []
    monkeypatch.setattr(development, "run", lambda *arguments: runs.append(arguments))
    return runs


@pytest.mark.parametrize(
    ("fast", "all_", "expected"),
    [
        (False, False, "not slow"),
        (True, False, "not slow and not thorough"),
        (False, True, ""),
    ],
)
def test_markers_limit_the_tests(runs, fast, all_, expected) -> None:
    """Slow tests run only with --all; thorough tests do not run with --fast."""
    development.test(jobs=3, fast=fast, all_=all_)

    [run] = runs
    assert run[:3] == ("pytest", "-n", "3")
    assert run[-2:] == ("-m", expected)


def test_fast_and_all_exclude_each_other(runs) -> None:
    """--fast and --all together are refused, and nothing runs."""
    with pytest.raises(ConfigError, match="--fast and --all: they exclude each other"):
        development.test(jobs=3, fast=True, all_=True)

    assert runs == []


def test_check_runs_every_tool(runs) -> None:
    """The third-party scanners run only with --all."""
    development.check(all_=False)
    tools = [run[:2] for run in runs]
    development.check(all_=True)

    assert tools == [
        ("ruff", "check"),
        ("ruff", "format"),
        ("mypy",),
        ("codespell_lib",),
        ("tools.wording",),
        ("invoke", "site.check"),
        ("invoke", "synth"),
        ("invoke", "lint"),
    ]
    assert runs[-1] == ("tests.scanners",)


def test_a_tool_that_fails() -> None:
    """The error has the exit code of the tool."""
    with pytest.raises(development.ToolError) as raised:
        development.run("py_compile", "absent.py")

    assert raised.value.code == 1


def test_unused_packages(tmp_path: Path) -> None:
    """The list of unused packages has one package per line; lines with # are comments."""
    (tmp_path / "unused.txt").write_text("# Not needed at run time.\nsix\n\n")

    assert development._unused_packages(tmp_path / "requirements.in") == ["six"]
    assert development._unused_packages(tmp_path / "absent" / "requirements.in") == []


def test_lock_files_are_written_for_the_backend_and_every_function(runs) -> None:
    """The lock of all dependencies constrains the lock of the backend and of each function."""
    development.lock(upgrade=False)

    outputs = [run[-1] for run in runs]
    functions = sorted(
        f"lambdas/{file.parent.name}/requirements.txt"
        for file in (project.ROOT / "lambdas").glob("*/requirements.in")
    )
    packages = ["backend/requirements.txt", *functions]
    assert outputs == ["requirements/dev.txt", "requirements/deploy.txt", *packages]
    assert all("requirements/dev.txt" in run for run in runs)


def test_docs_are_generated(runs) -> None:
    """The pages are written by a process of tools/, which operations cannot import."""
    development.docs()

    assert runs == [("tools.generated_pages",)]
