"""The accepted findings: their matching, stale rows, and suppressions outside of the file."""

import re
from pathlib import Path

import pytest

from deployer.lint import STALE, Exemption, describe
from tests.scanners import accepted, scan
from tests.scanners.table import TOOLS
from tests.scanners.tool import new_finding

LOGGING = new_finding("checkov:CKV_AWS_18", "crd-dev-foundation", "Artifacts", "no access logs")
OPEN = new_finding(
    "checkov:CKV_AWS_260", "crd-dev-cluster", "LoadBalancerSecurityGroup", "open to the world"
)


def row(rule: str, stack: str, resource: str) -> Exemption:
    """Return a row of accepted.toml."""
    return Exemption(rule, stack, resource, reason="They cost.", date="2026-11-21", number=7)


def test_a_finding_with_a_reason_is_accepted() -> None:
    """A row may match several stacks. A finding that no row matches is unexplained."""
    verdict = accepted.classify([LOGGING, OPEN], [row("checkov:CKV_AWS_18", "crd-*", "Artifacts")])

    assert verdict.accepted == (LOGGING,)
    assert verdict.unexplained == (OPEN,)


@pytest.mark.parametrize(
    "other",
    [
        row("guard:CKV_AWS_18", "crd-*", "*"),
        row("checkov:CKV_AWS_18", "crd-prod-*", "*"),
        row("checkov:CKV_AWS_18", "crd-*", "Assets"),
    ],
    ids=str,
)
def test_a_row_accepts_only_its_tool_stack_and_resource(other: Exemption) -> None:
    """A row for another scanner, stack or resource does not accept a finding."""
    assert accepted.classify([LOGGING], [other], complete=False).unexplained == (LOGGING,)


def test_a_row_without_finding_is_a_finding() -> None:
    """The finding has the line of the row, even if the stack no longer exists."""
    [stale] = accepted.classify([], [row("checkov:CKV_AWS_18", "crd-*-removed", "*")]).unexplained

    assert stale.rule == STALE
    assert describe(stale).startswith("tests/scanners/accepted.toml:7 crd-*-removed *: ")


def test_rows_are_not_stale_in_a_scan_of_one_environment() -> None:
    """In a scan of one environment no row is stale: another environment may have its finding."""
    rows = [row("checkov:CKV_AWS_18", "crd-*", "*")]

    assert accepted.classify([], rows, complete=False).unexplained == ()


def test_rows_name_existing_scanners() -> None:
    """Every row names an existing scanner; a row of another one would never be reported as stale."""
    rows = accepted.load_exemptions(accepted.ACCEPTED)

    assert {accepted.tool_of(row) for row in rows} <= TOOLS.keys()


def test_no_template_suppresses_findings() -> None:
    """No template has metadata that suppresses findings, which a reviewer could overlook."""
    suppression = re.compile(r"^\s+(checkov|guard|cdk_nag|cfn-lint):", re.MULTILINE)

    assert [stack.name for stack in scan.load_templates() if suppression.search(stack.text)] == []


def test_locks_name_no_host() -> None:
    """The package index is a setting of each machine; the hashes are the same for all."""
    folder = Path(accepted.__file__).parent
    npm = (folder / "node" / "package-lock.json").read_text()
    pip = [file.read_text() for file in (folder / "requirements").glob("*.txt")]

    assert '"resolved"' not in npm
    assert len(pip) == 4
    assert not any(re.search(r"https?://|--(extra-)?index", text) for text in pip)
