"""The events of a run as JSON lines."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from deployer.aws.cloud import PropertyChange
from deployer.errors import BusyError, DeployError
from deployer.events import ChangeSetCreated, Event, Finished, Outcome, Started, Uploaded, Verified
from deployer.report import LivePlan, deletions_json, live_plan_json
from tests.deployer.report.samples import (
    CREATED,
    CREATING,
    DELETIONS,
    FAILED,
    NETWORK,
    ORPHANS,
    STEPS,
    UPLOADS,
    change_set,
    changed,
    make_reporter,
    report_all,
)
from tests.fakes import REGION

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/events.schema.json").read_text())
VALID = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)


def lines_of(events: list[Event], error: DeployError | None = None) -> list[dict[str, object]]:
    reporter, stream, clock = make_reporter(json=True)
    with reporter:
        reporter.start("x", "000000000000", REGION, emulator=True)
        reporter.plan(LivePlan(STEPS, ORPHANS, UPLOADS))
        reporter.deletions(DELETIONS)
        report_all(reporter, clock, events)
        if error:
            reporter.warning(error)
            reporter.error(error)
        reporter.summary()
        reporter.interrupted()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_line_is_valid() -> None:
    """Every kind of event is valid according to docs/events.schema.json."""
    left = [
        ChangeSetCreated("crd-x-users", change_set("users")),
        Uploaded("crd-x-users", "https://bucket/key"),
        Verified("crd-x-users", "https://bucket/key", "version-1"),
        Finished("crd-x-users", Outcome.PENDING_REVIEW, "arn:changeSet/users"),
    ]

    lines = lines_of([*CREATING, *CREATED, *FAILED, *left], BusyError("busy", hint="wait"))

    assert [error.message for line in lines for error in VALID.iter_errors(line)] == []
    assert {line["event"] for line in lines} == set(SCHEMA["properties"]["event"]["enum"])


def test_the_schema_is_complete() -> None:
    """The schema is valid, and lists every outcome."""
    Draft202012Validator.check_schema(SCHEMA)

    assert SCHEMA["$defs"]["outcome"]["enum"] == [outcome.value for outcome in Outcome]


@pytest.mark.parametrize("version", [0, 1, 3, None])
def test_the_schema_refuses_another_version(version: int | None) -> None:
    """The schema accepts only the current version."""
    line = {"version": version, "event": "error", "error": {}}

    assert not VALID.is_valid(line)


def test_the_plan_on_stdout_is_the_plan_event() -> None:
    """`plan --json` prints the same document as the event."""
    document = json.loads(live_plan_json(LivePlan(STEPS, ORPHANS, UPLOADS)))
    [line] = [line for line in lines_of([]) if line["event"] == "plan"]

    assert VALID.is_valid(document)
    assert line | {"elapsed_seconds": 0} == document | {"elapsed_seconds": 0}


def test_deletions_on_stdout_are_the_deletions_event() -> None:
    """`destroy --dry-run --json` prints what `destroy --json` reports."""
    document = json.loads(deletions_json(DELETIONS))
    [line] = [line for line in lines_of([]) if line["event"] == "deletions"]

    assert VALID.is_valid(document)
    assert line | {"elapsed_seconds": 0} == document | {"elapsed_seconds": 0}


def test_a_run() -> None:
    """A run prints these two lines among others: an event of a resource, and the summary."""
    lines = lines_of([*CREATING, *CREATED, *FAILED])

    assert lines[6] == {
        "version": 2,
        "event": "progress",
        "elapsed_seconds": 8.0,
        "stack": NETWORK,
        "timestamp": "2026-01-02T03:04:05+00:00",
        "path": [],
        "logical_id": NETWORK,
        "physical_id": f"arn:stack/{NETWORK}",
        "type": "AWS::CloudFormation::Stack",
        "status": "CREATE_IN_PROGRESS",
        "reason": "",
        "has_failed": False,
        "line": None,
    }
    assert lines[-2] == {
        "version": 2,
        "event": "summary",
        "elapsed_seconds": 32.0,
        "outcomes": {"created": 1, "failed": 1, "skipped": 1},
        "exit_code": 5,
        "pending_review": [],
    }


def test_secrets_are_masked() -> None:
    """Secrets in reasons and values are masked, by form and by name."""
    key = "AKIA" + "A1B2C3D4E5F6G7H8"
    secret = changed("Db", PropertyChange("/Properties/MasterUserPassword", "hunter1", "hunter2"))
    events = [
        Started(NETWORK, "create", f"with {key}"),
        ChangeSetCreated(NETWORK, change_set("x", secret)),
    ]

    text = json.dumps(lines_of(events))

    assert key not in text
    assert "hunter" not in text


@given(st.text(), st.text())
def test_any_text_stays_on_its_line(name: str, reason: str) -> None:
    """No text from AWS adds a line, or needs more than ASCII."""
    reporter, stream, clock = make_reporter(json=True)

    report_all(reporter, clock, [Started(name, "create", reason)])

    assert stream.getvalue().isascii()
    assert stream.getvalue().count("\n") == 1
    assert VALID.is_valid(json.loads(stream.getvalue()))


def test_a_change_in_a_nested_stack_has_its_path() -> None:
    """The list of changes includes those of nested stacks."""
    below = replace(changed("Below"), nested=(changed("Table", replacement="True"),))
    [*_, line] = [
        item
        for item in lines_of([ChangeSetCreated(NETWORK, change_set("network", below))])
        if item["event"] == "change_set_created"
    ]

    assert [error.message for error in VALID.iter_errors(line)] == []
    assert [
        (change["path"], change["logical_id"], change["kind"])
        for change in line["change_set"]["changes"]
        if change["path"]
    ] == [(["Below"], "Table", "replaced")]
