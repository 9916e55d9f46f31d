"""The proactive rules of Control Tower, checked by cfn-guard; an npm package has both."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deployer.lint import Finding
from tests.scanners import install
from tests.scanners.errors import NotInstalledError
from tests.scanners.tool import Subjects, Tool, check_all_read, new_finding, run

PACKAGE = Path("node_modules/@cdklabs/cdk-validator-cfnguard")
SYSTEMS = {"Linux": "ubuntu", "Darwin": "macos"}
MACHINES = {"x86_64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
FINDINGS = 19  # The exit code of cfn-guard if there are findings.


def find(subjects: Subjects, folder: Path) -> tuple[Finding, ...]:
    """Return the violations of all rules by all templates, from one process."""
    package = install.node() / PACKAGE
    rules = package / "rules" / "control-tower" / "cfn-guard"
    argv = [_binary(package), "validate", "-r", rules, "-d", folder, "-z", "-o=json", "-S=none"]
    report = json.loads(run(argv, cwd=folder, codes=(0, FINDINGS)))
    check_all_read(subjects, [Path(entry["name"]).stem for entry in report])
    return parse(report)


def _binary(package: Path) -> Path:
    try:
        system, machine = SYSTEMS[platform.system()], MACHINES[platform.machine()]
    except KeyError as unknown:
        raise NotInstalledError(f"the package has no cfn-guard for {unknown}") from None
    return package / "bin" / system / machine / "cfn-guard"


def parse(report: list[dict[str, Any]]) -> tuple[Finding, ...]:
    """Return the findings in the JSON of cfn-guard, which has a tree of comparisons for each failed rule.

    The id of a Control Tower rule is in a message. The leaves of the tree have the path of the
    resource: /Resources/TITLE/….
    """
    findings = [
        new_finding(f"guard:{rule}", Path(entry["name"]).stem, title, message)
        for entry in report
        for failure in entry["not_compliant"]
        for rule, message in [_rule(failure)]
        for title in _titles(failure)
    ]
    return tuple(dict.fromkeys(findings))


_MESSAGE = re.compile(r"\[(CT\.[\w.]+)\]: (.*)")


def _rule(failure: dict[str, Any]) -> tuple[str, str]:
    """Return the id and the requirement of a rule, or its name for both if it has no id."""
    for message in _values(failure, "custom_message"):
        if match := _MESSAGE.search(message):
            return match[1], match[2].strip()
    name = failure["Rule"]["name"]
    return name, name


def _titles(failure: dict[str, Any]) -> list[str]:
    """Return the logical ids of the resources, or an empty text for the whole stack."""
    paths = [path.split("/") for path in _values(failure, "path")]
    titles = {path[2] for path in paths if path[:2] == ["", "Resources"] and len(path) > 2}
    return sorted(titles) or [""]


def _values(tree: Any, key: str) -> Iterator[str]:
    """Yield all texts under *key*, at any depth."""
    match tree:
        case dict():
            for name, value in tree.items():
                if name == key and isinstance(value, str):
                    yield value
                yield from _values(value, key)
        case list():
            for value in tree:
                yield from _values(value, key)


TOOL = Tool("guard", install.node, find)
