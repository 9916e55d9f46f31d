"""Scanners of the GitHub workflows: their schema and their security.

They work offline: a reviewer must check that a pinned commit is the one of its version.
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
    """Return the findings of zizmor: unpinned actions, injections, unnecessary permissions."""
    program = install.python("workflows").with_name("zizmor")
    options = ("--offline", "--strict-collection", "--no-exit-codes", "--persona=auditor")
    argv = [program, *options, "--quiet", "--format=json-v1", *_files(folder)]
    return audited(json.loads(run(argv, cwd=folder, codes=(0,))))


def audited(said: Sequence[dict[str, Any]]) -> tuple[Finding, ...]:
    """Return the findings in zizmor's JSON."""
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
    """Return the violations of the schema of workflows in check-jsonschema."""
    options = ("--builtin-schema", "vendor.github-workflows", "--output-format", "json")
    argv = [install.python("workflows"), "-m", "check_jsonschema", *options, *_files(folder)]
    return validated(json.loads(run(argv, cwd=folder, codes=(0, 1))))


def validated(said: dict[str, Any]) -> tuple[Finding, ...]:
    """Return the findings in check-jsonschema's JSON."""
    unread = [(each, "$", each["message"]) for each in said.get("parse_errors", [])]
    wrong = [(each, each["path"], _closest(each)) for each in said["errors"]]
    return tuple(
        found("schema:refused", Path(each["filename"]).name, path.removeprefix("$."), message)
        for each, path, message in (*unread, *wrong)
    )


def _closest(error: dict[str, Any]) -> str:
    """Return the message for the alternative of the schema that matches best."""
    return str(error.get("best_deep_match", error)["message"])


def _files(folder: Path) -> list[Path]:
    """Return all workflows; raise ScannerError if there is none."""
    if files := sorted(folder.glob("*.y*ml")):
        return files
    raise ScannerError(f"there is no workflow in {folder}")


AUDIT = Tool("zizmor", lambda: install.python("workflows"), lambda *_: audit())
SCHEMA = Tool("schema", lambda: install.python("workflows"), lambda *_: validate())
