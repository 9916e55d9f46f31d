"""Check every template with cfn-lint, in parallel, and cache the results.

    findings = lint(templates, exemptions=load_exemptions(), cache_folder=Path(".cache/lint"))

Findings of the policy rules (`deployer.policy`) can be added: the same exemptions apply to them.
Every level of cfn-lint counts: errors, warnings and informational findings. An exemption and its
reason are in exemptions.toml; metadata of a template cannot disable a rule.
cfn-lint takes seconds, so it is imported only for a template without a cached result.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from deployer.lint.cache import Cache, cache_key
from deployer.lint.cfn_lint import run_cfn_lint
from deployer.lint.exemptions import EXEMPTIONS, STALE, Exemption, load_exemptions, stale
from deployer.lint.findings import Finding, Findings, describe, explain

if TYPE_CHECKING:
    from deployer.model import Line

__all__ = [
    "EXEMPTIONS",
    "STALE",
    "Exemption",
    "Finding",
    "Subject",
    "describe",
    "explain",
    "lint",
    "load_exemptions",
]


class Subject(Protocol):
    """A template to check, such as a `DesiredStack`: its text, its region, and its stack files."""

    @property
    def name(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def lines(self) -> Mapping[str, Line]: ...


def lint(
    subjects: Sequence[Subject],
    *,
    exemptions: Sequence[Exemption] = (),
    policy_findings: Iterable[Finding] = (),
    cache_folder: Path,
    jobs: int | None = None,
) -> Findings:
    """Return every finding without an exemption, in the order of *subjects*, then of the template.

    The *policy_findings* of a template follow those of cfn-lint. An exemption that matches no
    finding of these templates is reported as a finding at the end. *jobs* is the number of
    processes, by default one per core. Raise LintError if cfn-lint does not know a region.
    """
    results = _results(subjects, Cache(cache_folder), jobs=jobs or os.cpu_count() or 1)
    all_findings = [
        replace(finding, stack=subject.name, source=_source(finding, subject))
        for subject, findings in zip(subjects, results, strict=True)
        for finding in findings
    ]
    order = {subject.name: number for number, subject in enumerate(subjects)}
    all_findings = sorted(
        [*all_findings, *policy_findings], key=lambda finding: order[finding.stack]
    )
    exempt = {
        finding
        for finding in all_findings
        if any(exemption.matches(finding) for exemption in exemptions)
    }
    return (
        *(finding for finding in all_findings if finding not in exempt),
        *stale(exemptions, exempt, [subject.name for subject in subjects]),
    )


def _results(subjects: Sequence[Subject], cache: Cache, *, jobs: int) -> list[Findings]:
    """Return the findings of cfn-lint for each template; run it only for those not in *cache*."""
    keys = [cache_key(subject.text, subject.region) for subject in subjects]
    cached = {key: findings for key in keys if (findings := cache.read(key)) is not None}
    missing = {
        key: subject for key, subject in zip(keys, subjects, strict=True) if key not in cached
    }
    if missing:
        templates = [(subject.text, subject.region) for subject in missing.values()]
        results = dict(zip(missing, run_cfn_lint(templates, jobs=jobs), strict=True))
        cache.write(results)
        cached |= results
    return [cached[key] for key in keys]


def _source(finding: Finding, subject: Subject) -> Line | None:
    match finding.path:
        case ("Resources", title, *_):
            return subject.lines.get(title)
        case _:
            return None
