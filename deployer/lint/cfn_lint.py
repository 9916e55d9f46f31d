"""Asks cfn-lint: the one module that imports it, which costs seconds."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from deployer.errors import LintError
from deployer.lint.findings import Answer, Finding

if TYPE_CHECKING:
    from cfnlint.match import Match
    from cfnlint.rules._rules import Rules

Question: TypeAlias = tuple[str, str]  # a template's text and its region

_EVERY_LEVEL = ["E", "W", "I"]


def ask(questions: Sequence[Question], *, jobs: int) -> list[Answer]:
    """An answer for each question, in their order; the longest text is worked on first."""
    longest = sorted(range(len(questions)), key=lambda n: -len(questions[n][0]))
    if (workers := min(jobs, len(questions))) > 1:
        said = _ask_workers([questions[n] for n in longest], workers)
    else:
        said = [_ask_one(questions[n]) for n in longest]
    answers = dict(zip(longest, said, strict=True))
    return [answers[n] for n in range(len(questions))]


def _ask_workers(questions: Sequence[Question], workers: int) -> list[Answer]:
    import multiprocessing
    import signal
    import threading
    from concurrent.futures import ProcessPoolExecutor

    fork = sys.platform == "linux" and threading.active_count() == 1
    if fork:
        _rules()  # Loaded once here; the forks have them.
    with ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("fork" if fork else "spawn"),
        initializer=signal.signal,  # Ctrl-C is told once, by the process that was asked.
        initargs=(signal.SIGINT, signal.SIG_IGN),
    ) as pool:
        return list(pool.map(_ask_one, questions))


def _ask_one(question: Question) -> Answer:
    return tuple(sorted(map(_finding, _matches(*question)), key=_order))


def _matches(text: str, region: str) -> list[Match]:
    from cfnlint.config import ConfigMixIn
    from cfnlint.decode import decode_str
    from cfnlint.exceptions import InvalidRegionException
    from cfnlint.runner.template import run_template_by_data

    rules = _rules()
    template, unreadable = decode_str(text)
    if unreadable:
        return unreadable
    config = ConfigMixIn(
        ["--config-file", os.devnull],  # Else ~/.cfnlintrc and ./.cfnlintrc would be read.
        regions=[region],
        include_checks=_EVERY_LEVEL,
        mandatory_checks=_EVERY_LEVEL,  # Metadata in the template switches nothing off.
    )
    try:
        # None, or anything else that is no mapping, is a finding of its own.
        return list(run_template_by_data(template, config, rules))  # type: ignore[arg-type]
    except InvalidRegionException as error:
        hint = "a newer cfn-lint may: setup.cfg, then ./inv lock"
        raise LintError(f"{region}: cfn-lint does not know this region", hint=hint) from error


@cache
def _rules() -> Rules:
    """All rules of cfn-lint, and the schemas that came with it."""
    import cfnlint
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    # Else schemas that `cfn-lint -u` once left in the user's cache would be taken if newer.
    own = Path(cfnlint.__file__).parent / "data" / "schemas"
    PROVIDER_SCHEMA_MANAGER.__init__(  # type: ignore[misc]  # The one object all modules hold.
        providers_dir=own / "providers", resources_dir=own / "resources"
    )
    return Runner(ConfigMixIn(["--config-file", os.devnull])).rules


def _finding(match: Match) -> Finding:
    return Finding(
        rule=match.rule.id,
        level=match.rule.severity,
        message=match.message,
        path=tuple(map(str, getattr(match, "path", ()))),
        row=match.linenumber,
        column=match.columnnumber,
        docs=match.rule.source_url,
    )


def _order(finding: Finding) -> tuple[int, int, str, str]:
    return finding.row, finding.column, finding.rule, finding.message
