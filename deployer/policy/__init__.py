"""Our own rules over the templates of an environment: what no linter knows of this system.

    findings = check(wanted, env)

They look at all stacks of an environment at once, so they know what a value imported from
another stack is. The table of rules is in rules.py, and as a page in docs/policy.md. A finding
we live with has its reason where cfn-lint's have theirs: deployer/lint/exemptions.toml.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deployer.lint.findings import Finding
from deployer.policy.model import Rule, Stack, Subject, Surroundings, Templates, Violation
from deployer.policy.normalization import Source, assignments
from deployer.policy.rules import RULES

__all__ = ["RULES", "Rule", "Subject", "Surroundings", "check"]

PAGE = "docs/policy.md"


def check(
    subjects: Iterable[Subject], env: Surroundings, *, rules: Sequence[Rule] = RULES
) -> tuple[Finding, ...]:
    """What the rules find in *subjects*, all stacks of *env*, lowest first; in order of stacks.

    Where a template depends on conditions, the rules see what there is for each outcome.
    """
    sources = [(subject, _source(subject)) for subject in subjects]
    found: dict[Finding, None] = {}
    for outcomes in assignments(source for _, source in sources):
        templates = Templates(
            env,
            tuple(
                Stack(subject, source.normal(outcomes), source.imports)
                for subject, source in sources
            ),
        )
        for rule in rules:
            found |= {_finding(rule, violation): None for violation in rule.check(templates)}
    place = {subject.name: number for number, (subject, _) in enumerate(sources)}
    return tuple(sorted(found, key=lambda one: (place[one.stack], one.row, one.rule)))


def _source(subject: Subject) -> Source:
    given = frozenset(subject.parameters)
    return Source(subject.name, subject.region, subject.body, given)


def _finding(rule: Rule, violation: Violation) -> Finding:
    subject, path = violation.stack.subject, violation.path
    return Finding(
        rule=rule.id,
        level="error",
        message=violation.message,
        path=path,
        row=_row(subject.text, path),
        column=1,
        docs=PAGE,
        stack=subject.name,
        source=subject.lines.get(path[1]) if path[:1] == ("Resources",) else None,
        detail=violation.detail,
    )


def _row(text: str, path: tuple[str, ...]) -> int:
    """The row where *path*, a section and a title, stands in *text*; else the first."""
    if not path:
        return 1
    section = max(text.find(f"\n{path[0]}:"), 0)
    place = text.find(f"\n  {path[1]}:", section)
    return text.count("\n", 0, place + 1) + 1
