"""Run the tools of a contributor: tests, checks, benchmarks and the dependency locks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from deployer import symlinks
from deployer.errors import ConfigError
from operations import project

BACKEND = project.ROOT / "backend"
LAMBDAS = project.ROOT / "lambdas"


class ToolError(Exception):
    """A tool failed with the exit code *code*. It has printed the reason."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def run(module: str, *arguments: str) -> None:
    """Run `python -m` *module*; raise ToolError if it fails."""
    env = dict(os.environ)
    # Invoke sets this. The tests start hundreds of processes, which share the bytecode.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    completed = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=project.ROOT, env=env, check=False
    )
    if completed.returncode:
        raise ToolError(completed.returncode)


def test(*, jobs: int, fast: bool, all_: bool) -> None:
    """Run the tests in *jobs* processes; with *all_*, also those that are marked as slow.

    With *fast*, also omit those that are marked as thorough: see tests/conftest.py.
    """
    if fast and all_:
        raise ConfigError("--fast and --all: they exclude each other", hint="choose one")
    # The default is more processes than cores, because many tests wait for other processes. With
    # loadscope, the tests of a file run in one process, because they share a deployment. Files run
    # in the order of their names: by default files with few tests run last, and these take longest.
    workers = ["-n", str(jobs), "--dist", "loadscope", "--no-loadscope-reorder"]
    excluded = [] if all_ else ["slow", "thorough"] if fast else ["slow"]
    run("pytest", *workers, "-m", " and ".join(f"not {marker}" for marker in excluded))


def check(*, all_: bool) -> None:
    """Run all checks of a pull request except the tests; with *all_*, also third-party scanners."""
    run("ruff", "check", ".")
    run("ruff", "format", "--check", ".")
    run("mypy")
    run("codespell_lib")
    run("tools.wording")
    run("invoke", "site.check")
    run("invoke", "synth", "--check")
    run("invoke", "lint")
    if all_:
        run("tests.scanners")


def docs() -> None:
    """Write the generated pages of docs/, and the OpenAPI document of the backend."""
    run("tools.generated_pages")


def bench(names: Sequence[str], *, rounds: int) -> None:
    """Run the benchmarks *names*, or all."""
    run("tests.bench", *names, f"--rounds={rounds}")


def lock(*, upgrade: bool) -> None:
    """Write the locks of setup.cfg, the backend and the functions, resolved together."""
    compile_, inputs = list(_compile_command()), list(_requirements())
    for file in (Path("requirements/dev.txt"), Path("requirements/deploy.txt"), *inputs):
        symlinks.refuse(project.ROOT / file.with_suffix(".txt"), project.ROOT)
    options = ["--upgrade"] if upgrade else []
    all_inputs = ["setup.cfg", *map(str, inputs), "--extra", "dev", *options]
    run(*compile_, *all_inputs, "--output-file", "requirements/dev.txt")
    compile_ += ["-c", "requirements/dev.txt"]
    run(*compile_, "setup.cfg", "--output-file", "requirements/deploy.txt")
    for file in inputs:
        unused = [f"--no-emit-package={name}" for name in _unused_packages(file)]
        run(*compile_, str(file), *unused, "--output-file", str(file.with_suffix(".txt")))
    shutil.rmtree(project.ROOT / "cruddur.egg-info", ignore_errors=True)


def _compile_command() -> Iterator[str]:
    yield from ("uv", "pip", "compile", "--universal", "--python-version", "3.11")
    yield from ("--generate-hashes", "--quiet", "--no-emit-find-links")
    yield from ("--custom-compile-command", "./inv lock")


def _requirements() -> Iterator[Path]:
    """Yield the requirements.in of the backend and of each function with packages."""
    for file in (BACKEND / "requirements.in", *sorted(LAMBDAS.glob("*/requirements.in"))):
        yield file.relative_to(project.ROOT)


def _unused_packages(requirements: Path) -> list[str]:
    """Return the packages in unused.txt next to *requirements*; lines with # are comments."""
    file = requirements.with_name("unused.txt")
    lines = file.read_text().split("\n") if file.exists() else []
    return [line for line in lines if line and not line.startswith("#")]
