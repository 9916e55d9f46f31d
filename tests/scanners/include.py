"""An independent parser: CfnInclude of CDK loads each template and must synthesize an equal template.

At the end of the synthesis, CloudFormation Validate of AWS checks the templates as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deployer.lint import Finding
from deployer.template_yaml import load
from tests.scanners import install
from tests.scanners.tool import Subjects, Tool, check_all_read, new_finding, run

SCRIPT = install.HERE / "node" / "include.js"


def find(subjects: Subjects, folder: Path) -> tuple[Finding, ...]:
    """Return the templates that CDK refuses, those that it changes, and those that are invalid."""
    argv = [install.program("node"), SCRIPT, install.node(), folder]
    report = json.loads(run(argv, cwd=folder, codes=(0,)))
    check_all_read(subjects, [*report["templates"], *report["refused"]])
    return parse(report, {subject.name: load(subject.text) for subject in subjects})


def parse(report: dict[str, Any], templates: dict[str, dict[str, Any]]) -> tuple[Finding, ...]:
    """Return the findings in the output of include.js, and each difference from *templates*."""
    return (*_refused(report), *_invalid(report), *_different(report, templates))


def _refused(report: dict[str, Any]) -> Iterator[Finding]:
    for stack, message in report["refused"].items():
        yield new_finding("include:refused", stack, "", message)


def _invalid(report: dict[str, Any]) -> Iterator[Finding]:
    """Yield the violations. The path of a resource is STACK/Template/TITLE, that of a stack its name."""
    for violation in report["violations"]:
        for path in violation["paths"]:
            stack, _, title = path.partition("/Template/")
            rule, message = f"include:{violation['rule']}", violation["description"]
            yield new_finding(rule, stack, title, message)


def _different(report: dict[str, Any], templates: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    for stack, template in report["templates"].items():
        for path, expected, from_cdk in differences(
            normalize(templates[stack]), normalize(template)
        ):
            yield _difference(stack, path, expected, from_cdk)


def _difference(stack: str, path: tuple[str, ...], expected: Any, from_cdk: Any) -> Finding:
    """Return a finding. If *path* is outside of Resources, the message has the path."""
    title, detail = (path[1], path[2:]) if path[0] == "Resources" else ("", path)
    message = f"the template has {_short(expected)}, CDK's has {_short(from_cdk)}"
    if not title:
        message = f"{'.'.join(path)}: {message}"
    return new_finding(
        "include:differs", stack, title, message, detail="/".join(detail) if title else ""
    )


def _short(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value)[:100]


def normalize(value: Any) -> Any:
    """Return *value* in the notation of CDK, where CloudFormation accepts several notations."""
    match value:
        case {"DependsOn": str(title), **rest}:
            return normalize({"DependsOn": [title], **rest})
        case {"DependsOn": [str(), *_] as titles, **rest}:  # CDK sorts them.
            return {"DependsOn": sorted(titles), **normalize(rest)}
        case {"Fn::GetAtt": str(path)}:
            return {"Fn::GetAtt": path.split(".", 1)}
        case dict():
            return {key: normalize(nested) for key, nested in value.items()}
        case list():
            return [normalize(item) for item in value]
        case _:
            return value


def differences(one: Any, other: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield each path where two values differ, and both values; "80" and 80 differ, True and 1 too."""
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
