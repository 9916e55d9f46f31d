"""What a run looks like in a log."""

from __future__ import annotations

import io
import subprocess
import sys
import time

import pytest

from deployer.errors import StaleError
from deployer.events import Finished, Operating, Outcome, Proposed, Started
from deployer.report import Style, error_text
from deployer.report.line_reporter import LineReporter
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
    listening,
    progress,
    tell,
)
from tests.fakes import REGION, FakeClock

STORY = """\
x: account 000000000000, region ca-central-1, emulator
crd-x-network   create   not in the account yet
crd-x-cluster   update   template changed
crd-x-assets    keep     unchanged
crd-x-database  blocked  UPDATE_FAILED
                hint: roll it back
crd-x-old       orphan   deployed, but no longer a layer (ca-central-1)
                hint: to remove it: ./inv destroy --stack=crd-x-old --env=x
crd-x-cluster   upload   the template has 60,000 bytes
4 stacks: 1 create, 1 update, 1 keep, 1 blocked; 1 orphan; 1 upload
crd-x-network   create              not in the account yet
crd-x-network: 2 added
  + 2 resources: Vpc, Subnet1
crd-x-network   creating            in ca-central-1
crd-x-network   CREATE_IN_PROGRESS  crd-x-network (AWS::CloudFormation::Stack)
crd-x-network   CREATE_IN_PROGRESS  Vpc (AWS::EC2::VPC)
crd-x-network   CREATE_COMPLETE     Vpc (AWS::EC2::VPC)
crd-x-network   CREATE_COMPLETE     Subnet1 (AWS::EC2::VPC)
crd-x-network   CREATE_COMPLETE     crd-x-network (AWS::CloudFormation::Stack)
crd-x-network   created             in 18 s
crd-x-cluster   update              template changed
crd-x-cluster: 1 changed
  ~ Service  AWS::X::Y
      DesiredCount: 1 → 2
crd-x-cluster   updating            in ca-central-1
crd-x-cluster   UPDATE_FAILED       Service (AWS::EC2::VPC): there is none left \
(made at stacks/network.py:88)
crd-x-cluster   failed              LoadBalancer (AWS::X::Y): there is none left \
(made at stacks/cluster.py:9)
crd-x-service   skipped             it stands on crd-x-cluster
1 created, 1 skipped, 1 failed, in 32 s
failed: crd-x-cluster: LoadBalancer (AWS::X::Y): there is none left (made at stacks/cluster.py:9)
        the stack is in UPDATE_ROLLBACK_COMPLETE
hint:   mend it, then run `invoke deploy --stack=cluster` again
skipped: crd-x-service: it stands on crd-x-cluster
"""


def test_a_whole_run_is_told_line_by_line() -> None:
    """From the first line to the summary: stable columns, one line per thing."""
    told, stream, clock = listening()

    with told:
        told.start("x", "000000000000", REGION, emulator=True)
        told.plan(STEPS, ORPHANS, UPLOADS)
        tell(told, clock, [*CREATING, *CREATED, *FAILED])
        told.summary()

    assert STORY == stream.getvalue()


def test_an_account_is_named_without_more() -> None:
    """Only the emulator is called so."""
    told, stream, _ = listening()

    told.start("prod", "123456789012", "eu-central-1", emulator=False)

    assert "prod: account 123456789012, region eu-central-1\n" == stream.getvalue()


def test_the_first_line_names_what_is_taken_from_the_aws_setup() -> None:
    """The log shows the proxy of the run."""
    told, stream, _ = listening()

    told.start("x", "1", "r", emulator=False, origins=["profile x", "proxy http://proxy"])

    assert "x: account 1, region r · profile x · proxy http://proxy\n" == stream.getvalue()


def test_an_interrupt_names_what_goes_on() -> None:
    """Operations that did not end go on in AWS, and what was proposed waits."""
    told, stream, clock = listening()
    tell(told, clock, [*CREATING, *FAILED, Proposed("crd-x-users", change_set("users"))])
    before = len(stream.getvalue())

    began = time.monotonic()
    told.interrupted()

    assert time.monotonic() - began < 0.2
    assert stream.getvalue()[before:] == (
        "interrupted: this goes on in AWS:\n"
        "  crd-x-network: creating in ca-central-1, 1 of 2 resources done\n"
        "  crd-x-users: its change set is there, and was not seen to begin\n"
        "hint: run the same command again to follow it; `invoke status` shows it\n"
    )


def test_an_interrupt_says_that_nothing_goes_on() -> None:
    """Also when a deletion before a creation is over, and its creation was not begun."""
    told, stream, clock = listening()
    delete = Operating(NETWORK, REGION, "delete", f"arn:stack/{NETWORK}")
    tell(told, clock, [delete, progress("network", NETWORK, "DELETE_COMPLETE")])

    told.interrupted()

    assert stream.getvalue().endswith("interrupted: nothing that was started goes on in AWS\n")


def test_a_change_set_left_comes_with_its_command() -> None:
    """`--no-execute` ends with what executes each."""
    told, stream, clock = listening()
    left = Finished(NETWORK, Outcome.PENDING_REVIEW, "arn:changeSet/network")
    tell(told, clock, [Proposed(NETWORK, change_set("network", added("Vpc"))), left])

    told.summary()

    command = "aws cloudformation execute-change-set --change-set-name"
    assert f"  {command} arn:changeSet/network --region {REGION}\n" in stream.getvalue()


def test_what_a_destroy_keeps_is_said_again_at_the_end() -> None:
    """With the reason it was kept for."""
    told, stream, clock = listening()
    kept = "kept by its DeletionPolicy: Table (messages)"
    tell(told, clock, [Started(NETWORK, "delete", "x"), Finished(NETWORK, Outcome.DELETED, kept)])

    told.summary()

    assert stream.getvalue().endswith(f"1 deleted, in 4 s\nkept: crd-x-network: {kept}\n")


def test_an_error_names_place_fact_and_way_out() -> None:
    """Later lines stand below the words of the first."""
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
def test_a_poor_encoding_gets_other_characters(encoding: str, arrow: str) -> None:
    """Whatever the stream's encoding is, everything can be written to it."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    told, clock = LineReporter(stream, Style(encoding=encoding), FakeClock().now), FakeClock()

    tell(told, clock, [Started("crd-x-日本", "create", "± ü"), *FAILED])
    told.summary()

    assert arrow in raw.getvalue().decode(encoding)


def test_a_log_costs_no_rich() -> None:
    """Only the live display imports it: it takes a quarter of a second."""
    code = "import sys, deployer.report as r; r.reporter(json=False, stream=sys.stderr, environ={})"
    code += "; print('rich' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False\n" == done.stdout
