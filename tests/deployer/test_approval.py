"""Approvals at a terminal, and the refusal where none can be given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deployer import approval
from deployer.approval import Approver
from deployer.errors import GuardError
from tests.standard_input import Stdin


class Display:
    """A display that counts how often it was paused."""

    def __init__(self) -> None:
        self.pauses = 0

    @contextmanager
    def paused(self) -> Iterator[None]:
        self.pauses += 1
        yield


@pytest.mark.parametrize(
    ("typed", "approved"),
    [("y\n", True), (" YES \n", True), ("n\n", False), ("\n", False), ("", False)],
)
def test_the_operator_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, approved: bool
) -> None:
    """The display is paused for the question, and the default answer is no."""
    monkeypatch.setattr("sys.stdin", Stdin(typed, terminal=True))
    display = Display()

    assert approved == Approver("prod", "", paused=display.paused).approves("Do it? ")
    assert (capsys.readouterr().err, display.pauses) == ("Do it? ", 1)


@pytest.mark.parametrize("call", ["refuse_unattended", "approves"])
@pytest.mark.parametrize(
    ("terminal", "can_ask"), [(False, True), (True, False)], ids=["no terminal", "JSON lines"]
)
def test_a_required_approval_that_cannot_be_asked_for_is_refused(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, can_ask: bool, call: str
) -> None:
    """A required approval is refused without a terminal, before the run and at the question."""
    monkeypatch.setattr("sys.stdin", Stdin("y\n", terminal=terminal))
    approver = Approver("prod", "--dry-run to list the deletions", can_ask=can_ask)

    with pytest.raises(GuardError, match="prod: cannot ask for approval") as refused:
        approver.approves("Do it? ") if call == "approves" else approver.refuse_unattended()

    assert refused.value.hint.endswith("or --dry-run to list the deletions")


def test_an_approval_that_is_not_required_is_given_without_a_question(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An approval that is not required is given without a question and without a terminal."""
    monkeypatch.setattr("sys.stdin", None)
    approver = Approver("prod", "", required=False)

    approver.refuse_unattended()

    assert approver.approves("Do it? ")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("terminal", "can_ask", "reason"),
    [
        (False, True, "standard input is not a terminal"),
        (True, False, "--json prints no questions"),
        (False, False, "--json prints no questions"),
    ],
)
def test_the_refusal_has_the_reason_and_the_alternatives(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, can_ask: bool, reason: str
) -> None:
    """The hint has --yes and what else the operator can do."""
    monkeypatch.setattr("sys.stdin", Stdin("y\n", terminal=terminal))

    with pytest.raises(GuardError) as refused:
        approval.refuse_unattended("prod", "--dry-run to list the deletions", can_ask=can_ask)

    assert refused.value.message == f"prod: cannot ask for approval: {reason}"
    assert (
        refused.value.hint
        == "pass --yes to approve without a question, or --dry-run to list the deletions"
    )


def test_closed_standard_input_is_not_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed standard input, for which sys.stdin is None, is not a terminal."""
    monkeypatch.setattr("sys.stdin", None)

    with pytest.raises(GuardError, match="standard input is not a terminal"):
        approval.refuse_unattended("prod", "--dry-run to list the deletions")
