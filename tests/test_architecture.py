"""The rules of who may import whom, as a table that is walked."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# What each module of deployer/ may import of deployer/; a package stands for all within it.
DEPLOYER = {
    "errors": set(),
    "symlinks": {"errors"},
    "uncollected": set(),
    "runtime": set(),
    "isolation": {"errors", "isolation"},
    "artifacts": {"artifacts", "errors", "isolation", "runtime", "symlinks"},
    "secret": set(),
    "yamlbounds": set(),
    "yamltext": {"yamlbounds"},
    "fields": {"errors"},
    "faults": {"errors", "fields", "secret"},
    "document": {"errors", "faults", "fields", "secret"},
    "config": {"document", "errors", "faults", "fields", "secret"},
    "mistakes": {"errors", "fields"},
    "stack": {"artifacts", "errors", "fields", "mistakes", "ownership", "yamltext"},
    "aws.cloud": {"errors"},
    "ownership": {"aws.cloud", "errors"},
    "synth": {"artifacts", "errors", "stack", "symlinks", "yamltext"},
    "nested": {"aws.cloud", "stack", "synth", "yamltext"},
    "lint": {"errors", "lint", "stack", "uncollected"},
    "graph": {"synth"},
    "policy": {"lint", "losses", "policy", "secret", "stack", "yamltext"},
    "registry": set(),
    "losses": {"aws.cloud", "nested", "registry"},
    "refusals": {"nested", "registry"},
    "plan": {
        "artifacts",
        "aws.cloud",
        "errors",
        "losses",
        "nested",
        "refusals",
        "stack",
        "synth",
        "yamltext",
    },
    "removal": {
        "aws.cloud",
        "errors",
        "losses",
        "nested",
        "ownership",
        "plan",
        "stack",
        "synth",
    },
    "events": {"aws.cloud", "errors", "stack"},
    "schedule": set(),
    "jobs": {"errors", "events", "schedule"},
    "follow": {"aws.cloud", "errors", "events", "jobs", "nested", "stack"},
    "change_sets": {"aws.cloud", "errors", "follow", "jobs", "nested"},
    "execute": {
        "artifacts",
        "change_sets",
        "aws.cloud",
        "errors",
        "events",
        "follow",
        "jobs",
        "nested",
        "ownership",
        "plan",
        "removal",
        "synth",
    },
    "aws": {"aws", "aws.cloud", "errors", "stack"},
    "report": {
        "aws.cloud",
        "errors",
        "events",
        "losses",
        "nested",
        "plan",
        "removal",
        "report",
        "secret",
        "stack",
        "synth",
    },
    "environment": {
        "artifacts",
        "aws",
        "config",
        "errors",
        "fields",
        "mistakes",
        "stack",
        "symlinks",
        "synth",
    },
}
BOTO3 = {"boto3", "botocore"}
EMULATOR = {"ministack", "hypercorn"}
TROPOSPHERE = {"troposphere", "awacs"}


def test_the_table_names_every_module() -> None:
    """A new module says here what it may import."""
    modules = {path.stem for path in (ROOT / "deployer").glob("*.py")} - {"__init__"}
    packages = {path.parent.name for path in (ROOT / "deployer").glob("*/__init__.py")}

    assert modules | packages == DEPLOYER.keys() - {"aws.cloud"}


@pytest.mark.parametrize("module", DEPLOYER)
def test_deployer_imports_downwards(module: str) -> None:
    """errors, then values, then decisions, then effects; report and emulator at the rim."""
    found = {
        "aws.cloud" if name == "deployer.aws.cloud" else name.split(".")[1]
        for file in _files("deployer", module.replace(".", "/"))
        for name in _imports(file)
        if name.startswith("deployer.")
    }

    assert found <= DEPLOYER[module]


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        (BOTO3, {"deployer/aws/", "emulator/", "operations/"}),
        (EMULATOR, {"emulator/"}),
        (TROPOSPHERE, {"deployer/stack.py", "stacks/"}),
        ({"invoke"}, {"tasks.py", "commands/", "operations/"}),
        ({"rich"}, {"deployer/report/"}),
        ({"cfnlint"}, {"deployer/lint/"}),
        ({"uv"}, {"deployer/artifacts/"}),
        ({"tomllib"}, {"deployer/config.py", "deployer/document.py", "deployer/lint/"}),
    ],
)
def test_a_library_has_one_address(library: set[str], allowed: set[str]) -> None:
    """Effects and heavy libraries stand where the architecture says, and nowhere else."""
    users = {
        str(file.relative_to(ROOT))
        for file in _all_files()
        if any(name.split(".")[0] in library for name in _imports(file))
    }

    assert {user for user in users if not user.startswith(tuple(allowed))} == set()


def test_the_emulator_stands_alone() -> None:
    """The emulator imports only errors and a few helpers of the deployer; one module imports it."""
    allowed = {"errors", "isolation", "registry", "runtime", "symlinks", "yamlbounds"}
    found = {
        name.split(".")[1]
        for file in _files("emulator")
        for name in _imports(file)
        if name.startswith("deployer.")
    }
    users = {str(file.relative_to(ROOT)) for file in _all_files() if "emulator" in _roots(file)}

    assert found <= allowed
    assert {user for user in users if not user.startswith("emulator/")} == {
        "deployer/environment.py",
        "operations/emulator.py",
        "operations/target.py",
    }


def test_stacks_are_pure() -> None:
    """A stack file sees values, fields and other stacks' types: no clock, no files, no AWS."""
    allowed = {"__future__", "collections", "dataclasses", "deployer", "functools", "ipaddress"}
    allowed |= {"itertools", "json", "stacks", "typing"} | TROPOSPHERE

    for file in _files("stacks"):
        names = set(_imports(file))
        assert {name.split(".")[0] for name in names} <= allowed, file.name
        ours = {name for name in names if name.startswith("deployer")}
        pure = {"deployer", "deployer.artifacts", "deployer.fields", "deployer.stack"}
        assert ours <= pure, file.name


