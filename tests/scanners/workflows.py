"""What GitHub would refuse of the workflows, and what strangers could make of them.

Nothing is asked of GitHub: whether a commit is the one of a version stays a reviewer's to see.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deployer.lint import Finding
from operations.project import ROOT
from tests.scanners import install
from tests.scanners.errors import ScannerError
from tests.scanners.tool import Tool, found, run

FOLDER = ROOT / ".github" / "workflows"


def audit(folder: Path = FOLDER) -> tuple[Finding, ...]:
    """What zizmor finds, at its strictest: unpinned actions, injections, rights beyond need."""
    program = install.python("workflows").with_name("zizmor")
    options = ("--offline", "--strict-collection", "--no-exit-codes", "--persona=auditor")
    argv = [program, *options, "--quiet", "--format=json-v1", *_files(folder)]
    return audited(json.loads(run(argv, cwd=folder, codes=(0,))))


def audited(said: Sequence[dict[str, Any]]) -> tuple[Finding, ...]:
    """The findings in zizmor's JSON."""
    findings = []
    for each in said:
        [first, *_] = [one for one in each["locations"] if one["symbolic"]["kind"] == "Primary"]
        place = first["symbolic"]
        findings.append(
            found(
                f"zizmor:{each['ident']}",
                Path(place["key"]["Local"]["verbatim_path"]).name,
                ".".join(str(*step.values()) for step in place["route"]["route"]),
                f"{each['desc']}: {place['annotation']}",
                docs=each["url"],
            )
        )
    return tuple(findings)


def validate(folder: Path = FOLDER) -> tuple[Finding, ...]:
    """What does not fit the schema of workflows, which check-jsonschema carries with it."""
    options = ("--builtin-schema", "vendor.github-workflows", "--output-format", "json")
    argv = [install.python("workflows"), "-m", "check_jsonschema", *options, *_files(folder)]
    return validated(json.loads(run(argv, cwd=folder, codes=(0, 1))))


def validated(said: dict[str, Any]) -> tuple[Finding, ...]:
    """The findings in check-jsonschema's JSON."""
    unread = [(each, "$", each["message"]) for each in said.get("parse_errors", [])]
    wrong = [(each, each["path"], _closest(each)) for each in said["errors"]]
    return tuple(
        found("schema:refused", Path(each["filename"]).name, path.removeprefix("$."), message)
        for each, path, message in (*unread, *wrong)
    )


def _closest(error: dict[str, Any]) -> str:
    """Of all the things that a value is not, the one that was probably meant."""
    return str(error.get("best_deep_match", error)["message"])


def _files(folder: Path) -> list[Path]:
    """Every workflow; raises ScannerError if there is none, since that would find nothing."""
    if files := sorted(folder.glob("*.y*ml")):
        return files
    raise ScannerError(f"there is no workflow in {folder}")


AUDIT = Tool("zizmor", lambda: install.python("workflows"), lambda *_: audit())
SCHEMA = Tool("schema", lambda: install.python("workflows"), lambda *_: validate())
