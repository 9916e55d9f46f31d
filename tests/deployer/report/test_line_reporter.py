"""The lines of a run in a log."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from deployer.errors import StaleError
from deployer.events import ChangeSetCreated, Finished, OperationStarted, Outcome, Started
from deployer.plan import Create
from deployer.report import LivePlan, Style, error_text
from deployer.report.line_reporter import INTERVAL_SECONDS, LineReporter
from tests.deployer.report.samples import (
    CREATED,
    CREATING,
    FAILED,
    NETWORK,
    ORPHANS,
    STEPS,
    UPLOADS,
    added,
    change_set,
    make_reporter,
    progress,
    report_all,
)
from tests.fakes import REGION, FakeClock

RUN = """\
x: account 000000000000, region ca-central-1
crd-x-network   create   not in the account yet
crd-x-cluster   update   template changed
crd-x-assets    keep     unchanged
crd-x-database  blocked  UPDATE_FAILED
                hint: roll it back
crd-x-old       orphan   deployed, but no longer in layers() (ca-central-1)
                hint: to remove it: ./inv destroy --stack=crd-x-old --env=x
crd-x-cluster   upload   the template has 60,000 bytes
4 stacks: 1 create, 1 update, 1 keep, 1 blocked; 1 orphan; 1 upload
crd-x-network   create              not in the account yet
crd-x-network: 2 added
  + 2 resources: Vpc, Subnet1
crd-x-network   creating            in ca-central-1
crd-x-network   created             in 18 s
crd-x-cluster   update              template changed
crd-x-cluster: 1 changed
  ~ Service  AWS::X::Y
      DesiredCount: 1 → 2
crd-x-cluster   updating            in ca-central-1
crd-x-cluster   UPDATE_FAILED       Service (AWS::EC2::VPC): no capacity left \
(defined at stacks/network.py:88)
crd-x-cluster   failed              LoadBalancer (AWS::X::Y): no capacity left \
(defined at stacks/cluster.py:9)
crd-x-service   skipped             it depends on crd-x-cluster
1 created, 1 skipped, 1 failed, in 32 s
failed: crd-x-cluster: LoadBalancer (AWS::X::Y): no capacity left (defined at stacks/cluster.py:9)
        the stack is in UPDATE_ROLLBACK_COMPLETE
