"""Format the outputs of stacks as a table, JSON, a dotenv file or shell exports."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from deployer.aws.cloud import DeployedStack
from deployer.errors import ConfigError, DeployError
from deployer.report.text import JSON_VERSION, clean, table

if TYPE_CHECKING:
    from deployer.model import Env

Format: TypeAlias = Literal["table", "json", "dotenv", "shell"]
FORMATS: tuple[Format, ...] = get_args(Format)

_DIGEST = "Digest"  # An output that the deployer adds: see deployer/synth.py.
_WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z0-9_./:@%+,-]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VARIABLE_REFERENCE = re.compile(r"\$[A-Za-z_{]")
_SPECIAL = re.compile(r"[\"\\$`]")
_USE_JSON = "pass --format=json"


@dataclass(frozen=True)
class _Output:
    """An output; *name* is its name as a variable."""

    stack: DeployedStack
    title: str
    value: str
    name: str


def outputs(stacks: Iterable[DeployedStack], form: Format, *, env: Env) -> str:
    """Return every output of *stacks*, which belong to *env*, as text in this *form*.

    Variables are called PREFIX_STACK_OUTPUT, without the environment: CRD_NETWORK_VPC_ID.
    Raise DeployError for duplicate names, for a name or value that a variable cannot have, and
    for a value that a dotenv reader and a shell would read differently.
    """
    all_outputs = [output for stack in stacks for output in _outputs(stack, env)]
    match form:
        case "table":
            rows = [
                (clean(output.stack.name), clean(output.title), clean(output.value))
                for output in all_outputs
            ]
            return table(rows)
        case "json":
            return _json(all_outputs)
        case "dotenv":
            return "".join(_lines(all_outputs, "{name}={value}", _for_dotenv))
        case "shell":
            return "".join(_lines(all_outputs, "export {name}={value}", _shell))


def output_value(stacks: Iterable[DeployedStack], name: str) -> str:
    """Return the value of the output *name*; raise ConfigError unless one of *stacks* has it."""
    known = [
        (stack.name, title, value)
        for stack in stacks
        for title, value in sorted(stack.outputs.items())
        if title != _DIGEST
    ]
    found = [(stack, value) for stack, title, value in known if title == name]
    match found:
        case [(_, value)]:
            return value
        case []:
            near = get_close_matches(name, [title for _, title, _ in known], n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise ConfigError(
                f"--name={name}: no such output{meant}", hint="./inv outputs lists the outputs"
            )
        case _:
            names = ", ".join(stack for stack, _ in found)
            raise ConfigError(f"--name={name}: an output of {names}", hint="add --stack=STACK")


def _outputs(stack: DeployedStack, env: Env) -> Iterator[_Output]:
    name = stack.name.removeprefix(env.stack_name(""))
    for title, value in sorted(stack.outputs.items()):
        if title != _DIGEST:
            yield _Output(stack, title, value, _variable(env.prefix, name, title))


def _variable(*parts: str) -> str:
    return "_".join(_WORD_BOUNDARY.sub("_", part).strip("_") for part in parts).upper()


def _json(all_outputs: Iterable[_Output]) -> str:
    rows = [
        {
            "stack": output.stack.name,
            "region": output.stack.region,
            "output": output.title,
            "name": output.name,
            "value": output.value,
        }
        for output in all_outputs
    ]
    return json.dumps({"version": JSON_VERSION, "outputs": rows}, indent=2) + "\n"


def _lines(
    all_outputs: Iterable[_Output], form: str, quote: Callable[[_Output], str]
) -> Iterator[str]:
    seen: dict[str, _Output] = {}
    for output in all_outputs:
        _check(output, seen.setdefault(output.name, output))
        yield form.format(name=output.name, value=quote(output)) + "\n"


def _check(output: _Output, first: _Output) -> None:
    place = f"{output.stack.name}: output {output.title}"
    if output is not first:
        other = f"{first.stack.name}: output {first.title}"
        raise DeployError(
            f"{place}: as a variable it has the same name as {other}: {output.name}",
            hint=f"rename one of them, or {_USE_JSON}",
        )
    if not _NAME.fullmatch(output.name):
        raise DeployError(
            f"{place}: {output.name} is not a valid name of a variable", hint=_USE_JSON
        )
    if any(not (char.isprintable() or char in "\n\t") for char in output.value):
        raise DeployError(f"{place}: its value contains control characters", hint=_USE_JSON)


def _shell(output: _Output) -> str:
    """Return the value quoted for a POSIX shell, which expands nothing in it."""
    return shlex.quote(output.value)


def _for_dotenv(output: _Output) -> str:
    quoted = dotenv(output.value)
    if quoted is None:
        place = f"{output.stack.name}: output {output.title}"
        raise DeployError(
            f"{place}: a dotenv reader and a shell would read its value differently",
            hint=_USE_JSON,
        )
    return quoted


def dotenv(value: str) -> str | None:
    r"""Return *value* quoted so that python-dotenv, docker compose and shells read the same value.

    A simple value gets no quotes, others get single quotes, or double quotes if they contain single
    quotes. Return None if no form works: some readers replace $NAME and ${NAME} even in single
    quotes, python-dotenv reads `\\` in single quotes as one backslash and `\'` as a quote, and in
    double quotes each reader has its own escapes.
    """
    if _NEEDS_NO_QUOTES.fullmatch(value):
        return value
    if _VARIABLE_REFERENCE.search(value) or any(
        not (c.isprintable() or c in "\n\t") for c in value
    ):
        return None
    if "'" not in value and "\\\\" not in value and not value.endswith("\\"):
        return f"'{value}'"
    if not _SPECIAL.search(value):
        return f'"{value}"'
    return None
