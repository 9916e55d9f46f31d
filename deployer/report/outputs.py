"""Shows what the stacks give: for people, for jq, for dotenv files and for the shell."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from deployer.cloud import Found
from deployer.errors import DeployError
from deployer.report.words import clean, table

if TYPE_CHECKING:
    from deployer.stack import Env

Format: TypeAlias = Literal["table", "json", "dotenv", "shell"]
FORMATS: tuple[Format, ...] = get_args(Format)
VERSION = 1

_DIGEST = "Digest"  # The deployer's own, see deployer.synth.
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_BARE = re.compile(r"[A-Za-z0-9_./:@%+,-]*")


@dataclass(frozen=True)
class _Given:
    """One output; *name* is what it is called as a variable."""

    stack: Found
    title: str
    value: str
    name: str


def outputs(found: Iterable[Found], form: Format, *, env: Env) -> str:
    """Every output of *found*, stacks of *env*, as text in this *form*.

    Variables are called PREFIX_LAYER_OUTPUT, without the environment: CRD_NETWORK_VPC_ID.
    Raises DeployError for two of one name, and for a value no variable can have.
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
            return "".join(_lines(given, "{name}={value}", dotenv))
        case "shell":
            return "".join(_lines(given, "export {name}={value}", _shell))


def _given(stack: Found, env: Env) -> Iterator[_Given]:
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


def _lines(given: Iterable[_Given], form: str, quote: Callable[[str], str]) -> Iterator[str]:
    seen: dict[str, _Given] = {}
    for each in given:
        _check(each, seen.setdefault(each.name, each))
        yield form.format(name=each.name, value=quote(each.value)) + "\n"


def _check(each: _Given, first: _Given) -> None:
    place = f"{each.stack.name}: output {each.title}"
    if each is not first:
        other = f"{first.stack.name}: output {first.title}"
        raise DeployError(
            f"{place}: as a variable it would be {each.name}, as would {other}",
            hint="rename one of them, or ask for json",
        )
    if "\0" in each.value:
        raise DeployError(f"{place}: no variable can hold its NUL", hint="ask for json")


def _shell(value: str) -> str:
    """POSIX: everything in single quotes is what it is."""
    return shlex.quote(value)


def dotenv(value: str) -> str:
    r"""*value* as python-dotenv and docker compose read it, where they do not interpolate.

    Bare, or in single quotes that may span lines, in which `\\` is a backslash and `\'` a quote.
    """
    if _BARE.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
