"""parliament with its community auditors, for all policies of the templates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from textwrap import shorten

from deployer.lint import Finding
from tests.scanners import install
from tests.scanners.errors import ScannerError
from tests.scanners.policies import Policy, policies
from tests.scanners.tool import Subjects, Tool, new_finding, run

SCRIPT = install.HERE / "parliament_findings.py"
MESSAGE_LENGTH = 200  # Some messages list all actions of a service.


def find(subjects: Subjects, folder: Path) -> tuple[Finding, ...]:
    """Return the findings in all policies, from one process that reads a file for each policy."""
    home = folder.parent / "policies"
    home.mkdir()
    checked = policies(subjects)
    for number, policy in enumerate(checked):
        (home / f"{number}.json").write_text(to_json(policy), encoding="utf-8")
    output = run([install.python("parliament"), "-I", SCRIPT, home], cwd=home, codes=(0,))
    return parse(output, checked)


def to_json(policy: Policy) -> str:
    """Return the policy as JSON with one statement per line, from line 2 on.

    A finding has only the line of its statement.
    """
    head = {key: value for key, value in policy.document.items() if key != "Statement"}
    statements = ",\n".join(map(json.dumps, policy.statements))
    return f"{json.dumps(head | {'Statement': 0}).removesuffix('0}')}[\n{statements}\n]}}\n"


def parse(output: str, checked: Sequence[Policy]) -> tuple[Finding, ...]:
    """Return the findings in the output of parliament_findings.py about the policies *checked*.

    Raises ScannerError unless it read all of them.
    """
    rows = [json.loads(line) for line in output.splitlines()]
    if (read := sum("read" in row for row in rows)) != len(checked):
        raise ScannerError(f"parliament read {read} of {len(checked)} policies")
    findings = [_finding(row, checked[row["file"]]) for row in rows if "issue" in row]
    return tuple(dict.fromkeys(findings))


def _finding(row: dict[str, object], policy: Policy) -> Finding:
    return new_finding(
        f"parliament:{row['issue']}",
        policy.stack,
        policy.title,
        shorten(f"{row['title']}: {row['detail']}", MESSAGE_LENGTH),
        detail=_statement(policy, row["line"]),
    )


def _statement(policy: Policy, line: object) -> str:
    """Return the Sid or number of the statement on *line*; without a statement, the name of the policy."""
    statements = policy.statements
    if not isinstance(line, int) or not 2 <= line < len(statements) + 2:
        return policy.name
    return str(statements[line - 2].get("Sid", line - 1))


TOOL = Tool("parliament", lambda: install.python("parliament"), find)
