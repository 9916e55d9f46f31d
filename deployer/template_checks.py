"""Check the templates of environments with cfn-lint and with the policy rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from deployer import lint, policy, synth
from deployer.environment import Environment
from deployer.errors import LintError
from deployer.lint import Finding
from deployer.model.desired import DesiredStack, NestedTemplate

_Template: TypeAlias = DesiredStack | NestedTemplate
_HINT = f"fix them, or add an exemption with a reason to deployer/lint/{lint.EXEMPTIONS.name}"


def check_templates(environments: Sequence[Environment], cache: Path) -> None:
    """Raise LintError with every finding that has no exemption; *cache* has the results of cfn-lint."""
    if findings := _findings(environments, cache):
        raise _error(findings)


def check_before_deployment(environment: Environment, cache: Path) -> LintError | None:
    """Return the findings that do not stop a deployment, as an error to show, or None.

    For the emulator, findings of policy rules do not stop a deployment, so that an unfinished stack
    can be tried; raise LintError for findings of cfn-lint. For an AWS account, raise LintError for
    every finding.
    """
    findings = _findings([environment], cache)
    if not findings:
        return None
    if environment.is_local and all(map(_is_policy_finding, findings)):
        return _error(findings, hint=f"accounts refuse these findings: {_HINT}")
    raise _error(findings)


def _error(findings: Iterable[Finding], hint: str = _HINT) -> LintError:
    return LintError("\n".join(map(lint.explain, findings)), hint=hint)


def _is_policy_finding(finding: Finding) -> bool:
    """Return whether *finding* is of a policy rule or an unused exemption, and not of cfn-lint."""
    return finding.rule == lint.STALE or finding.rule in {rule.id for rule in policy.RULES}


def _findings(environments: Sequence[Environment], cache: Path) -> list[Finding]:
    """Return every finding once, each with its place in a file that exists."""
    templates = {
        template.name: (environment, template)
        for environment in environments
        for template in environment.templates
    }
    findings = lint.lint(
        [template for _, template in templates.values()],
        exemptions=lint.load_exemptions(),
        policy_findings=[
            finding
            for environment in environments
            for finding in policy.check(environment.templates, environment.env)
        ],
        cache_folder=cache,
    )
    located = [
        _with_place(finding, *templates[finding.stack]) if finding.stack in templates else finding
        for finding in policy.without_replaced(findings)
    ]
    return _merged(located, templates)


def _with_place(finding: Finding, environment: Environment, template: _Template) -> Finding:
    """Return *finding* with its place: a line of the stack file, or of the template in build/.

    If build/ is not up to date, the place is the line of the stack file with the first resource.
    """
    if finding.source:
        return finding
    if environment.is_local:  # build/local needs no review, so it may not exist yet.
        synth.write(environment.desired, environment.build)
    path = environment.build / template.file
    if path.is_file() and path.read_text("utf-8") == template.text:
        return replace(finding, file=f"build/{environment.build.name}/{template.file}")
    return replace(finding, source=next(iter(template.lines.values()), None))


def _merged(
    findings: Iterable[Finding], templates: dict[str, tuple[Environment, _Template]]
) -> list[Finding]:
    """Merge findings that differ only by the environment into one that lists all their stacks."""
    merged: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        key: tuple[object, ...] = (finding,)
        if finding.stack in templates:
            environment, template = templates[finding.stack]
            message = finding.message.replace(environment.prefix, "")
            key = (template.file, finding.where, finding.rule, message, finding.path)
        if first := merged.get(key):
            stacks = dict.fromkeys([*first.stack.split(", "), finding.stack])
            merged[key] = replace(first, stack=", ".join(stacks))
        else:
            merged[key] = finding
    return list(merged.values())
