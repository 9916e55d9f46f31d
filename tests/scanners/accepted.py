"""The accepted findings: each row of accepted.toml has a reason and a date.

The rows have the format of deployer/lint/exemptions.toml; a rule is prefixed with its scanner.
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
    """The findings of one scanner, separated into accepted and unexplained ones."""

    accepted: tuple[Finding, ...]
    unexplained: tuple[Finding, ...]


def of(tool: str) -> tuple[Exemption, ...]:
    """Return the accepted findings of *tool*."""
    return tuple(one for one in load_exemptions(ACCEPTED) if tool_of(one) == tool)


def tool_of(one: Exemption) -> str:
    """Return the scanner of a rule: checkov for checkov:CKV_AWS_18."""
    return one.rule.partition(":")[0]


def judge(
    findings: Iterable[Finding], accepted: Sequence[Exemption], *, whole: bool = True
) -> Verdict:
    """Separate *findings*. If they are the *whole*, an unused row is a finding too."""
    known = {finding: _explained(finding, accepted) for finding in findings}
    good = tuple(finding for finding, explained in known.items() if explained)
    bad = tuple(finding for finding, explained in known.items() if not explained)
    useless = [one for one in accepted if not any(map(one.matches, good))] if whole else []
    return Verdict(good, (*bad, *map(_deletable, useless)))


def _explained(finding: Finding, accepted: Sequence[Exemption]) -> bool:
    return any(one.matches(finding) for one in accepted)


def _deletable(one: Exemption) -> Finding:
    return Finding(
        rule=STALE,
        level="warning",
        message=f"nothing needs the acceptance of {one.rule} any more: delete it",
        path=("Resources", one.resource),
        row=1,
        column=1,
        docs="",
        stack=one.stack,
        source=Line(f"tests/scanners/{ACCEPTED.name}", one.number),
    )
