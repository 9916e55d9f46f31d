"""parliament over every policy of the templates, with what its community has added."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from textwrap import shorten

from deployer.lint import Finding
from tests.scanners import install
from tests.scanners.errors import ScannerError
from tests.scanners.policies import Policy, policies
from tests.scanners.tool import Subjects, Tool, found, run

SCRIPT = install.HERE / "each_policy.py"
LENGTH = 200  # of a message: some name every action of a service


def find(subjects: Subjects, folder: Path) -> tuple[Finding, ...]:
    """Each policy is a file of its own; one process reads them all."""
    home = folder.parent / "policies"
    home.mkdir()
    written = policies(subjects)
    for number, policy in enumerate(written):
        (home / f"{number}.json").write_text(text(policy), encoding="utf-8")
    said = run([install.python("parliament"), "-I", SCRIPT, home], cwd=home, codes=(0,))
    return parse(said, written)


def text(policy: Policy) -> str:
    """The policy as JSON, a statement a line from the second on: a finding says only its line."""
    head = {key: value for key, value in policy.document.items() if key != "Statement"}
    statements = ",\n".join(map(json.dumps, policy.statements))
    return f"{json.dumps(head | {'Statement': 0}).removesuffix('0}')}[\n{statements}\n]}}\n"


def parse(said: str, written: Sequence[Policy]) -> tuple[Finding, ...]:
    """The findings in what each_policy.py prints about the policies *written*.

    Raises ScannerError unless it read them all.
    """
    rows = [json.loads(line) for line in said.splitlines()]
    if (read := sum("read" in row for row in rows)) != len(written):
        raise ScannerError(f"parliament read {read} of {len(written)} policies")
    findings = [_finding(row, written[row["file"]]) for row in rows if "issue" in row]
    return tuple(dict.fromkeys(findings))


def _finding(row: dict[str, object], policy: Policy) -> Finding:
    return found(
        f"parliament:{row['issue']}",
        policy.stack,
        policy.title,
        shorten(f"{row['title']}: {row['detail']}", LENGTH),
        detail=_statement(policy, row["line"]),
    )


def _statement(policy: Policy, line: object) -> str:
    """The Sid of the statement on *line*, else its number; the policy's name for the whole."""
    statements = policy.statements
    if not isinstance(line, int) or not 2 <= line < len(statements) + 2:
        return policy.name
    return str(statements[line - 2].get("Sid", line - 1))


TOOL = Tool("parliament", lambda: install.python("parliament"), find)
