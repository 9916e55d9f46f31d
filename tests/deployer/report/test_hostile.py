"""Names and reasons that try to be more than text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployer.aws.cloud import PropertyChange, ResourceChange
from deployer.errors import DeployError
from deployer.events import (
    Finished,
    Operating,
    Outcome,
    Progress,
    Proposed,
    Started,
    Uploaded,
    Verified,
)
from deployer.plan import Blocked
from deployer.report import Style, error_text, plan_text, question, status
from tests.deployer.report.samples import change_set, found, listening, progress, tell
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


def everything(text: str, told_live: bool = False) -> str:
    """All there is to tell, with *text* wherever a text comes from outside."""
    told, stream, clock = listening(live=told_live, environ={"TERM": "xterm"})
    happened = progress("network", text, "CREATE_FAILED", text)
    change = ResourceChange(
        text, text, text, text, text, text, (PropertyChange(text, text, text, text, text),)
    )
    left = replace(change_set("x", change), stack=text, arn=text)
    error = DeployError(text, hint=text)
    with told:
        told.start(text, text, text, emulator=False, origins=[text])
        told.plan([Blocked(desired_stack(text), found(text), text, text)], (), ())
        tell(
            told,
            clock,
            [
                Started(text, text, text),
                Uploaded(text, text),
                Uploaded(text, text, text, text),
                Verified(text, text, text),
                Proposed(text, left),
                Operating(text, text, text, text),
                Progress(text, happened.event, happened.line),
            ],
        )
        told.interrupted()
        for outcome in Outcome:
            told.event(Finished(text, outcome, text, error=error))
        told.summary()
        told.error(error)
    return stream.getvalue()


@given(hostile)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_no_text_controls_a_log(text: str) -> None:
    """Only we begin lines, and nothing invisible is written."""
    written = everything(text)

    assert not _invisible(written)


@given(hostile)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_no_text_adds_a_line(text: str) -> None:
    """As many lines as a harmless one has; an error may have several, and says so by indenting."""
    one = " ".join(text.split()) or "a"

    shown = plan_text([Blocked(desired_stack(text), found(text), text, text)])

    assert shown.count("\n") <= 3
    assert 2 == status([found(text, text)]).count("\n")
    assert "\n" not in question(replace(change_set("x"), stack=text))
    assert all(
        line.startswith(("error:", "hint:", "   "))
        for line in error_text(DeployError(text, hint=one)).splitlines()
    )


@pytest.mark.parametrize("text", ATTACKS)
def test_no_text_controls_a_terminal(text: str) -> None:
    """Markup is shown as it is, and the only escapes are those of a harmless run."""
    written = everything(text, told_live=True)

    harmless = everything("harmless", told_live=True)
    assert _escapes(harmless) >= _escapes(written)
    if text.startswith("["):
        assert text in written


def test_text_is_readable_still() -> None:
    """Escaped, not dropped: one sees that something is wrong with it."""
    assert "error: a\\x1b[31mb\n" == error_text(DeployError("a\x1b[31mb"), style=Style())


def _invisible(text: str) -> set[str]:
    return {char for char in text if char != "\n" and unicodedata.category(char)[0] == "C"}


def _escapes(text: str) -> set[str]:
    return set(re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f](?:\[[?\d;]*[A-Za-z])?", text))
