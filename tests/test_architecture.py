"""The import rules of docs/architecture.md."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Collection, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# The modules of deployer/ that each of them may import. A package means all modules in it.
DEPLOYER = {
    "errors": set(),
    "files": set(),
    "symlinks": {"errors"},
    "lambda_runtime": set(),
    "isolation": {"errors", "isolation"},
    "artifacts": {"artifacts", "errors", "isolation", "lambda_runtime", "symlinks"},
    "secret_detection": set(),
    "yaml_limits": set(),
    "template_yaml": {"yaml_limits"},
    "config": {"config", "errors", "secret_detection"},
    "stack_file_errors": {"config", "errors"},
    "stack_imports": {"stack_file_errors"},
    "model": {
        "artifacts",
        "aws.cloud",
        "config",
        "errors",
        "model",
        "ownership",
        "stack_file_errors",
        "template_yaml",
    },
    "aws.cloud": {"errors"},
    "ownership": {"aws.cloud", "errors"},
    "synth": {"artifacts", "errors", "files", "model", "symlinks", "template_yaml"},
    "lint": {"errors", "files", "lint", "model"},
    "dependency_graph": {"model"},
    "policy": {
        "data_loss",
        "lint",
        "model",
        "policy",
        "secret_detection",
        "template_yaml",
    },
    "registry": set(),
    "prices": set(),
    "weakened_protections": {"model", "registry"},
    "data_loss": {"model", "registry", "weakened_protections"},
    "data_guard": {"aws.cloud", "data_loss", "errors", "model"},
    "preview": {
        "aws.cloud",
        "data_guard",
        "data_loss",
        "errors",
        "model",
        "policy",
        "preview",
        "prices",
        "registry",
        "synth",
        "update_refusals",
    },
    "update_refusals": {"model", "registry"},
    "retained_resources": {"model", "registry", "update_refusals"},
    "plan": {"artifacts", "aws.cloud", "data_loss", "errors", "model", "update_refusals"},
    "phases": {
        "aws.cloud",
        "data_loss",
        "errors",
        "model",
        "phases",
        "plan",
        "preview",
        "registry",
        "synth",
        "template_yaml",
    },
    "drift": {"aws.cloud", "errors", "events", "follow", "jobs", "model"},
    "live_plan": {"aws.cloud", "environment", "model", "plan", "preview"},
    "selection": {"errors", "model"},
    "removal": {
        "aws.cloud",
        "data_loss",
        "errors",
        "model",
        "ownership",
        "selection",
    },
    "releases": {"aws.cloud", "errors", "model"},
    "events": {"aws.cloud", "errors", "model"},
    "schedule": set(),
    "jobs": {"aws.cloud", "errors", "events", "schedule"},
    "follow": {"aws.cloud", "errors", "events", "jobs", "model"},
    "change_sets": {"aws.cloud", "errors", "follow", "jobs", "model"},
    "run": {"artifacts", "aws.cloud", "follow", "model", "ownership", "plan"},
    "artifact_store": {"artifacts", "aws.cloud", "errors", "events", "jobs", "run", "model"},
    "delete": {
        "aws.cloud",
        "errors",
        "events",
        "follow",
        "jobs",
        "model",
        "ownership",
        "removal",
        "run",
    },
    "execution_refusals": {"errors"},
    "change_set_requests": {
        "artifact_store",
        "aws.cloud",
        "change_sets",
        "delete",
        "errors",
        "execution_refusals",
        "jobs",
        "model",
        "ownership",
        "plan",
        "run",
    },
    "planned_change_sets": {
        "aws.cloud",
        "change_set_requests",
        "change_sets",
        "errors",
        "events",
        "jobs",
        "model",
        "plan",
        "preview",
        "run",
    },
    "saved_plan": {
        "aws.cloud",
        "errors",
        "model",
        "plan",
        "planned_change_sets",
        "preview",
    },
    "staleness": {"aws.cloud", "model", "plan", "saved_plan"},
    "reviewed_change_sets": {
        "aws.cloud",
        "change_set_requests",
        "change_sets",
        "data_guard",
        "events",
        "execute",
        "jobs",
        "model",
        "run",
    },
    "apply": {
        "aws.cloud",
        "change_set_requests",
        "deployment",
        "errors",
        "events",
        "model",
        "ownership",
        "plan",
        "report",
        "reviewed_change_sets",
        "run",
        "saved_plan",
        "staleness",
    },
    "execute": {
        "artifact_store",
        "aws.cloud",
        "change_set_requests",
        "data_guard",
        "delete",
        "errors",
        "events",
        "execution_refusals",
        "follow",
        "jobs",
        "model",
        "operation_errors",
        "ownership",
        "phases",
        "plan",
        "retained_resources",
        "run",
        "synth",
        "template_yaml",
    },
    "operation_errors": {
        "errors",
        "follow",
        "model",
        "ownership",
        "plan",
        "retained_resources",
    },
    "attach": {
        "aws.cloud",
        "events",
        "follow",
        "jobs",
        "model",
        "operation_errors",
        "plan",
        "run",
    },
    "cancel": {
        "aws.cloud",
        "delete",
        "errors",
        "events",
        "follow",
        "jobs",
        "operation_errors",
        "run",
    },
    "rollback": {
        "aws.cloud",
        "delete",
        "errors",
        "events",
        "follow",
        "jobs",
        "operation_errors",
        "plan",
        "run",
    },
    "history": {"aws.cloud", "errors", "follow", "jobs"},
    "recovery": {
        "attach",
        "aws.cloud",
        "cancel",
        "deployment",
        "errors",
        "history",
        "jobs",
        "report",
        "rollback",
        "selection",
    },
    "aws": {"aws", "aws.cloud", "errors", "model"},
    "report": {
        "aws.cloud",
        "data_loss",
        "drift",
        "errors",
        "events",
        "history",
        "model",
        "plan",
        "planned_change_sets",
        "preview",
        "registry",
        "removal",
        "report",
        "secret_detection",
        "synth",
    },
    "environment": {
        "artifacts",
        "aws",
        "config",
        "errors",
        "model",
        "stack_file_errors",
        "symlinks",
        "synth",
    },
    "approval": {"errors"},
    "bucket_cleanup": {"aws", "aws.cloud", "model"},
    "template_checks": {"environment", "errors", "lint", "model", "policy", "synth"},
    "inventory": {"aws.cloud", "environment", "model", "ownership", "plan"},
    "deployment": {
        "approval",
        "artifacts",
        "aws",
        "aws.cloud",
        "bucket_cleanup",
        "data_guard",
        "delete",
        "drift",
        "environment",
        "errors",
        "events",
        "execute",
        "follow",
        "history",
        "inventory",
        "jobs",
        "live_plan",
        "model",
        "phases",
        "plan",
        "planned_change_sets",
        "preview",
        "releases",
        "removal",
        "report",
        "run",
        "selection",
        "template_checks",
    },
}
BOTO3 = {"boto3", "botocore"}
EMULATOR = {"ministack", "hypercorn"}
TROPOSPHERE = {"troposphere", "awacs"}


def test_the_table_has_every_module() -> None:
    """Every module of deployer/ is listed in the table."""
    modules = {path.stem for path in (ROOT / "deployer").glob("*.py")} - {"__init__"}
    packages = {path.parent.name for path in (ROOT / "deployer").glob("*/__init__.py")}

    assert modules | packages == DEPLOYER.keys() - {"aws.cloud"}


@pytest.mark.parametrize("module", DEPLOYER)
def test_deployer_imports_downwards(module: str) -> None:
    """A module of deployer/ imports only what the table allows."""
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
        (BOTO3, {"backend/", "deployer/aws/", "emulator/", "operations/"}),
        (EMULATOR, {"emulator/"}),
        (TROPOSPHERE, {"deployer/model/", "stacks/"}),
        ({"invoke"}, {"tasks.py", "commands/"}),
        ({"rich"}, {"deployer/report/"}),
        ({"cfnlint"}, {"deployer/lint/"}),
        ({"uv"}, {"deployer/artifacts/"}),
        ({"tomllib"}, {"deployer/config/", "deployer/lint/"}),
        ({"flask", "werkzeug"}, {"backend/"}),
        ({"spectree"}, {"backend/cruddur/openapi.py"}),
        ({"psycopg", "psycopg_pool"}, {"backend/cruddur/database.py", "operations/db_connection"}),
    ],
)
def test_libraries_are_used_only_in_their_package(library: set[str], allowed: set[str]) -> None:
    """A library is imported only in the modules that the table allows."""
    users = {
        str(file.relative_to(ROOT))
        for file in _all_files()
        if any(name.split(".")[0] in library for name in _imports(file))
    }

    assert {user for user in users if not user.startswith(tuple(allowed))} == set()


def test_the_emulator_is_independent() -> None:
    """The emulator imports only errors and helpers of the deployer; two modules import it."""
    allowed = {
        "errors",
        "files",
        "isolation",
        "lambda_runtime",
        "registry",
        "symlinks",
        "yaml_limits",
    }
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
    }


def test_stacks_are_pure() -> None:
    """A stack file imports no clock, no files and no AWS client."""
    allowed = {"__future__", "collections", "dataclasses", "deployer", "functools", "ipaddress"}
    allowed |= {"itertools", "json", "re", "stacks", "typing"} | TROPOSPHERE

    for file in _files("stacks"):
        names = set(_imports(file))
        assert {name.split(".")[0] for name in names} <= allowed, file.name
        from_deployer = {name for name in names if name.startswith("deployer")}
        pure = {"deployer", "deployer.artifacts", "deployer.config", "deployer.model"}
        pure |= {"deployer.config.fields"}
        assert from_deployer <= pure, file.name


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("deployer", {"stacks", "operations", "commands", "tools", "tasks"}),
        ("emulator", {"stacks", "operations", "commands", "tools", "tasks"}),
        ("stacks", {"operations", "commands", "tools", "tasks"}),
        ("operations", {"commands", "tools", "tasks"}),
        ("commands", {"tools", "tasks"} | BOTO3),
    ],
)
def test_imports_go_downwards(folder: str, forbidden: set[str]) -> None:
    """tasks.py imports commands, these import operations, and these the deployer; never the reverse."""
    imported = {str(file.relative_to(ROOT)): _roots(file) & forbidden for file in _files(folder)}

    assert {file: roots for file, roots in imported.items() if roots} == {}


# The packages of backend/cruddur/ with routes.
FEATURES = {"activities", "health", "messages", "notifications", "users", "webhooks"}
# The modules of lambdas/ that the image contains.
SHARED = {"avatars", "base64url", "database", "deadline", "dynamodb", "endpoints", "fetch", "ids"}
SHARED |= {"jwks", "loggers", "tokens"}


def test_the_backend_is_independent() -> None:
    """The backend imports nothing of this repository but itself and modules of lambdas/shared/."""
    roots = {path.name for path in ROOT.iterdir() if path.is_dir()} | {"tasks"}
    roots |= {path.name for path in (ROOT / "lambdas").iterdir()}
    imported = {name for file in _files("backend") for name in _imports(file)}
    of_repository = {name for name in imported if name.split(".")[0] in roots}

    assert {name for name in of_repository if not name.startswith("shared.")} == set()
    assert {name.split(".")[1] for name in of_repository} <= SHARED


@pytest.mark.parametrize("feature", sorted(FEATURES))
def test_features_are_independent(feature: str) -> None:
    """A package with routes imports no other such package: `app` connects them."""
    imported = {
        name.split(".")[1]
        for file in _files(f"backend/cruddur/{feature}")
        for name in _imports(file)
        if name.startswith("cruddur.")
    }

    assert (imported & FEATURES) - {feature} == set()


# Modules of the project that take less than 5 ms to import.
LIGHT = {"deployer", "deployer.errors", "deployer.symlinks"}
# Modules and packages that tasks import when they run.
HEAVY = (
    "commands/framework/first_deploy.py",
    "commands/framework/open_deployment.py",
    "operations/deployment.py",
    "operations/preflight/",
    "operations/releases.py",
)


def test_task_list_imports_nothing_slow() -> None:
    """`invoke --list` imports no slow module: other imports are within functions."""
    for file in [ROOT / "tasks.py", *_files("commands"), *_files("operations")]:
        if file.relative_to(ROOT).as_posix().startswith(HEAVY):
            continue
        roots = {name.split(".")[0] for name in set(_at_top(file)) - LIGHT}
        assert roots <= {*sys.stdlib_module_names, "commands", "invoke", "operations"}, file.name


def test_no_circular_imports() -> None:
    """No module imports itself through other modules, except for imports under TYPE_CHECKING."""
    files = {_module(file): file for file in [*_all_files(), *_files("lambdas")]}
    imported = {name: _modules_imported(file, files.keys()) for name, file in files.items()}

    TopologicalSorter(imported).prepare()  # Raises CycleError with the modules of a cycle.


def _module(file: Path) -> str:
    """Return the name by which *file* is imported; lambdas/ and backend/ are roots of imports."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    if parts[0] in {"backend", "lambdas"}:
        parts = parts[1:]
    return ".".join(parts).removesuffix(".__init__")


