"""What the account holds survives a restart, a crash and a kill in the middle of an operation."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

import emulator
from tests.emulator.templates import parameter, ref, resource, template, topic
from tests.emulator_server import Aws


class Machine:
    """An emulator of the test's own, to be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.aws = Aws(emulator.start(folder))

    def kill(self) -> None:
        """End the server without a word, and wait until it is gone."""
        pid = emulator.status(self.folder).pid
        os.kill(pid or 0, signal.SIGKILL)
        while emulator.running(self.folder):
            time.sleep(0.01)

    def restart(self) -> Aws:
        """Start it again from what it saved."""
        self.aws = Aws(emulator.start(self.folder))
        return self.aws


@pytest.fixture
def machine(tmp_path: Path):
    """A server of the test's own, stopped afterwards."""
    yield Machine(tmp_path / ".emulator")
    emulator.stop(tmp_path / ".emulator")


def until(found: Any, *, seconds: float = 10) -> None:
    """Wait until *found* answers something."""
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def paced(aws: Aws, stack: str, body: dict[str, Any]) -> None:
    """Start an operation on *stack* and return in its middle, with the first resource done."""
    execute_paced(aws, stack, aws.propose(stack, body, ChangeSetName="paced"))


def execute_paced(aws: Aws, stack: str, change_set: str) -> None:
    """Execute a change set and return in the middle, with the first resource done."""
    emulator.set_resource_delay(aws.endpoint, 0.5)
    before = len(aws.events(stack))
    aws.cfn.execute_change_set(ChangeSetName=change_set)
    until(lambda: any(e[1].endswith("_COMPLETE") for e in aws.events(stack)[before:]))


def test_kill_between(machine: Machine) -> None:
    """A completed operation is saved when it is seen; an object a second later; the rest goes on.

    A half-written state beside the good one, as a kill while saving leaves it, does no harm.
    """
    aws = machine.aws
    made = template(Bucket=resource("AWS::S3::Bucket", BucketName="kept"), Topic=topic()) | {
        "Outputs": {"Topic": {"Value": ref("Topic"), "Export": {"Name": "topic"}}}
    }
    aws.deploy("s", made)
    aws.client("s3").put_object(Bucket="kept", Key="a/b", Body=b"body")
    proposed = aws.propose("s", template(Topic=topic()))
    machine.kill()
    (machine.folder / "state.new").write_text('{"services": ')

    aws = machine.restart()

    assert "CREATE_COMPLETE" == aws.stack("s")["StackStatus"]
    assert "topic" == aws.cfn.list_exports()["Exports"][0]["Name"]
    assert b"body" == aws.client("s3").get_object(Bucket="kept", Key="a/b")["Body"].read()
    aws.cfn.execute_change_set(ChangeSetName=proposed)
    assert "UPDATE_COMPLETE" == aws.settled("s")["StackStatus"]


def test_kill_within(machine: Machine) -> None:
    """An operation that was not saved is as if never begun, with all it made."""
    bucket = resource("AWS::S3::Bucket", BucketName="half-made")
    body = template(A=bucket, B=parameter("1", DependsOn="A"))
    made = machine.aws.propose("s", body)
    saved = (machine.folder / "state.json").read_bytes()
    execute_paced(machine.aws, "s", made)
    machine.aws.client("s3").put_object(Bucket="half-made", Key="k", Body=b"x")
    machine.kill()
    (machine.folder / "state.json").write_bytes(saved)  # It is saved again within a second.

    aws = machine.restart()
    [change_set] = aws.cfn.list_change_sets(StackName="s")["Summaries"]
    aws.cfn.execute_change_set(ChangeSetName=change_set["ChangeSetId"])

    assert "CREATE_COMPLETE" == aws.settled("s")["StackStatus"]


def test_kill_within_saved(machine: Machine) -> None:
    """Operations that were saved half-way are undone, and a delete goes on.

    Then each stack is in a state a deployer can go on from.
    """
    aws = machine.aws
    aws.deploy("changing", template(A=parameter("1"), B=parameter("1", DependsOn="A")))
    aws.deploy("going", template(A=parameter("1"), B=parameter("1", DependsOn="A")))
    paced(
        aws, "changing", template(A=parameter("2"), B=parameter("2", DependsOn="A"), C=topic("n"))
    )
    paced(aws, "coming", template(A=topic("c"), B=parameter("1", DependsOn="A")))
    aws.cfn.delete_stack(StackName="going")
    until(lambda: aws.stack("going")["StackStatus"] == "DELETE_IN_PROGRESS")
    aws.propose("saving", template(A=topic("x")))
    machine.kill()

    aws = machine.restart()

    assert "UPDATE_ROLLBACK_COMPLETE" == aws.stack("changing")["StackStatus"]
    assert "REVIEW_IN_PROGRESS" == aws.stack("coming")["StackStatus"]
    assert [] == aws.client("sns").list_topics()["Topics"]
    with pytest.raises(aws.cfn.exceptions.ClientError, match="does not exist"):
        aws.stack("going")
    names = aws.client("ssm").describe_parameters()["Parameters"]
    values = {aws.client("ssm").get_parameter(Name=n["Name"])["Parameter"]["Value"] for n in names}
    assert ({"1"}, 2) == (values, len(names))
    assert "CREATE_COMPLETE" == aws.deploy("coming", template(A=topic("c")))["StackStatus"]
    assert "UPDATE_COMPLETE" == aws.deploy("changing", template(A=parameter("3")))["StackStatus"]


def test_others_go_on(aws: Aws) -> None:
    """While one stack takes its time, another one is made, and events come as they happen."""
    emulator.set_resource_delay(aws.endpoint, 0.8)
    made = aws.propose("slow", template(A=topic("a"), B=topic("b"), C=topic("c")))
    aws.cfn.execute_change_set(ChangeSetName=made)
    started = time.monotonic()

    fast = aws.deploy("fast", template(A=topic("d")))
    meanwhile = aws.stack("slow")["StackStatus"]

    assert ("CREATE_COMPLETE", "CREATE_IN_PROGRESS") == (fast["StackStatus"], meanwhile)
    assert "CREATE_COMPLETE" == aws.settled("slow")["StackStatus"]
    assert 1.6 < time.monotonic() - started < 10


def test_accounts_apart(aws: Aws, server: emulator.Endpoint) -> None:
    """Two accounts on one server see nothing of each other."""
    other = Aws(emulator.as_account(server, "555555555555"))
    aws.deploy("s", template(A=topic()))

    assert [] == other.cfn.describe_stacks()["Stacks"]
    assert [] == other.client("sns").list_topics()["Topics"]
    assert "555555555555" == other.client("sts").get_caller_identity()["Account"]


def test_a_state_with_what_xml_cannot_carry(machine: Machine) -> None:
    """A state that an earlier version saved with a control character is listed and deleted."""
    outputs = {"Outputs": {"O": {"Value": "MARK", "Description": "MARK"}}}
    machine.aws.deploy("s", template(A=parameter("x")) | outputs)
    emulator.stop(machine.folder)
    state = machine.folder / "state.json"
    state.write_text(state.read_text().replace("MARK", "a\\u0001b\\ud800c"))

    aws = machine.restart()

    assert {"O": "a\ufffdb\ufffdc"} == aws.outputs("s")
    assert ["s"] == [stack["StackName"] for stack in aws.cfn.describe_stacks()["Stacks"]]
    assert "DELETE_COMPLETE" == aws.delete("s")["StackStatus"]
