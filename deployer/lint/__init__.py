"""Asks cfn-lint about every template at once, and remembers what it said.

    findings = lint(wanted, exemptions=load_exemptions(), memory=Path(".cache/lint"))

What other rules found (`deployer.policy`) may join: the same exemptions are for all.
Every rule counts: errors, warnings and the informational ones. A finding we live with has its
reason in exemptions.toml, nowhere else: a template cannot excuse itself in its metadata.
cfn-lint costs seconds, so it is imported only for a text that it has not seen in this version.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from deployer.lint.cache import Memory, key
from deployer.lint.cfn_lint import ask
from deployer.lint.exemptions import EXEMPTIONS, STALE, Exemption, load_exemptions, stale
from deployer.lint.findings import Answer, Finding, describe

if TYPE_CHECKING:
    from deployer.model import Line

__all__ = [
    "EXEMPTIONS",
    "STALE",
    "Exemption",
    "Finding",
    "Subject",
    "describe",
    "lint",
    "load_exemptions",
]


class Subject(Protocol):
    """A template's text and where it goes, such as `DesiredStack`."""

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
    also: Iterable[Finding] = (),
    memory: Path,
    jobs: int | None = None,
) -> tuple[Finding, ...]:
    """Every finding that has no exemption: by stack as given, then by its place in the template.

    *also* is what other rules found in *subjects*; it comes after what cfn-lint says of a stack.
    An exemption of a given stack that matches no finding is a finding itself, at the end.
    *memory* is a folder for the answers, *jobs* the number of processes (one for each core).
    Raises LintError if cfn-lint does not know a region.
    """
    answers = _answers(subjects, Memory(memory), jobs=jobs or os.cpu_count() or 1)
    found = [
        replace(finding, stack=subject.name, source=_source(finding, subject))
        for subject, answer in zip(subjects, answers, strict=True)
        for finding in answer
    ]
    place = {subject.name: number for number, subject in enumerate(subjects)}
    found = sorted([*found, *also], key=lambda finding: place[finding.stack])
    excused = {finding for finding in found if any(one.matches(finding) for one in exemptions)}
    return (
        *(finding for finding in found if finding not in excused),
        *stale(exemptions, excused, [subject.name for subject in subjects]),
    )


def _answers(subjects: Sequence[Subject], memory: Memory, *, jobs: int) -> list[Answer]:
    """What cfn-lint says about each of *subjects*, asking only what it was never asked."""
    keys = [key(subject.text, subject.region) for subject in subjects]
    known = {one: answer for one in keys if (answer := memory.recall(one)) is not None}
    asked = {one: subject for one, subject in zip(keys, subjects, strict=True) if one not in known}
    if asked:
        questions = [(subject.text, subject.region) for subject in asked.values()]
        fresh = dict(zip(asked, ask(questions, jobs=jobs), strict=True))
        memory.keep(fresh)
        known |= fresh
    return [known[one] for one in keys]


def _source(finding: Finding, subject: Subject) -> Line | None:
    match finding.path:
        case ("Resources", title, *_):
            return subject.lines.get(title)
        case _:
            return None