def _modules_imported(file: Path, modules: Collection[str]) -> set[str]:
    """Return the modules of this repository that *file* imports, also within functions."""
    found: set[str] = set()
    for node in _nodes_that_run(_tree(file)):
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(module=str(module), names=names):
                submodules = {f"{module}.{alias.name}" for alias in names}
                found |= submodules & set(modules)
                if not submodules <= set(modules):
                    found.add(module)
    return found & set(modules)


def _nodes_that_run(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            yield from _nodes_that_run(node)


@functools.cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


@functools.cache
def _roots(file: Path) -> set[str]:
    return {name.split(".")[0] for name in _imports(file)}


def _all_files() -> Iterator[Path]:
    yield ROOT / "tasks.py"
    for folder in ("backend", "commands", "deployer", "emulator", "operations", "stacks", "tools"):
        yield from _files(folder)


def _files(folder: str, module: str = "") -> Iterator[Path]:
    if module and (ROOT / folder / f"{module}.py").exists():
        return iter([ROOT / folder / f"{module}.py"])
    return (ROOT / folder / module).rglob("*.py")


@functools.cache
def _imports(file: Path) -> tuple[str, ...]:
    """Return every module that *file* imports, anywhere; of `from deployer import x`, also x."""
    found: list[str] = []
    for node in ast.walk(_tree(file)):
        match node:
            case ast.Import(names=names):
                found += (alias.name for alias in names)
            case ast.ImportFrom(module="deployer" as module, names=names):
                found += (f"{module}.{alias.name}" for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                found.append(module)
    return tuple(found)


def _at_top(file: Path) -> Iterator[str]:
    for node in _tree(file).body:
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module="deployer" as module, names=names):
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield module


MIRRORED = ("commands", "deployer", "emulator", "operations", "stacks")


def test_every_module_has_its_test_file() -> None:
    """A module such as deployer/plan.py has tests in tests/deployer/test_plan.py.

    tested_elsewhere.txt lists the exceptions, each with the file that tests it.
    """
    lines = (ROOT / "tests" / "tested_elsewhere.txt").read_text().splitlines()
    elsewhere = dict(line.split(": ") for line in lines if not line.startswith("#"))
    modules = [
        module.relative_to(ROOT)
        for folder in MIRRORED
        for module in (ROOT / folder).rglob("*.py")
        if module.name not in {"__init__.py", "__main__.py"}
    ]
    without_file = {
        module.as_posix()
        for module in modules
        if not (ROOT / "tests" / module.with_name(f"test_{module.name}")).exists()
    }

    assert sorted(without_file - elsewhere.keys()) == [], "write a test file"
    assert sorted(elsewhere.keys() - without_file) == [], "remove these from the list"
    assert sorted(file for file in elsewhere.values() if not (ROOT / file).exists()) == []
