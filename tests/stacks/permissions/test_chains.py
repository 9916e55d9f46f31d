"""Each chain of docs/abuse-chains.md is closed, by the statement that the table of chains names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.stacks.permissions import access
from tests.stacks.permissions.access import (
    decide_alone,
    is_denial,
    protections,
    role,
    with_everything,
    without,
)
from tests.stacks.permissions.chains import Chain, chains

PAGE = Path(__file__).parents[3] / "docs" / "abuse-chains.md"
CHAINS = list(chains())
FINDINGS = {str(number) for number in range(1, 13)} | {"low"}


def call(chain: Chain) -> bool:
    """Return whether the role can make the call of the chain."""
    return decide_alone(chain.role, chain.action, chain.resource, **chain.context)


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.id)
def test_the_call_is_denied(chain: Chain) -> None:
    """A regression fails with the name of the chain that it opens."""
    assert not call(chain)


@pytest.mark.parametrize(
    "chain", [chain for chain in CHAINS if chain.closed_by], ids=lambda chain: chain.id
)
def test_the_statement_closes_the_chain(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call is possible without the condition; without the denial, it is if all else is allowed."""
    found = role(chain.role)
    if is_denial(found, chain.closed_by):
        found = with_everything(found)
        monkeypatch.setattr(access, "role", lambda _: found)
        assert not call(chain)
    weak = without(found, chain.closed_by)
    monkeypatch.setattr(access, "role", lambda _: weak)

    assert call(chain)


@pytest.mark.parametrize("name", sorted({chain.role for chain in CHAINS}))
def test_every_protection_closes_a_chain(name: str) -> None:
    """A denial or condition that closes no chain could be removed, and no test would fail."""
    named = {chain.closed_by for chain in CHAINS if chain.role == name} - {""}

    assert named == protections(role(name))


def test_every_finding_has_an_answer() -> None:
    """The page has a row for each finding: closed by statements, or accepted since a date."""
    rows = re.findall(r"^\| (\w+) \| (.+?) \| (.+?) \|$", PAGE.read_text(), re.MULTILINE)
    accepted = {
        finding for finding, _, answer in rows if re.search(r"accepted \d{4}-\d\d-\d\d: ", answer)
    }
    closed = {finding for finding, _, answer in rows if "closed" in answer}

    assert accepted | closed == FINDINGS
    assert closed == {chain.finding for chain in CHAINS} | {"11"}  # A setting, not a statement.
