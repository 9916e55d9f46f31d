"""cdk-nag's packs AwsSolutions and Serverless, over templates that CfnInclude loads."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from deployer.lint import Finding
from tests.scanners import install
from tests.scanners.tool import Subjects, Tool, found, run, seen

SCRIPT = install.HERE / "node" / "nag.js"
THREW = "Rule threw an error"


def find(subjects: Subjects, folder: Path) -> tuple[Finding, ...]:
    """One Node process loads them all, and asks the packs about each resource."""
    argv = [install.program("node"), SCRIPT, install.node(), folder]
    said = json.loads(run(argv, cwd=folder, codes=(0,)))
    seen(subjects, said["stacks"])
    return parse(said)


def parse(said: dict[str, Any]) -> tuple[Finding, ...]:
    """The findings in what nag.js prints. A resource is called STACK/Template/TITLE there."""
    return tuple(
        found(f"nag:{rule}", stack, title, violation["description"], detail=detail)
        for violation in said["violations"]
        for rule, detail in [_rule(violation)]
        for stack, _, title in (path.split("/") for path in violation["paths"])
    )


_RULE = re.compile(r"([^\[]+)(?:\[(.*)\])?")


def _rule(violation: dict[str, Any]) -> tuple[str, str]:
    """AwsSolutions-IAM5[Resource::*] is a rule, and what of the resource is meant.

    A rule that could not look is another one than that which looked: nobody may take the reason
    for the first as one for the second.
    """
    match = _RULE.fullmatch(violation["rule"])
    rule, detail = match.groups("") if match else (violation["rule"], "")
    return (f"{rule}!", detail) if violation["description"].startswith(THREW) else (rule, detail)


TOOL = Tool("nag", install.node, find)
