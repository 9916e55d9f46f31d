"""Sort findings into accepted and unexplained ones. Each row of accepted.toml has a reason and a date.

The file has the format of deployer/lint/exemptions.toml and the same loader; each rule is prefixed
with the name of its scanner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deployer.lint import STALE, Exemption, Finding, load_exemptions
from deployer.model import Line

ACCEPTED = Path(__file__).with_name("accepted.toml")


@dataclass(frozen=True)
class Verdict:
    """The findings of one scanner, sorted into those with a reason and those without."""

    accepted: tuple[Finding, ...]
    unexplained: tuple[Finding, ...]


def accepted_rows(tool: str) -> tuple[Exemption, ...]:
    """Return the rows of accepted.toml for *tool*."""
    return tuple(row for row in load_exemptions(ACCEPTED) if tool_of(row) == tool)


def tool_of(row: Exemption) -> str:
    """Return the scanner of a row: checkov, for checkov:CKV_AWS_18."""
    return row.rule.partition(":")[0]


def classify(
    findings: Iterable[Finding], rows: Sequence[Exemption], *, complete: bool = True
) -> Verdict:
    """Divide *findings* into accepted and unexplained ones by the *rows* of accepted.toml.

    If the findings are *complete*, a row that matches no finding is an unexplained finding itself.
    """
    known = {finding: any(row.matches(finding) for row in rows) for finding in findings}
    accepted = tuple(finding for finding, explained in known.items() if explained)
    unexplained = tuple(finding for finding, explained in known.items() if not explained)
    unused = [row for row in rows if not any(map(row.matches, accepted))] if complete else []
    return Verdict(accepted, (*unexplained, *map(_stale, unused)))


def _stale(row: Exemption) -> Finding:
    return Finding(
        rule=STALE,
        level="warning",
        message=f"no finding needs the acceptance of {row.rule} any more: delete the row",
        path=("Resources", row.resource),
        row=1,
        column=1,
        docs="",
        stack=row.stack,
        source=Line(f"tests/scanners/{ACCEPTED.name}", row.number),
    )
