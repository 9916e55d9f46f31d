"""An independent parser: CDK's CfnInclude loads every template, and synthesises the same again.

At the end of a synthesis AWS's CloudFormation Validate reads the templates too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deployer.lint import Finding
from deployer.template_yaml import load
from tests.scanners import install
from tests.scanners.tool import Subjects, Tool, found, run, seen

SCRIPT = install.HERE / "node" / "include.js"


def find(subjects: Subjects, folder: Path) -> tuple[Finding, ...]:
    """What CDK refuses to load, what it makes something else of, and what is not valid in it."""
    argv = [install.program("node"), SCRIPT, install.node(), folder]
    said = json.loads(run(argv, cwd=folder, codes=(0,)))
    seen(subjects, [*said["templates"], *said["refused"]])
    return parse(said, {each.name: load(each.text) for each in subjects})


def parse(said: dict[str, Any], ours: dict[str, dict[str, Any]]) -> tuple[Finding, ...]:
    """The findings in what include.js prints, with each difference to *ours*."""
    return (*_refused(said), *_invalid(said), *_differing(said, ours))


def _refused(said: dict[str, Any]) -> Iterator[Finding]:
    for stack, message in said["refused"].items():
        yield found("include:refused", stack, "", message)


def _invalid(said: dict[str, Any]) -> Iterator[Finding]:
    """A resource is called STACK/Template/TITLE, a whole stack by its name."""
    for each in said["violations"]:
        for path in each["paths"]:
            stack, _, title = path.partition("/Template/")
            yield found(f"include:{each['rule']}", stack, title, each["description"])


def _differing(said: dict[str, Any], ours: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    for stack, template in said["templates"].items():
        for path, wrote, made in differences(plain(ours[stack]), plain(template)):
            yield _difference(stack, path, wrote, made)


def _difference(stack: str, path: tuple[str, ...], wrote: Any, made: Any) -> Finding:
    """A resource keeps its title; another section is written out."""
    title, detail = (path[1], path[2:]) if path[0] == "Resources" else ("", path)
    message = f"we wrote {_short(wrote)}, CDK makes {_short(made)} of it"
    if not title:
        message = f"{'.'.join(path)}: {message}"
    return found("include:differs", stack, title, message, detail="/".join(detail) if title else "")


def _short(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value)[:100]


def plain(value: Any) -> Any:
    """What a template means, where CDK writes it differently: two spellings are one."""
    match value:
        case {"DependsOn": str(one), **rest}:
            return plain({"DependsOn": [one], **rest})
        case {"DependsOn": [str(), *_] as several, **rest}:  # CDK sorts them.
            return {"DependsOn": sorted(several), **plain(rest)}
        case {"Fn::GetAtt": str(path)}:
            return {"Fn::GetAtt": path.split(".", 1)}
        case dict():
            return {key: plain(each) for key, each in value.items()}
        case list():
            return [plain(each) for each in value]
        case _:
            return value


def differences(one: Any, other: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where two values differ, and what each has there; "80" and 80 differ, True and 1 too."""
    match one, other:
        case dict(), dict():
            for key in sorted(one.keys() | other.keys()):
                yield from differences(one.get(key), other.get(key), (*path, key))
        case list(), list() if len(one) == len(other):
            for number, pair in enumerate(zip(one, other, strict=True)):
                yield from differences(*pair, (*path, str(number)))
        case _ if type(one) is not type(other) or one != other:
            yield path, one, other


TOOL = Tool("include", install.node, find)
