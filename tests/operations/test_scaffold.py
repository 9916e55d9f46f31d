"""The files of new stacks and functions are planned together, or all errors are reported."""

from __future__ import annotations

import ast
import shutil
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.errors import ConfigError, GuardError
from operations import development, scaffold, stack_aliases
from stacks.permissions import resources

ROOT = Path(__file__).parents[2]
EDITED = (scaffold.LAYERS, scaffold.ROLES, scaffold.EXPECTATIONS)
STACK_NAMES = st.from_regex(r"[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,9}){0,3}", fullmatch=True)
FUNCTION_NAMES = st.from_regex(r"[a-z][a-z0-9]{0,9}(_[a-z0-9]{1,9}){1,3}", fullmatch=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with the files that the plans edit."""
    for folder in ("config", "stacks"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    for path in EDITED:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, tmp_path / path)
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    """Return the content of every file by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refused(root: Path, name: str, stack: str | None = None) -> list[str]:
    """Return the errors of a plan, which must fail: of a stack, or of a function for *stack*."""
    plan = scaffold.plan_stack if stack is None else scaffold.plan_function
    with pytest.raises(ConfigError) as raised:
        plan(root, name, *filter(None, [stack]))
    assert raised.value.hint.startswith("nothing was written")
    return raised.value.message.splitlines()


# --- plans ---------------------------------------------------------------------------------------


def test_the_files_of_a_stack() -> None:
    """A new stack has a file and a test, and lines in stacks/__init__.py and in each config file."""
    changes = scaffold.plan_stack(ROOT, "example-stack")

    assert {change.path: change.is_new for change in changes} == {
        "stacks/example_stack.py": True,
        "tests/stacks/test_example_stack.py": True,
        "stacks/__init__.py": False,
        "config/dev.toml": False,
        "config/local.toml": False,
        "config/prod.toml": False,
    }
    texts = {change.path: change.text for change in changes}
    layers = texts["stacks/__init__.py"]
    assert "from stacks import example_stack as example_stack_stack\n" in layers
    assert "    example_stack: example_stack_stack.Settings\n" in layers
    assert (
        '    layers.add("example-stack", example_stack_stack.define, config.example_stack)\n'
        in layers
    )
    assert layers.index('"example-stack"') < layers.index('"monitoring"')
    assert tomllib.loads(texts["config/prod.toml"])["example_stack"] == {"log_retention_days": 14}


def test_the_files_of_a_function() -> None:
    """Without a stack, all files are new."""
    assert {
        change.path: change.is_new for change in scaffold.plan_function(ROOT, "example_function")
    } == {
        "lambdas/example_function/handler.py": True,
        "lambdas/example_function/events/example.json": True,
        "tests/lambdas/example_function/test_handler.py": True,
    }


def test_a_function_for_a_new_stack(checkout) -> None:
    """The stack gets a factory, the function and an output with alarms.

    The function is also added to the tables EXPECTED and STACKS_WITH_ROLES.
    """
    scaffold.write(checkout, scaffold.plan_stack(checkout, "example-stack"))
    changes = scaffold.plan_function(checkout, "example_function", "example-stack")

    texts = {change.path: change.text for change in changes if not change.is_new}
    stack = texts.pop("stacks/example_stack.py")
    assert {*texts} == {*EDITED}
    assert "    example_function: FunctionName\n" in stack
    assert '    example_function = factory.function(\n        "ExampleFunction",\n' in stack
    assert "    return ExampleStack(example_function=example_function.ref())\n" in stack
    assert (
        "example_stack_stack.define, config.example_stack, lambdas, foundation)"
        in texts[scaffold.LAYERS]
    )
    assert "example-stack" in literal(texts[scaffold.ROLES], "STACKS_WITH_ROLES")
    assert '    "ExampleFunction": Expected("example_function"' in texts[scaffold.EXPECTATIONS]


def test_a_function_for_a_stack_with_functions() -> None:
    """The function is added with the factory of the stack; layers() does not change."""
    changes = scaffold.plan_function(ROOT, "example_function", "avatars")

    texts = {change.path: change.text for change in changes if not change.is_new}
    assert {*texts} == {"stacks/avatars.py", scaffold.ROLES, scaffold.EXPECTATIONS}
    assert literal(texts[scaffold.ROLES], "STACKS_WITH_ROLES") == resources.STACKS_WITH_ROLES
    ast.parse(texts["stacks/avatars.py"])


def literal(text: str, name: str) -> object:
    """Return the value that a module assigns to *name*."""
    [value] = [
        node.value
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    ]
    return ast.literal_eval(value)


@settings(max_examples=25)
@given(STACK_NAMES)
def test_a_plan_of_a_stack_is_complete_or_refused(name) -> None:
    """A valid name gives valid Python and TOML; any other name is an error that contains the name."""
    errors = _plan(scaffold.plan_stack, name)

    assert all(name in error or name.replace("-", "_") in error for error in errors)


@settings(max_examples=25)
@given(FUNCTION_NAMES)
def test_a_plan_of_a_function_is_complete_or_refused(name) -> None:
    """A valid name gives valid Python; any other name is an error that contains the name."""
    errors = _plan(scaffold.plan_function, name, "users")

    assert all(name in error for error in errors)


def _plan(plan, *arguments) -> list[str]:
    """Return the errors of a plan; if there are none, all its texts must be valid."""
    try:
        changes = plan(ROOT, *arguments)
    except ConfigError as error:
        return error.message.splitlines()
    for change in changes:
        if change.path.endswith(".py"):
            ast.parse(change.text)
        elif change.path.endswith(".toml"):
            tomllib.loads(change.text)
    return []


# --- errors --------------------------------------------------------------------------------------


@given(st.text(max_size=300))
def test_no_text_is_a_path(name) -> None:
    """Any text either is a file name in the intended folder, or is refused."""
    for plan in (scaffold.plan_stack, scaffold.plan_function):
        try:
            changes = plan(ROOT, name)
        except ConfigError:
            continue
        assert not [change.path for change in changes if ".." in change.path or "//" in change.path]


def test_a_name_that_is_too_long_for_the_file_system() -> None:
    """The name is refused with the error of a name that is too long."""
    for plan in (scaffold.plan_stack, scaffold.plan_function):
        with pytest.raises(ConfigError, match="is too long for"):
            plan(ROOT, "a" * 300)


@pytest.mark.parametrize("name", ["", "Mailer", "web_api", "-web", "web--api", "1st", "é", "a/b"])
def test_invalid_names_of_stacks(name) -> None:
    """The error shows the form of a name."""
    assert any("is not a name of a stack" in error for error in refused(ROOT, name))


@pytest.mark.parametrize("name", ["", "Send", "send-mail", "_send", "send__mail", "1st", "../x"])
def test_invalid_names_of_functions(name) -> None:
    """The error shows the form of a name."""
    assert any("is not a name of a function" in error for error in refused(ROOT, name, ""))


@pytest.mark.parametrize("name", ["class", "email", "json", "match"])
def test_names_of_python(name) -> None:
    """Keywords and modules of the standard library are refused as names."""
    for stack in (None, ""):
        assert any("Python" in error for error in refused(ROOT, name, stack))


@pytest.mark.parametrize("name", sorted(scaffold.RESERVED_STACKS | {*stack_aliases.STACK_ALIASES}))
def test_reserved_names_of_stacks(name) -> None:
    """Names with another meaning are refused."""
    assert f"{name!r}: is reserved" in refused(ROOT, name)


@pytest.mark.parametrize("name", ["shared", "boto3", "stacks", "psycopg"])
def test_reserved_names_of_functions(name) -> None:
    """A function must not hide a module that it or another function imports."""
    assert refused(ROOT, name, "")


@pytest.mark.parametrize("name", ["users", "site-publisher", "edge-certificate", "parts", "alarms"])
def test_existing_stacks(name) -> None:
    """Files, tables and names that exist are not overwritten."""
    assert refused(ROOT, name)


@pytest.mark.parametrize(
    "name", sorted(path.parent.name for path in ROOT.glob("lambdas/*/handler.py"))
)
def test_existing_functions(name) -> None:
    """Files that exist are not overwritten."""
    assert f"lambdas/{name}/handler.py: exists" in refused(ROOT, name, "")


def test_names_have_the_longest_length_of_aws() -> None:
    """A full stack name has 128 characters with the longest prefix and environment."""
    longest = len("-".join(["x" * 20, "x" * 20, "x" * scaffold.MAX_STACK_NAME]))

    assert 128 == longest == scaffold.MAX_FUNCTION_NAME + len(".handler.handler")
    assert scaffold.plan_stack(ROOT, "a" * scaffold.MAX_STACK_NAME)
    assert scaffold.plan_function(ROOT, "a" * scaffold.MAX_FUNCTION_NAME)
    assert "too long" in refused(ROOT, "a" * (scaffold.MAX_STACK_NAME + 1))[0]
    assert "too long" in refused(ROOT, "a" * (scaffold.MAX_FUNCTION_NAME + 1), "")[0]


def test_all_errors_are_reported_together(checkout) -> None:
    """Every error has a line, and no file changes."""
    (checkout / scaffold.LAYERS).write_text("", "utf-8")
    before = files(checkout)

    errors = refused(checkout, "email")

    assert errors == [
        "'email': is a module of Python's standard library",
        "stacks/__init__.py: does not have the expected imports of stacks",
        "stacks/__init__.py: does not have the expected settings",
        'stacks/__init__.py: does not have the expected layers.add("monitoring", …)',
    ]
    assert before == files(checkout)


@pytest.mark.parametrize("path", [scaffold.ROLES, scaffold.EXPECTATIONS])
def test_a_missing_table_is_an_error(checkout, path) -> None:
    """A function is added everywhere or nowhere."""
    (checkout / path).unlink()

    [error] = refused(checkout, "example_function", "users")

    assert error.startswith(f"{path}: does not have the expected ")


@pytest.mark.parametrize(
    ("stack", "name", "error"),
    [
        ("nowhere", "example_function", "has no stack of this name"),
        ("../stacks/users", "example_function", "has no stack of this name"),
        ("messages", "example_function", "has no line `factory = "),
        ("users", "factory", "uses the name factory"),
    ],
)
def test_a_stack_that_cannot_have_the_function(stack, name, error) -> None:
    """The error names the stack or its file."""
    [found] = refused(ROOT, name, stack)

    assert error in found


# --- writing -------------------------------------------------------------------------------------


def test_all_changes_are_written(checkout) -> None:
    """Every file has its planned text, and no other file changes."""
    before = files(checkout)
    changes = scaffold.plan_stack(checkout, "example-stack")

    scaffold.write(checkout, changes)

    planned = {change.path: change.text.encode() for change in changes}
    assert before | planned == files(checkout)


def test_nothing_is_written_through_a_link(checkout, tmp_path_factory) -> None:
    """If one path is a symbolic link, no file is written, also none before that path."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    changes = scaffold.plan_function(checkout, "example_function")
    (checkout / "lambdas").mkdir()
    (checkout / "tests/lambdas").symlink_to(elsewhere)
    before = files(checkout)

    with pytest.raises(GuardError, match="is a symbolic link"):
        scaffold.write(checkout, changes)

    assert before == files(checkout)
    assert list(elsewhere.iterdir()) == []


def test_a_file_that_appeared_meanwhile_is_not_overwritten(checkout) -> None:
    """New files are created exclusively."""
    changes = scaffold.plan_stack(checkout, "example-stack")
    (checkout / "stacks/example_stack.py").write_text("mine", "utf-8")

    with pytest.raises(FileExistsError):
        scaffold.write(checkout, changes)

    assert (checkout / "stacks/example_stack.py").read_text("utf-8") == "mine"


def test_generated_files_follow(monkeypatch) -> None:
    """Python files are formatted, then build/ and the pages are written."""
    runs: list[tuple[str, ...]] = []
    monkeypatch.setattr(development, "run", lambda *arguments: runs.append(arguments))

    scaffold.regenerate(scaffold.plan_stack(ROOT, "example-stack"))

    python = ("stacks/example_stack.py", "tests/stacks/test_example_stack.py", "stacks/__init__.py")
    assert [
        ("ruff", "check", "--quiet", "--fix", "--select=I", *python),
        ("ruff", "format", "--quiet", *python),
        ("invoke", "synth"),
        ("tools.generated_pages",),
    ] == runs