hint:   fix it, then rerun ./inv deploy --stack=cluster
skipped: crd-x-service: it depends on crd-x-cluster
"""


def test_a_whole_run() -> None:
    """A run is printed with stable columns, from the first line to the summary."""
    reporter, stream, clock = make_reporter()

    with reporter:
        reporter.start("x", "000000000000", REGION, emulator=False)
        reporter.plan(LivePlan(STEPS, ORPHANS, UPLOADS))
        report_all(reporter, clock, [*CREATING, *CREATED, *FAILED])
        reporter.summary()

    assert stream.getvalue() == RUN


def test_new_stacks_in_the_emulator() -> None:
    """In the emulator a new stack has one line for its change set, and none for its step."""
    reporter, stream, clock = make_reporter()
    creates = [step for step in STEPS if isinstance(step, Create)]

    reporter.start("x", "000000000000", REGION, emulator=True)
    reporter.plan(LivePlan(creates))
    report_all(reporter, clock, [*CREATING, *CREATED])

    assert stream.getvalue() == (
        "x: account 000000000000, region ca-central-1, emulator\n"
        "1 stack: 1 create\n"
        "crd-x-network: 2 added\n"
        "crd-x-network  creating            in ca-central-1\n"
        "crd-x-network  created             in 18 s\n"
    )


def test_resources_added_to_a_stack_in_the_emulator() -> None:
    """In the emulator the changes of a stack that exists are listed, even if all add a resource."""
    reporter, stream, _ = make_reporter()
    reporter.start("x", "000000000000", REGION, emulator=True)
    reporter.plan(LivePlan(STEPS))

    reporter.event(ChangeSetCreated("crd-x-cluster", change_set("cluster", added("Queue"))))

    assert stream.getvalue().endswith("crd-x-cluster: 1 added\n  + 1 resource: Queue\n")


def test_an_account() -> None:
    """For an account the first line does not contain the word emulator."""
    reporter, stream, _ = make_reporter()

    reporter.start("prod", "123456789012", "eu-central-1", emulator=False)

    assert stream.getvalue() == "prod: account 123456789012, region eu-central-1\n"


def test_the_first_line_names_the_aws_setup() -> None:
    """The first line has the profile and the proxy in use."""
    reporter, stream, _ = make_reporter()

    reporter.start("x", "1", "r", emulator=False, origins=["profile x", "proxy http://proxy"])

    assert stream.getvalue() == "x: account 1, region r · profile x · proxy http://proxy\n"


def test_an_interrupt_names_running_operations() -> None:
    """After an interrupt, running operations and unexecuted change sets are listed."""
    reporter, stream, clock = make_reporter()
    report_all(
        reporter, clock, [*CREATING, *FAILED, ChangeSetCreated("crd-x-users", change_set("users"))]
    )
    before = len(stream.getvalue())

    reporter.interrupted()

    assert stream.getvalue()[before:] == (
        "interrupted: these operations continue in AWS:\n"
        "  crd-x-network: creating in ca-central-1, 1 of 2 resources done\n"
        "  crd-x-users: its change set exists, and may have been executed\n"
        "hint: run the same command again to continue\n"
        "      to follow the operations: ./inv attach\n"
        "      to cancel them: ./inv cancel\n"
    )


def test_an_interrupt_without_running_operations() -> None:
    """A finished deletion before a creation is not listed as running."""
    reporter, stream, clock = make_reporter()
    delete = OperationStarted(NETWORK, REGION, "delete", f"arn:stack/{NETWORK}")
    report_all(reporter, clock, [delete, progress("network", NETWORK, "DELETE_COMPLETE")])

    reporter.interrupted()

    assert stream.getvalue().endswith("interrupted: no operation continues in AWS\n")


def test_a_pending_change_set_has_its_command() -> None:
    """`--no-execute` ends with the command that executes each change set."""
    reporter, stream, clock = make_reporter()
    left = Finished(NETWORK, Outcome.PENDING_REVIEW, "arn:changeSet/network")
    report_all(
        reporter, clock, [ChangeSetCreated(NETWORK, change_set("network", added("Vpc"))), left]
    )

    reporter.summary()

    command = "aws cloudformation execute-change-set --change-set-name"
    assert f"  {command} arn:changeSet/network --region {REGION}\n" in stream.getvalue()


def test_a_failed_step_is_in_the_summary() -> None:
    """The failure of the first of several steps is not hidden by the skipped later ones."""
    reporter, stream, clock = make_reporter()
    error = StaleError(f"{NETWORK}: no room", hint="make room")
    failed = Finished(NETWORK, Outcome.FAILED, error.message, error=error)
    report_all(reporter, clock, [failed, Finished(NETWORK, Outcome.SKIPPED, "a step failed")])

    reporter.summary()

    assert stream.getvalue().endswith(
        f"1 failed, in 4 s\nfailed: {NETWORK}: no room\nhint:   make room\n"
    )


def test_retained_data_is_in_the_summary() -> None:
    """Data that a destroy retained is listed at the end, with the reason."""
    reporter, stream, clock = make_reporter()
    kept = "kept by its DeletionPolicy: Table (messages)"
    report_all(
        reporter, clock, [Started(NETWORK, "delete", "x"), Finished(NETWORK, Outcome.DELETED, kept)]
    )

    reporter.summary()

    assert stream.getvalue().endswith(f"1 deleted, in 4 s\nkept: crd-x-network: {kept}\n")


def test_an_error_has_place_fact_and_hint() -> None:
    """Further lines of an error are indented to the text of the first."""
    error = StaleError("build/dev: not what the code says:\n  network.yaml", hint="run synth\nnow")

    text = error_text(error)

    assert text == (
        "error: build/dev: not what the code says:\n"
        "         network.yaml\n"
        "hint:  run synth\n"
        "       now\n"
    )


@pytest.mark.parametrize(
    ("encoding", "arrow"), [("utf-8", "1 → 2"), ("latin-1", "1 -> 2"), ("ascii", "1 -> 2")]
)
def test_a_limited_encoding(encoding: str, arrow: str) -> None:
    """Characters that the encoding lacks are replaced."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    reporter, clock = LineReporter(stream, Style(encoding=encoding), FakeClock().now), FakeClock()

    report_all(reporter, clock, [Started("crd-x-日本", "create", "± ü"), *FAILED])
    reporter.summary()

    assert arrow in raw.getvalue().decode(encoding)


def test_lines_do_not_import_rich() -> None:
    """Only the progress display imports rich, which takes a quarter of a second."""
    code = "import sys, deployer.report as r; r.reporter(json=False, stream=sys.stderr, environ={})"
    code += "; print('rich' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


def test_progress_is_repeated_after_an_interval() -> None:
    """A long operation prints a line per interval, not one for each resource."""
    reporter, stream, clock = make_reporter()
    events = [progress("network", f"Subnet{number}", "CREATE_IN_PROGRESS") for number in range(20)]
    report_all(reporter, clock, [*CREATING[:3], *events])

    shown = [line.split()[-1] for line in stream.getvalue().splitlines() if "resources, " in line]

    assert INTERVAL_SECONDS == 30
    assert shown == ["Subnet14"]


def test_a_rollback_is_shown_immediately() -> None:
    """The first resource after a rollback began has a line, before the interval has passed."""
    reporter, stream, clock = make_reporter()
    rollback = progress("network", NETWORK, "ROLLBACK_IN_PROGRESS")
    deletion = progress("network", "Vpc", "DELETE_IN_PROGRESS")

    report_all(reporter, clock, [*CREATING, rollback, deletion])

    assert "crd-x-network  rolling back        1 of 2 resources, Vpc\n" in stream.getvalue()
