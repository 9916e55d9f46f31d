"""What is explained, what is not, and what no longer needs an explanation."""

import re
from pathlib import Path

import pytest

from deployer.lint import STALE, Exemption, describe
from tests.scanners import accepted, session
from tests.scanners.table import TOOLS
from tests.scanners.tool import found

LOGGING = found("checkov:CKV_AWS_18", "crd-dev-foundation", "Artifacts", "no access logs")
OPEN = found("checkov:CKV_AWS_260", "crd-dev-cluster", "Firewall", "open to the world")


def row(rule: str, stack: str, resource: str) -> Exemption:
    """A row of accepted.toml."""
    return Exemption(rule, stack, resource, reason="They cost.", date="2026-11-21", number=7)


def test_a_finding_with_a_reason_is_accepted() -> None:
    """The row may mean several stacks; the other finding stays unexplained."""
    verdict = accepted.judge([LOGGING, OPEN], [row("checkov:CKV_AWS_18", "crd-*", "Artifacts")])

    assert (LOGGING,) == verdict.accepted
    assert (OPEN,) == verdict.unexplained


@pytest.mark.parametrize(
    "other",
    [
        row("guard:CKV_AWS_18", "crd-*", "*"),
        row("checkov:CKV_AWS_18", "crd-prod-*", "*"),
        row("checkov:CKV_AWS_18", "crd-*", "Assets"),
    ],
    ids=str,
)
def test_a_reason_is_for_what_it_names(other: Exemption) -> None:
    """Another tool, stack or resource is another finding."""
    assert (LOGGING,) == accepted.judge([LOGGING], [other], whole=False).unexplained


def test_a_row_that_nothing_needs_is_a_finding() -> None:
    """It says where it stands, also if its stack is gone."""
    [stale] = accepted.judge([], [row("checkov:CKV_AWS_18", "crd-*-gone", "*")]).unexplained

    assert stale.rule == STALE
    assert describe(stale).startswith("tests/scanners/accepted.toml:7 crd-*-gone *: ")


def test_a_part_cannot_tell_what_is_stale() -> None:
    """One environment alone need not have what another has."""
    rows = [row("checkov:CKV_AWS_18", "crd-*", "*")]

    assert () == accepted.judge([], rows, whole=False).unexplained


def test_rows_are_of_a_tool_there_is() -> None:
    """Else nobody would ever call them stale."""
    rows = accepted.load_exemptions(accepted.ACCEPTED)

    assert {accepted.tool_of(one) for one in rows} <= TOOLS.keys()


def test_no_template_excuses_itself() -> None:
    """Each tool would take an excuse from a resource's metadata, where no reviewer looks."""
    excuse = re.compile(r"^\s+(checkov|guard|cdk_nag|cfn-lint):", re.MULTILINE)

    assert [] == [each.name for each in session.templates() if excuse.search(each.text)]


def test_locks_name_no_host() -> None:
    """Where packages come from is a matter of the machine; that they are the same is not."""
    here = Path(accepted.__file__).parent
    npm = (here / "node" / "package-lock.json").read_text()
    pip = [file.read_text() for file in (here / "requirements").glob("*.txt")]

    assert '"resolved"' not in npm
    assert len(pip) == 3
    assert not any(re.search(r"https?://|--(extra-)?index", text) for text in pip)
