"""Run cfn-lint. Only this module imports it, because the import takes seconds."""

from __future__ import annotations

import ast
import difflib
import os
import re
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from deployer.errors import LintError
from deployer.lint.findings import Finding, Findings

if TYPE_CHECKING:
    from cfnlint.match import Match
    from cfnlint.rules._rules import Rules

Template: TypeAlias = tuple[str, str]  # Text and region.

_ALL_LEVELS = ["E", "W", "I"]
_ENUMERATION = re.compile(
    r"(?P<value>.*) is not one of (?P<values>\['.*'\])(?P<rest>.*)", re.DOTALL
)
_MAX_VALUES = 20  # in a message; the list of instance classes has 8 kB


def run_cfn_lint(templates: Sequence[Template], *, jobs: int) -> list[Findings]:
    """Return the findings of each template, in the order of *templates*.

    The longest template is checked first, so that no process ends much later than the others.
    """
    longest_first = sorted(range(len(templates)), key=lambda n: -len(templates[n][0]))
    queue = [templates[n] for n in longest_first]
    workers = min(jobs, len(templates))
    checked = _check_in_processes(queue, workers) if workers > 1 else [*map(_check, queue)]
    results = dict(zip(longest_first, checked, strict=True))
    return [results[n] for n in range(len(templates))]


def _check_in_processes(templates: Sequence[Template], workers: int) -> list[Findings]:
    import multiprocessing
    import signal
    import threading
    from concurrent.futures import ProcessPoolExecutor

    fork = sys.platform == "linux" and threading.active_count() == 1
    if fork:
        _rules()  # Loaded once here, for all forked processes.
    with ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("fork" if fork else "spawn"),
        initializer=signal.signal,  # Only the parent process reacts to Ctrl-C.
        initargs=(signal.SIGINT, signal.SIG_IGN),
    ) as pool:
        return list(pool.map(_check, templates))


def _check(template: Template) -> Findings:
    return tuple(sorted(map(_finding, _matches(*template)), key=_order))


def _matches(text: str, region: str) -> list[Match]:
    from cfnlint.config import ConfigMixIn
    from cfnlint.decode import decode_str
    from cfnlint.exceptions import InvalidRegionException
    from cfnlint.runner.template import run_template_by_data

    rules = _rules()
    template, syntax_errors = decode_str(text)
    if syntax_errors:
        return syntax_errors
    config = ConfigMixIn(
        ["--config-file", os.devnull],  # Ignore ~/.cfnlintrc and ./.cfnlintrc.
        regions=[region],
        include_checks=_ALL_LEVELS,
        mandatory_checks=_ALL_LEVELS,  # Metadata of the template disables no rule.
    )
    try:
        # A template that is not a mapping is a finding too.
        return list(run_template_by_data(template, config, rules))  # type: ignore[arg-type]
    except InvalidRegionException as error:
        hint = "require a newer cfn-lint in setup.cfg, then run ./inv lock"
        raise LintError(f"{region}: cfn-lint does not know this region", hint=hint) from error


@cache
def _rules() -> Rules:
    """Return all rules of cfn-lint; use the schemas of its package."""
    import cfnlint
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    # Otherwise newer schemas of `cfn-lint -u` in the user's cache would be used.
    schemas = Path(cfnlint.__file__).parent / "data" / "schemas"
    PROVIDER_SCHEMA_MANAGER.__init__(  # type: ignore[misc]  # The object that all modules share.
        providers_dir=schemas / "providers", resources_dir=schemas / "resources"
    )
    return Runner(ConfigMixIn(["--config-file", os.devnull])).rules


def _finding(match: Match) -> Finding:
    return Finding(
        rule=match.rule.id,
        level=match.rule.severity,
        message=shorten(match.message),
        path=tuple(map(str, getattr(match, "path", ()))),
        row=match.linenumber,
        column=match.columnnumber,
        docs=match.rule.source_url,
    )


def shorten(message: str) -> str:
    """Replace a long list of valid values in *message* by its length and the nearest value."""
    match = _ENUMERATION.fullmatch(message)
    if match is None:
        return message
    try:
        values = ast.literal_eval(match["values"])
    except (SyntaxError, ValueError):  # The text is part of the invalid value.
        return message
    if len(values) <= _MAX_VALUES:
        return message
    nearest = difflib.get_close_matches(match["value"].strip("'"), values, n=1)
    suggestion = f"; did you mean {nearest[0]!r}?" if nearest else ""
    return f"{match['value']} is not one of {len(values)} valid values{suggestion}{match['rest']}"


def _order(finding: Finding) -> tuple[int, int, str, str]:
    return finding.row, finding.column, finding.rule, finding.message