def test_nobody_imports_upwards() -> None:
    """deployer/ knows no stack and no task; stacks/ know no operation."""
    for file in _files("deployer"):
        assert not _roots(file) & {"stacks", "operations", "commands", "tools", "tasks"}, file.name
    for file in _files("stacks"):
        assert not _roots(file) & {"operations", "commands", "tools", "tasks"}, file.name


def test_tasks_start_light() -> None:
    """`invoke --list` imports nothing heavy: what costs time stands inside the tasks."""
    for file in [ROOT / "tasks.py", *_files("commands"), *_files("operations")]:
        if file.name == "session.py":  # Imported by tasks when they run.
            continue
        imported = set(_at_top(file)) - {"deployer.uncollected"}
        roots = {name.split(".")[0] for name in imported}
        assert roots <= {*sys.stdlib_module_names, "commands", "invoke", "operations"}, file.name


def _roots(file: Path) -> set[str]:
    return {name.split(".")[0] for name in _imports(file)}


def _all_files() -> Iterator[Path]:
    yield ROOT / "tasks.py"
    for folder in ("commands", "deployer", "emulator", "operations", "stacks", "tools"):
        yield from _files(folder)


def _files(folder: str, module: str = "") -> Iterator[Path]:
    if module and (ROOT / folder / f"{module}.py").exists():
        return iter([ROOT / folder / f"{module}.py"])
    return (ROOT / folder / module).rglob("*.py")


def _imports(file: Path) -> Iterator[str]:
    """Every module that *file* imports, wherever in it; of `from deployer import x`, x too."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module="deployer" as module, names=names):
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module


def _at_top(file: Path) -> Iterator[str]:
    for node in ast.parse(file.read_text()).body:
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield module
