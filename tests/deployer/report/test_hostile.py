"""Names and reasons from AWS cannot control the output."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.aws.cloud import PropertyChange, ResourceChange
from deployer.errors import DeployError
from deployer.events import (
    ChangeSetCreated,
    Finished,
    OperationStarted,
    Outcome,
    Progress,
    Started,
    Uploaded,
    Verified,
)
from deployer.plan import Blocked
from deployer.report import LivePlan, Style, error_text, live_plan_text, question, status
from deployer.report.status import EnvironmentStatus
from tests.deployer.report.samples import change_set, found, make_reporter, progress, report_all
from tests.fakes import desired_stack

ATTACKS = [
    "[red]x[/red]",
    "[/]",
    "\x1b[2J\x1b[31mred",
    "\x9b31m",
    "a\nerror: b",
    "a\r\nb",
    "a\x08\x08b",
    "\u202egnirts",
    "\u2028",
    "\x85",
    "\ud800",
    "\x1b]0;title\x07",
    "{name}",
    "%s",
]
hostile = st.sampled_from(ATTACKS) | st.text() | st.text(alphabet="\x1b[]m\n\r0;/redA ")


def all_output(text: str, live: bool = False) -> str:
    """Return everything that a reporter can print, with *text* as every text from outside."""
    reporter, stream, clock = make_reporter(live=live, environ={"TERM": "xterm"})
    failure = progress("network", text, "CREATE_FAILED", text)
    change = ResourceChange(
        text, text, text, text, text, text, (PropertyChange(text, text, text, text, text),)
    )
    left = replace(change_set("x", change), stack=text, arn=text)
    error = DeployError(text, hint=text)
    with reporter:
        reporter.start(text, text, text, emulator=False, origins=[text])
        reporter.plan(LivePlan([Blocked(desired_stack(text), found(text), text, text)]))
        report_all(
            reporter,
            clock,
            [
                Started(text, text, text),
                Uploaded(text, text),
                Uploaded(text, text, text, text),
                Verified(text, text, text),
                ChangeSetCreated(text, left),
                OperationStarted(text, text, text, text),
                Progress(text, failure.event, failure.line),
            ],
        )
        reporter.interrupted()
        for outcome in Outcome:
            reporter.event(Finished(text, outcome, text, error=error))
        reporter.summary()
        reporter.error(error)
    return stream.getvalue()


@given(hostile)
def test_no_text_controls_a_log(text: str) -> None:
    """No control character from outside reaches a log."""
    written = all_output(text)

    assert not _invisible(written)


@given(hostile)
@settings(max_examples=30)
def test_no_text_adds_a_line(text: str) -> None:
    """A text of AWS adds no line to the output; the further lines of an error are indented."""
    one = " ".join(text.split()) or "a"

    plan = LivePlan([Blocked(desired_stack(text), found(text), text, text)])
    shown = live_plan_text(plan, Style())

    assert shown.count("\n") <= 3
    assert status(EnvironmentStatus([found(text, text)])).count("\n") == 2
    assert "\n" not in question(replace(change_set("x"), stack=text))
    assert all(
        line.startswith(("error:", "hint:", "   "))
        for line in error_text(DeployError(text, hint=one)).splitlines()
    )


@pytest.mark.parametrize("text", ATTACKS)
def test_no_text_controls_a_terminal(text: str) -> None:
    """Markup of rich is shown literally, and no escape sequence is added."""
    written = all_output(text, live=True)

    harmless = all_output("harmless", live=True)
    assert _escapes(harmless) >= _escapes(written)
    if text.startswith("["):
        assert text in written


def test_text_remains_readable() -> None:
    """Control characters are escaped, not removed."""
    assert error_text(DeployError("a\x1b[31mb"), style=Style()) == "error: a\\x1b[31mb\n"


def _invisible(text: str) -> set[str]:
    return {char for char in text if char != "\n" and unicodedata.category(char)[0] == "C"}


def _escapes(text: str) -> set[str]:
    return set(re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f](?:\[[?\d;]*[A-Za-z])?", text))
