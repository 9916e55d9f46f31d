"""Plan and write the files of a new stack or a new Lambda function.

A plan has the new text of every file. One ConfigError has all errors, and is raised before any file
is written.
"""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deployer import symlinks
from deployer.errors import ConfigError
from operations import development, stack_aliases
from operations.source_edits import SourceEdits, StackDefinition

LAYERS = "stacks/__init__.py"
ROLES = "stacks/permissions/resources.py"
EXPECTATIONS = "tests/stacks/parts/test_functions.py"

# CreateStack accepts 128 characters: PREFIX-ENVIRONMENT-NAME, the first two of up to 20 each.
MAX_STACK_NAME = 128 - 2 * (20 + len("-"))
# CreateFunction accepts a handler of 128 characters.
MAX_FUNCTION_NAME = 128 - len(".handler.handler")

# Names with another meaning in config files, in `Config` or in a stack file.
RESERVED_STACKS = {"env", "functions", "images", "settings", "template", "value", "verifier"}
RESERVED_FUNCTIONS = {"shared"}

_STACK = '''\
"""The {name} stack: describe here what it contains."""

from __future__ import annotations

from dataclasses import dataclass

from troposphere import logs

from deployer.config import fields
from deployer.model import Env, Template
from stacks.parts.retention import retention_policies


class Settings(fields.Settings, frozen=True):
    """The `[{module}]` table."""

    log_retention_days: fields.LogRetentionDays


@dataclass(frozen=True)
class {title}:
    """The outputs that other stacks use."""


def define(t: Template, env: Env, settings: Settings) -> {title}:
    """Add a log group: an example, to be replaced."""
    t.add_resource(
        logs.LogGroup(
            "LogGroup",
            RetentionInDays=settings.log_retention_days,
            **retention_policies(env),
        )
    )
    return {title}()
'''

_STACK_TEST = '''\
def test_the_log_group_expires(emitted, config):
    """The retention is a setting."""
    group = emitted["{name}"].of("AWS::Logs::LogGroup")["LogGroup"]

    assert config.{module}.log_retention_days == group["RetentionInDays"]
'''

_TABLE = """
[{module}]
# Retention of the log group of the stack {name}.
log_retention_days = 14
"""

_HANDLER = '''\
"""Return the keys of an event: an example, to be replaced.

Event: a JSON object, such as events/example.json.
Result: {{"keys": […]}}, the keys of the event in alphabetical order.
Permissions: writing its log.
Limits: none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.log import log


def handler(event: Mapping[str, Any], context: object) -> dict[str, list[str]]:
    """Handle an event."""
    keys = sorted(event)
    log("handled", keys=len(keys))
    return {{"keys": keys}}
'''

_EVENT = """\
{"id": "0001", "action": "example"}
"""

_HANDLER_TEST = '''\
import json
from pathlib import Path

from {name}.handler import handler

EVENTS = Path(__file__).parents[3] / "lambdas" / "{name}" / "events"


def test_the_result_has_the_keys_of_the_event():
    """The keys are in alphabetical order."""
    event = json.loads((EVENTS / "example.json").read_text("utf-8"))

    assert handler(event, None) == {{"keys": ["action", "id"]}}
'''

_FUNCTION = """\
    {name} = factory.function(
        "{title}",
        code="{name}",
        timeout_seconds=10,
        memory_mb=256,
        variables={{}},
        statements=[],
    )
"""

_EXPECTATION = """\
    "{title}": Expected("{name}", timeout_seconds=10, memory_mb=256),
"""


@dataclass(frozen=True)
class FileChange:
    """A file of the checkout with its new text, and whether the file is new."""

    path: str
    text: str
    is_new: bool = False


