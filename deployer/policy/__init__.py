"""The policy rules: requirements of this project that cfn-lint does not check.

    findings = check(templates, env)

Rules receive all stacks of an environment, so they can follow a value that is imported from another
stack. rules.py has the table of rules; docs/policy.md is generated from it. Exemptions and their
reasons are in deployer/lint/exemptions.toml.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deployer.lint.findings import Finding
from deployer.policy.model import EnvironmentSettings, Rule, Stack, Subject, Templates, Violation
from deployer.policy.normalization import Source, condition_outcomes
from deployer.policy.rules import RULES

__all__ = ["RULES", "EnvironmentSettings", "Rule", "Subject", "check", "without_replaced"]

PAGE = "docs/policy.md"


def check(
    subjects: Iterable[Subject], env: EnvironmentSettings, *, rules: Sequence[Rule] = RULES
) -> tuple[Finding, ...]:
    """Return the violations in *subjects*, all templates of *env*, in the order of the templates.

    A template with conditions is checked for each outcome of the conditions.
    """
    sources = [(subject, _source(subject)) for subject in subjects]
    findings: dict[Finding, None] = {}
    for outcomes in condition_outcomes(source for _, source in sources):
        templates = Templates(
            env,
            tuple(
                Stack(subject, source.normalized(outcomes), source.imports)
                for subject, source in sources
            ),
        )
        for rule in rules:
            findings |= {_finding(rule, violation): None for violation in rule.check(templates)}
    order = {subject.name: number for number, (subject, _) in enumerate(sources)}
    return tuple(
        sorted(findings, key=lambda finding: (order[finding.stack], finding.row, finding.rule))
    )


def without_replaced(findings: Iterable[Finding]) -> list[Finding]:
    """Return the *findings* without those of cfn-lint that a policy rule reports at the same place."""
    findings = [*findings]
    replaced = {
        (finding.stack, finding.path[:2], replaced)
        for finding in findings
        for rule in RULES
        if rule.id == finding.rule
        for replaced in rule.replaces
    }
    return [
        finding
        for finding in findings
        if (finding.stack, finding.path[:2], finding.rule) not in replaced
    ]


def _source(subject: Subject) -> Source:
    passed = frozenset(subject.parameters)
    return Source(subject.name, subject.region, subject.body, passed)


def _finding(rule: Rule, violation: Violation) -> Finding:
    subject, path = violation.stack.subject, violation.path
    return Finding(
        rule=rule.id,
        level="error",
        message=violation.message,
        path=path,
        row=_row(subject.text, path),
        column=1,
        docs=f"{PAGE}#{rule.id}",
        stack=subject.name,
        source=subject.lines.get(path[1]) if path[:1] == ("Resources",) else None,
        detail=violation.detail,
        solution=rule.solution,
    )


def _row(text: str, path: tuple[str, ...]) -> int:
    """Return the row in *text* of *path*, a section and a title; 1 if the path is empty."""
    if not path:
        return 1
    section = max(text.find(f"\n{path[0]}:"), 0)
    place = text.find(f"\n  {path[1]}:", section)
    return text.count("\n", 0, place + 1) + 1
