"""checkov's rules for CloudFormation, without its platform and without downloads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deployer.lint import Finding
from deployer.template_yaml import load
from tests.scanners import install
from tests.scanners.errors import ScannerError
from tests.scanners.tool import Subjects, Tool, new_finding, run

OPTIONS = ("--framework=cloudformation", "--skip-download", "--quiet", "--compact", "-o=json")


def find(subjects: Subjects, folder: Path) -> tuple[Finding, ...]:
    """Return the findings in all templates, from one process."""
    python = install.python("checkov")
    argv = [python, "-m", "checkov.main", "-d", ".", *OPTIONS]
    report = json.loads(run(argv, cwd=folder, codes=(0, 1)))
    check_complete(
        report, resources=sum(len(load(subject.text)["Resources"]) for subject in subjects)
    )
    return parse(report)


def parse(report: dict[str, Any]) -> tuple[Finding, ...]:
    """Return the findings in checkov's JSON."""
    return tuple(
        new_finding(
            f"checkov:{check['check_id']}",
            Path(check["file_path"]).stem,
            check["resource"].rpartition(".")[2],
            check["check_name"],
            docs=check.get("guideline") or "",
        )
        for check in report["results"]["failed_checks"]
    )


def check_complete(report: dict[str, Any], *, resources: int) -> None:
    """Raise ScannerError unless checkov read all *resources* and skipped no rule."""
    summary = report["summary"]
    count, unread, skipped = (
        summary[key] for key in ("resource_count", "parsing_errors", "skipped")
    )
    if unread or skipped or count != resources:
        raise ScannerError(
            f"checkov read {count} of {resources} resources, could not parse {unread} templates, "
            f"and skipped {skipped} rules because a template suppresses them"
        )


TOOL = Tool("checkov", lambda: install.python("checkov"), find)
