"""Control Tower's proactive rules, by the cfn-guard binary that an npm package ships with them."""

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
from tests.scanners.tool import Subjects, Tool, found, run, seen

PACKAGE = Path("node_modules/@cdklabs/cdk-validator-cfnguard")
SYSTEMS = {"Linux": "ubuntu", "Darwin": "macos"}
MACHINES = {"x86_64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
FINDINGS = 19  # the exit code of cfn-guard that says so


def find(subjects: Subjects, folder: Path) -> tuple[Finding, ...]:
    """Every rule of Control Tower over every template, in one process."""
    package = install.node() / PACKAGE
    rules = package / "rules" / "control-tower" / "cfn-guard"
    argv = [_binary(package), "validate", "-r", rules, "-d", folder, "-z", "-o=json", "-S=none"]
    said = json.loads(run(argv, cwd=folder, codes=(0, FINDINGS)))
    seen(subjects, [Path(each["name"]).stem for each in said])
    return parse(said)


def _binary(package: Path) -> Path:
    try:
        system, machine = SYSTEMS[platform.system()], MACHINES[platform.machine()]
    except KeyError as no:
        raise NotInstalledError(f"the package has no cfn-guard for {no}") from None
    return package / "bin" / system / machine / "cfn-guard"


def parse(said: list[dict[str, Any]]) -> tuple[Finding, ...]:
    """The findings in cfn-guard's JSON: a tree per rule, whose leaves are what was compared.

    A rule of Control Tower says its id in a message, the leaves say where: /Resources/TITLE/….
    """
    findings = [
        found(f"guard:{rule}", Path(each["name"]).stem, title, message)
        for each in said
        for failed in each["not_compliant"]
        for rule, message in [_rule(failed)]
        for title in _titles(failed)
    ]
    return tuple(dict.fromkeys(findings))


_SAID = re.compile(r"\[(CT\.[\w.]+)\]: (.*)")


def _rule(failed: dict[str, Any]) -> tuple[str, str]:
    """Its id and what it requires; its name if it has none."""
    for message in _all(failed, "custom_message"):
        if match := _SAID.search(message):
            return match[1], match[2].strip()
    name = failed["Rule"]["name"]
    return name, name


def _titles(failed: dict[str, Any]) -> list[str]:
    """The resources it is about; an empty one, for the whole stack, if it does not say."""
    paths = [path.split("/") for path in _all(failed, "path")]
    titles = {path[2] for path in paths if path[:2] == ["", "Resources"] and len(path) > 2}
    return sorted(titles) or [""]


def _all(tree: Any, key: str) -> Iterator[str]:
    """Every text under *key*, however deep."""
    match tree:
        case dict():
            for name, value in tree.items():
                if name == key and isinstance(value, str):
                    yield value
                yield from _all(value, key)
        case list():
            for value in tree:
                yield from _all(value, key)


TOOL = Tool("guard", install.node, find)