def plan_stack(root: Path, name: str) -> tuple[FileChange, ...]:
    """Return the files of a new stack *name*; raise one ConfigError with all errors."""
    module = name.replace("-", "_")
    names = {"name": name, "module": module, "title": _title(name)}
    layers = _read(root, LAYERS)
    tables = sorted((root / "config").glob("*.toml"))
    new = [
        FileChange(f"stacks/{module}.py", _STACK.format(**names), is_new=True),
        FileChange(f"tests/stacks/test_{module}.py", _STACK_TEST.format(**names), is_new=True),
    ]
    conflicts = [*_existing_files(root, new), *_existing_tables(tables, module, root)]
    if re.search(rf'"{re.escape(name)}"', layers) or _exists(root / "stacks" / module):
        conflicts.append(f"{LAYERS}: has a stack or a package {name}")
    edits = SourceEdits(LAYERS, layers)
    edits.insert_after(
        r"^from stacks import \w+ as \w+_stack\n",
        f"from stacks import {module} as {module}_stack\n",
        "imports of stacks",
    )
    edits.insert_after(
        r"^    \w+: \w+_stack\.Settings\n", f"    {module}: {module}_stack.Settings\n", "settings"
    )
    edits.insert_before(
        r'^    layers\.add\(\n        "monitoring",\n',
        f'    layers.add("{name}", {module}_stack.define, config.{module})\n',
        'layers.add("monitoring", …)',
    )
    _raise_errors([*_stack_name_errors(name), *conflicts, *edits.errors], "new.stack")
    return (
        *new,
        FileChange(LAYERS, edits.text),
        *(
            FileChange(
                table.relative_to(root).as_posix(),
                table.read_text("utf-8") + _TABLE.format(**names),
            )
            for table in tables
        ),
    )


def plan_function(root: Path, name: str, stack: str = "") -> tuple[FileChange, ...]:
    """Return the files of a new function *name*; raise one ConfigError with all errors.

    With *stack*, the function is also added to that stack, with an output that has alarms.
    """
    names = {"name": name, "title": _title(name)}
    new = [
        FileChange(f"lambdas/{name}/handler.py", _HANDLER.format(**names), is_new=True),
        FileChange(f"lambdas/{name}/events/example.json", _EVENT, is_new=True),
        FileChange(
            f"tests/lambdas/{name}/test_handler.py", _HANDLER_TEST.format(**names), is_new=True
        ),
    ]
    errors = [*_function_name_errors(name), *_existing_files(root, new)]
    if _exists(root / "lambdas" / name):
        errors.append(f"lambdas/{name}: exists")
    changes, stack_errors = _add_to_stack(root, stack, names) if stack else ([], [])
    _raise_errors([*errors, *stack_errors], "new.function")
    return (*new, *changes)


def write(root: Path, changes: Sequence[FileChange]) -> None:
    """Write *changes* below *root*; raise GuardError before any, if a path has a symbolic link."""
    for change in changes:
        symlinks.refuse(root / change.path, root)
    for change in changes:
        path = root / change.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x" if change.is_new else "w", encoding="utf-8", newline="\n") as file:
            file.write(change.text)


def regenerate(changes: Sequence[FileChange]) -> None:
    """Format the Python files of *changes*, and write build/ and the generated pages."""
    files = [change.path for change in changes if change.path.endswith(".py")]
    development.run("ruff", "check", "--quiet", "--fix", "--select=I", *files)
    development.run("ruff", "format", "--quiet", *files)
    development.run("invoke", "synth")
    development.docs()


def function_lines(name: str) -> tuple[str, str]:
    """Return the call that adds the function to a stack, and its row in the tests."""
    names = {"name": name, "title": _title(name)}
    return _FUNCTION.format(**names), _EXPECTATION.format(**names)


def _add_to_stack(
    root: Path, stack: str, names: dict[str, str]
) -> tuple[list[FileChange], list[str]]:
    """Return the changes that add a function to *stack*, and the errors."""
    module = stack.replace("-", "_")
    path = f"stacks/{module}.py"
    layers = SourceEdits(LAYERS, _read(root, LAYERS))
    if not re.fullmatch(r"[a-z0-9-]+", stack) or f'"{stack}"' not in layers.text:
        return [], [f"--stack={stack}: {LAYERS} has no stack of this name"]
    if not (definition := StackDefinition.parse(_read(root, path))):
        return [], [f"--stack={stack}: {path} has no function `define` that returns its outputs"]
    name, function = names["name"], _FUNCTION.format(**names)
    errors = []
    if re.search(rf'\b{re.escape(name)}\b|"{names["title"]}"', definition.text):
        errors.append(f"{path}: uses the name {name} or {names['title']} already")
    edits = [SourceEdits(path, definition.with_output(name))]
    if re.search(r"^    factory = ", definition.text, re.MULTILINE):
        edits[0].insert_after(r"^    factory = .*\n", function, "factory = …")
    elif f"{module}_stack.define, config.{module})" in layers.text:
        _add_factory(edits[0], function)
        layers.insert_after(
            rf"{module}_stack\.define, config\.{module}(?=\))",
            ", lambdas, foundation",
            f"call of {module}_stack.define",
        )
        edits.append(layers)
    else:
        errors.append(
            f"{path}: has no line `factory = functions.factory(t, env, foundation)`: add it, or "
            "omit --stack and add the printed lines"
        )
    roles = SourceEdits(ROLES, _read(root, ROLES))
    roles.add_to_list("STACKS_WITH_ROLES", stack)
    edits.append(roles)
    rows = SourceEdits(EXPECTATIONS, _read(root, EXPECTATIONS))
    rows.insert_after(r"^EXPECTED = \{\n", _EXPECTATION.format(**names), "EXPECTED")
    edits.append(rows)
    errors += [error for edit in edits for error in edit.errors]
    return [FileChange(edit.path, edit.text) for edit in edits], errors


