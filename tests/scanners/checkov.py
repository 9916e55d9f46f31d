"""checkov's rules for CloudFormation, without its platform and its graph downloads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deployer.lint import Finding
from deployer.template_yaml import load
from tests.scanners import install
from tests.scanners.errors import ScannerError
from tests.scanners.tool import Subjects, Tool, found, run

OPTIONS = ("--framework=cloudformation", "--skip-download", "--quiet", "--compact", "-o=json")


def find(subjects: Subjects, folder: Path) -> tuple[Finding, ...]:
    """One process reads them all."""
    python = install.python("checkov")
    argv = [python, "-m", "checkov.main", "-d", ".", *OPTIONS]
    said = json.loads(run(argv, cwd=folder, codes=(0, 1)))
    check_read(said, resources=sum(len(load(each.text)["Resources"]) for each in subjects))
    return parse(said)


def parse(said: dict[str, Any]) -> tuple[Finding, ...]:
    """The findings in checkov's JSON."""
    return tuple(
        found(
            f"checkov:{each['check_id']}",
            Path(each["file_path"]).stem,
            each["resource"].rpartition(".")[2],
            each["check_name"],
            docs=each.get("guideline") or "",
        )
        for each in said["results"]["failed_checks"]
    )


def check_read(said: dict[str, Any], *, resources: int) -> None:
    """Raise ScannerError unless checkov read every resource there is, and skipped no rule."""
    summary = said["summary"]
    count, unread, skipped = (
        summary[key] for key in ("resource_count", "parsing_errors", "skipped")
    )
    if unread or skipped or count != resources:
        raise ScannerError(
            f"checkov read {count} of {resources} resources, could not parse {unread} templates, "
            f"and skipped {skipped} rules because a template said so"
        )


TOOL = Tool("checkov", lambda: install.python("checkov"), find)
