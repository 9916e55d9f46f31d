"""The checks of templates with cfn-lint and the policy rules."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deployer import lint, policy
from deployer.errors import LintError
from deployer.lint import Finding
from deployer.template_checks import check_templates

DEV = SimpleNamespace(templates=("dev-network",), env="dev")
PROD = SimpleNamespace(templates=("prod-network", "prod-cluster"), env="prod")


def finding(rule: str) -> Finding:
    """Return a finding in the Vpc of a stack."""
    path = ("Resources", "Vpc")
    return Finding(rule, "error", "is wrong", path, 7, 1, "", stack="crd-dev-network")


def test_templates_without_findings_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All templates of all environments are checked by cfn-lint, and by the policy rules."""
    calls: dict[str, Any] = {}

    def lint_templates(templates: Any, *, exemptions: Any, also: Any, **_: Any) -> tuple[()]:
        calls.update(templates=templates, exemptions=exemptions, also=also)
        return ()

    monkeypatch.setattr(lint, "lint", lint_templates)
    monkeypatch.setattr(policy, "check", lambda templates, env: [(env, templates)])

    check_templates([DEV, PROD], tmp_path)  # type: ignore[list-item]

    assert {
        "templates": ["dev-network", "prod-network", "prod-cluster"],
        "exemptions": lint.load_exemptions(),
        "also": [("dev", DEV.templates), ("prod", PROD.templates)],
    } == calls


def test_all_findings_are_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has a line for each finding, and the hint has the file of exemptions."""
    monkeypatch.setattr(lint, "lint", lambda *_, **__: (finding("E1"), finding("C2")))
    monkeypatch.setattr(policy, "check", lambda *_: [])

    with pytest.raises(LintError) as raised:
        check_templates([DEV], tmp_path)  # type: ignore[list-item]

    assert raised.value.message.splitlines() == [
        "crd-dev-network:7 Vpc: E1 is wrong",
        "crd-dev-network:7 Vpc: C2 is wrong",
    ]
    assert "exemptions.toml" in str(raised.value.hint)