def _add_factory(edits: SourceEdits, function: str) -> None:
    """Add the parameters of a function factory to `define`, and a factory that adds *function*."""
    edits.insert_after(
        r"^def define\(t: Template, env: Env, settings: Settings",
        ", functions: Functions, foundation: Foundation",
        "def define(t: Template, env: Env, settings: Settings)",
    )
    edits.insert_after(
        r'^def define\([^"]*"""[^"]*"""\n',
        f"    factory = functions.factory(t, env, foundation)\n{function}",
        "the docstring of define",
    )
    edits.insert_after(
        r"^from deployer\.model import .*\n",
        "from stacks.foundation import Foundation\nfrom stacks.parts.functions import Functions\n",
        "from deployer.model import …",
    )


def _stack_name_errors(name: str) -> Iterator[str]:
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        yield f"{name!r}: is not a name of a stack: use a-z, 0-9 and single hyphens, such as web-api"
    module = name.replace("-", "_")
    if module in RESERVED_STACKS or name in stack_aliases.STACK_ALIASES:
        yield f"{name!r}: is reserved"
    yield from _python_name_errors(module)
    if len(name) > MAX_STACK_NAME:
        yield f"{name!r}: is too long for CloudFormation: at most {MAX_STACK_NAME} characters"


def _function_name_errors(name: str) -> Iterator[str]:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        yield f"{name!r}: is not a name of a function: use a-z, 0-9 and single _, such as send_mail"
    elif _is_installed(name):
        yield f"{name!r}: is the name of an installed package or a folder of the checkout"
    if name in RESERVED_FUNCTIONS:
        yield f"{name!r}: is reserved"
    yield from _python_name_errors(name)
    if len(name) > MAX_FUNCTION_NAME:
        yield f"{name!r}: is too long for Lambda: at most {MAX_FUNCTION_NAME} characters"


def _python_name_errors(module: str) -> Iterator[str]:
    if keyword.iskeyword(module) or keyword.issoftkeyword(module):
        yield f"{module!r}: is a keyword of Python"
    if module in sys.stdlib_module_names:
        yield f"{module!r}: is a module of Python's standard library"


def _is_installed(name: str) -> bool:
    return name not in sys.stdlib_module_names and importlib.util.find_spec(name) is not None


def _existing_files(root: Path, changes: Sequence[FileChange]) -> Iterator[str]:
    for change in changes:
        try:
            if _exists(root / change.path):
                yield f"{change.path}: exists"
        except OSError as error:  # The name is too long.
            yield f"{change.path[:60]}…: {error.strerror}"


def _existing_tables(tables: Sequence[Path], module: str, root: Path) -> Iterator[str]:
    for table in tables:
        if re.search(rf"^\[{re.escape(module)}[\].]", table.read_text("utf-8"), re.MULTILINE):
            yield f"{table.relative_to(root).as_posix()}: has a table [{module}]"


def _raise_errors(errors: Sequence[str], task: str) -> None:
    if errors:
        raise ConfigError(
            "\n".join(errors), hint=f"nothing was written; correct these, then rerun ./inv {task}"
        )


def _title(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[_-]", name))


def _exists(path: Path) -> bool:
    """Return whether *path* exists; a path that is too long for the file system does not."""
    try:
        return path.exists()
    except OSError:
        return False


def _read(root: Path, path: str) -> str:
    return (root / path).read_text("utf-8") if (root / path).is_file() else ""
