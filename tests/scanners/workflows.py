"""Checks of the GitHub workflows: their schema (check-jsonschema) and their security (zizmor).

Both run offline. A reviewer must check that the commit of an action belongs to its version.
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
from tests.scanners.tool import Tool, new_finding, run

FOLDER = ROOT / ".github" / "workflows"


def audit(folder: Path = FOLDER) -> tuple[Finding, ...]:
    """Return the findings of zizmor: unpinned actions, injections, excessive permissions."""
    program = install.python("workflows").with_name("zizmor")
    options = ("--offline", "--strict-collection", "--no-exit-codes", "--persona=auditor")
    argv = [program, *options, "--quiet", "--format=json-v1", *_files(folder)]
    return parse_audit(json.loads(run(argv, cwd=folder, codes=(0,))))


def parse_audit(report: Sequence[dict[str, Any]]) -> tuple[Finding, ...]:
    """Return the findings in zizmor's JSON."""
    findings = []
    for entry in report:
        locations = [location["symbolic"] for location in entry["locations"]]
        [primary, *_] = [location for location in locations if location["kind"] == "Primary"]
        findings.append(
            new_finding(
                f"zizmor:{entry['ident']}",
                Path(primary["key"]["Local"]["verbatim_path"]).name,
                ".".join(str(*step.values()) for step in primary["route"]["route"]),
                f"{entry['desc']}: {primary['annotation']}",
                docs=entry["url"],
            )
        )
    return tuple(findings)


def validate(folder: Path = FOLDER) -> tuple[Finding, ...]:
    """Return the violations of the schema of workflows that check-jsonschema contains."""
    options = ("--builtin-schema", "vendor.github-workflows", "--output-format", "json")
    argv = [install.python("workflows"), "-m", "check_jsonschema", *options, *_files(folder)]
    return parse_validation(json.loads(run(argv, cwd=folder, codes=(0, 1))))


def parse_validation(report: dict[str, Any]) -> tuple[Finding, ...]:
    """Return the findings in check-jsonschema's JSON."""
    unread = [(error, "$", error["message"]) for error in report.get("parse_errors", [])]
    invalid = [(error, error["path"], _best_message(error)) for error in report["errors"]]
    return tuple(
        new_finding(
            "schema:refused", Path(error["filename"]).name, path.removeprefix("$."), message
        )
        for error, path, message in (*unread, *invalid)
    )


def _best_message(error: dict[str, Any]) -> str:
    """Return the message of the schema alternative that was probably meant."""
    return str(error.get("best_deep_match", error)["message"])


def _files(folder: Path) -> list[Path]:
    """Return all workflow files. Raise ScannerError if there are none."""
    if files := sorted(folder.glob("*.y*ml")):
        return files
    raise ScannerError(f"there is no workflow in {folder}")


AUDIT = Tool("zizmor", lambda: install.python("workflows"), lambda *_: audit())
SCHEMA = Tool("schema", lambda: install.python("workflows"), lambda *_: validate())
