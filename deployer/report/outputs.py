"""Shows what the stacks give: for people, for jq, for dotenv files and for the shell."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from deployer.aws.cloud import DeployedStack
from deployer.errors import DeployError
from deployer.report.text import clean, table

if TYPE_CHECKING:
    from deployer.model import Env

Format: TypeAlias = Literal["table", "json", "dotenv", "shell"]
FORMATS: tuple[Format, ...] = get_args(Format)
VERSION = 1

_DIGEST = "Digest"  # The deployer's own, see deployer.synth.
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_BARE = re.compile(r"[A-Za-z0-9_./:@%+,-]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REPLACED = re.compile(r"\$[A-Za-z_{]")
_SPECIAL = re.compile(r"[\"\\$`]")
_OTHERWISE = "pass --format=json"


@dataclass(frozen=True)
class _Given:
    """One output; *name* is what it is called as a variable."""

    stack: DeployedStack
    title: str
    value: str
    name: str


def outputs(found: Iterable[DeployedStack], form: Format, *, env: Env) -> str:
    """Every output of *found*, stacks of *env*, as text in this *form*.

    Variables are called PREFIX_LAYER_OUTPUT, without the environment: CRD_NETWORK_VPC_ID.
    Raises DeployError for duplicate names, for a name or value that a variable cannot have, and
    for a value that a dotenv reader and a shell would read differently.
    """
    given = [each for stack in found for each in _given(stack, env)]
    match form:
        case "table":
            rows = [
                (clean(each.stack.name), clean(each.title), clean(each.value)) for each in given
            ]
            return table(rows)
        case "json":
            return _json(given)
        case "dotenv":
            return "".join(_lines(given, "{name}={value}", _for_dotenv))
        case "shell":
            return "".join(_lines(given, "export {name}={value}", _shell))


def _given(stack: DeployedStack, env: Env) -> Iterator[_Given]:
    layer = stack.name.removeprefix(env.stack_name(""))
    for title, value in sorted(stack.outputs.items()):
        if title != _DIGEST:
            yield _Given(stack, title, value, _variable(env.prefix, layer, title))


def _variable(*parts: str) -> str:
    return "_".join(_HUMP.sub("_", part).strip("_") for part in parts).upper()


def _json(given: Iterable[_Given]) -> str:
    rows = [
        {
            "stack": each.stack.name,
            "region": each.stack.region,
            "output": each.title,
            "name": each.name,
            "value": each.value,
        }
        for each in given
    ]
    return json.dumps({"version": VERSION, "outputs": rows}, indent=2) + "\n"


def _lines(given: Iterable[_Given], form: str, quote: Callable[[_Given], str]) -> Iterator[str]:
    seen: dict[str, _Given] = {}
    for each in given:
        _check(each, seen.setdefault(each.name, each))
        yield form.format(name=each.name, value=quote(each)) + "\n"


def _check(each: _Given, first: _Given) -> None:
    place = f"{each.stack.name}: output {each.title}"
    if each is not first:
        other = f"{first.stack.name}: output {first.title}"
        raise DeployError(
            f"{place}: as a variable it would be {each.name}, as would {other}",
            hint=f"rename one of them, or {_OTHERWISE}",
        )
    if not _NAME.fullmatch(each.name):
        raise DeployError(f"{place}: {each.name} is not the name of a variable", hint=_OTHERWISE)
    if any(not (char.isprintable() or char in "\n\t") for char in each.value):
        raise DeployError(f"{place}: its value has control characters", hint=_OTHERWISE)


def _shell(given: _Given) -> str:
    """POSIX: everything in single quotes is what it is."""
    return shlex.quote(given.value)


def _for_dotenv(given: _Given) -> str:
    quoted = dotenv(given.value)
    if quoted is None:
        place = f"{given.stack.name}: output {given.title}"
        raise DeployError(
            f"{place}: a dotenv reader and a shell would read its value differently",
            hint=_OTHERWISE,
        )
    return quoted


def dotenv(value: str) -> str | None:
    r"""Return *value* quoted so that python-dotenv, docker compose and shells read the same.

    It is bare, in single quotes, or in double quotes if it contains single ones. None if no form
    works: readers replace $NAME and ${NAME}, also in single quotes, where python-dotenv reads `\\`
    as one backslash and `\'` as a quote; in double quotes each reader has its own escapes.
    """
    if _BARE.fullmatch(value):
        return value
    if _REPLACED.search(value) or any(not (c.isprintable() or c in "\n\t") for c in value):
        return None
    if "'" not in value and "\\\\" not in value and not value.endswith("\\"):
        return f"'{value}'"
    if not _SPECIAL.search(value):
        return f'"{value}"'
    return None
