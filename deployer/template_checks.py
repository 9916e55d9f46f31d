"""Check the templates of environments with cfn-lint and with the policy rules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deployer import lint, policy
from deployer.environment import Environment
from deployer.errors import LintError


def check_templates(environments: Sequence[Environment], cache: Path) -> None:
    """Raise LintError with every finding that has no exemption; *cache* keeps results of cfn-lint."""
    findings = lint.lint(
        [template for environment in environments for template in environment.templates],
        exemptions=lint.load_exemptions(),
        also=[
            finding
            for environment in environments
            for finding in policy.check(environment.templates, environment.env)
        ],
        memory=cache,
    )
    if findings:
        raise LintError(
            "\n".join(lint.describe(finding) for finding in findings),
            hint=f"fix them, or add an exemption with a reason to {lint.EXEMPTIONS.name}",
        )
