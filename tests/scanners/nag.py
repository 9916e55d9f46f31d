"""cdk-nag's rule packs AwsSolutions and Serverless, for templates loaded by CfnInclude."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from deployer.lint import Finding
from tests.scanners import install
from tests.scanners.tool import Subjects, Tool, check_all_read, new_finding, run

SCRIPT = install.HERE / "node" / "nag.js"
THREW = "Rule threw an error"


def find(subjects: Subjects, folder: Path) -> tuple[Finding, ...]:
    """Return the findings in all templates, from one Node process."""
    argv = [install.program("node"), SCRIPT, install.node(), folder]
    report = json.loads(run(argv, cwd=folder, codes=(0,)))
    check_all_read(subjects, report["stacks"])
    return parse(report)


def parse(report: dict[str, Any]) -> tuple[Finding, ...]:
    """Return the findings in the output of nag.js. The path of a resource is STACK/Template/TITLE."""
    return tuple(
        new_finding(f"nag:{rule}", stack, title, violation["description"], detail=detail)
        for violation in report["violations"]
        for rule, detail in [_rule(violation)]
        for stack, _, title in (path.split("/") for path in violation["paths"])
    )


_RULE = re.compile(r"([^\[]+)(?:\[(.*)\])?")


def _rule(violation: dict[str, Any]) -> tuple[str, str]:
    """Split AwsSolutions-IAM5[Resource::*] into the rule and the part of the resource.

    A rule that raised an error has another name: its acceptance must not accept a real finding.
    """
    match = _RULE.fullmatch(violation["rule"])
    rule, detail = match.groups("") if match else (violation["rule"], "")
    return (f"{rule}!", detail) if violation["description"].startswith(THREW) else (rule, detail)


TOOL = Tool("nag", install.node, find)
