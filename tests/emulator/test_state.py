"""The data of accounts after a restart, a crash, and a kill in the middle of an operation."""

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


class OwnEmulator:
    """An emulator for one test, which may be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.aws = Aws(emulator.start(folder))

    def kill(self) -> None:
        """Kill the server with SIGKILL, and wait until it has ended."""
        pid = emulator.status(self.folder).pid
        os.kill(pid or 0, signal.SIGKILL)
        while emulator.running(self.folder):
            time.sleep(0.01)

    def restart(self) -> Aws:
        """Start the server again with its saved state."""
        self.aws = Aws(emulator.start(self.folder))
        return self.aws


@pytest.fixture
def own_emulator(tmp_path: Path):
    """An emulator for one test, which is stopped afterwards."""
    yield OwnEmulator(tmp_path / ".emulator")
    emulator.stop(tmp_path / ".emulator")


def wait_until(condition: Any, *, seconds: float = 10) -> None:
    """Wait until *condition* returns a true value."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def start_slowly(aws: Aws, stack: str, body: dict[str, Any]) -> None:
    """Start an operation on *stack*, and return when its first resource is complete."""
    execute_slowly(aws, stack, aws.create_change_set(stack, body, ChangeSetName="slow"))


def execute_slowly(aws: Aws, stack: str, change_set: str) -> None:
    """Execute a change set, and return when its first resource is complete."""
    emulator.set_resource_delay(aws.endpoint, 0.5)
    before = len(aws.events(stack))
    aws.cfn.execute_change_set(ChangeSetName=change_set)
    wait_until(lambda: any(e[1].endswith("_COMPLETE") for e in aws.events(stack)[before:]))


def test_kill_after_an_operation(own_emulator: OwnEmulator) -> None:
    """After a kill all completed operations are there, and an open change set can be executed.

    A kill while the state is saved leaves an incomplete draft, which is ignored.
    """
    aws = own_emulator.aws
    body = template(Bucket=resource("AWS::S3::Bucket", BucketName="kept"), Topic=topic()) | {
        "Outputs": {"Topic": {"Value": ref("Topic"), "Export": {"Name": "topic"}}}
    }
    aws.deploy("s", body)
    aws.client("s3").put_object(Bucket="kept", Key="a/b", Body=b"body")
    proposed = aws.create_change_set("s", template(Topic=topic()))
    own_emulator.kill()
    (own_emulator.folder / ".state.json.x1").write_text('{"services": ')

    aws = own_emulator.restart()

    assert "CREATE_COMPLETE" == aws.stack("s")["StackStatus"]
    assert "topic" == aws.cfn.list_exports()["Exports"][0]["Name"]
    assert b"body" == aws.client("s3").get_object(Bucket="kept", Key="a/b")["Body"].read()
    aws.cfn.execute_change_set(ChangeSetName=proposed)
    assert "UPDATE_COMPLETE" == aws.wait_for_stack("s")["StackStatus"]


def test_kill_during_an_unsaved_operation(own_emulator: OwnEmulator) -> None:
    """An operation that was not saved is undone completely, and can be started again."""
    bucket = resource("AWS::S3::Bucket", BucketName="half-made")
    body = template(A=bucket, B=parameter("1", DependsOn="A"))
    created = own_emulator.aws.create_change_set("s", body)
    saved = (own_emulator.folder / "state.json").read_bytes()
    execute_slowly(own_emulator.aws, "s", created)
    own_emulator.aws.client("s3").put_object(Bucket="half-made", Key="k", Body=b"x")
    own_emulator.kill()
    (own_emulator.folder / "state.json").write_bytes(saved)  # The server may have saved it again.

    aws = own_emulator.restart()
    [change_set] = aws.cfn.list_change_sets(StackName="s")["Summaries"]
    aws.cfn.execute_change_set(ChangeSetName=change_set["ChangeSetId"])

    assert "CREATE_COMPLETE" == aws.wait_for_stack("s")["StackStatus"]


def test_kill_during_a_saved_operation(own_emulator: OwnEmulator) -> None:
    """Interrupted creates and updates are rolled back, and a delete is continued.

    Afterwards each stack can be deployed again.
    """
    aws = own_emulator.aws
    aws.deploy("changing", template(A=parameter("1"), B=parameter("1", DependsOn="A")))
    aws.deploy("deleting", template(A=parameter("1"), B=parameter("1", DependsOn="A")))
    start_slowly(
        aws, "changing", template(A=parameter("2"), B=parameter("2", DependsOn="A"), C=topic("n"))
    )
    start_slowly(aws, "creating", template(A=topic("c"), B=parameter("1", DependsOn="A")))
    aws.cfn.delete_stack(StackName="deleting")
    wait_until(lambda: aws.stack("deleting")["StackStatus"] == "DELETE_IN_PROGRESS")
    aws.create_change_set("saving", template(A=topic("x")))
    own_emulator.kill()

    aws = own_emulator.restart()

    assert "UPDATE_ROLLBACK_COMPLETE" == aws.stack("changing")["StackStatus"]
    assert "REVIEW_IN_PROGRESS" == aws.stack("creating")["StackStatus"]
    assert [] == aws.client("sns").list_topics()["Topics"]
    with pytest.raises(aws.cfn.exceptions.ClientError, match="does not exist"):
        aws.stack("deleting")
    names = aws.client("ssm").describe_parameters()["Parameters"]
    values = {aws.client("ssm").get_parameter(Name=n["Name"])["Parameter"]["Value"] for n in names}
    assert ({"1"}, 2) == (values, len(names))
    assert "CREATE_COMPLETE" == aws.deploy("creating", template(A=topic("c")))["StackStatus"]
    assert "UPDATE_COMPLETE" == aws.deploy("changing", template(A=parameter("3")))["StackStatus"]


def test_delay_of_one_stack(aws: Aws) -> None:
    """While the resources of one stack are delayed, another stack can be created."""
    emulator.set_resource_delay(aws.endpoint, 0.8)
    change_set = aws.create_change_set("slow", template(A=topic("a"), B=topic("b"), C=topic("c")))
    aws.cfn.execute_change_set(ChangeSetName=change_set)
    started = time.monotonic()

    fast = aws.deploy("fast", template(A=topic("d")))
    meanwhile = aws.stack("slow")["StackStatus"]

    assert ("CREATE_COMPLETE", "CREATE_IN_PROGRESS") == (fast["StackStatus"], meanwhile)
    assert "CREATE_COMPLETE" == aws.wait_for_stack("slow")["StackStatus"]
    assert 1.6 < time.monotonic() - started < 10


def test_accounts_are_separate(aws: Aws, server: emulator.Endpoint) -> None:
    """Two accounts on one server share no resources."""
    other = Aws(emulator.as_account(server, "555555555555"))
    aws.deploy("s", template(A=topic()))

    assert [] == other.cfn.describe_stacks()["Stacks"]
    assert [] == other.client("sns").list_topics()["Topics"]
    assert "555555555555" == other.client("sts").get_caller_identity()["Account"]


def test_saved_characters_that_xml_does_not_allow(own_emulator: OwnEmulator) -> None:
    """A saved stack with control characters can be listed and deleted."""
    outputs = {"Outputs": {"O": {"Value": "MARK", "Description": "MARK"}}}
    own_emulator.aws.deploy("s", template(A=parameter("x")) | outputs)
    emulator.stop(own_emulator.folder)
    state = own_emulator.folder / "state.json"
    state.write_text(state.read_text().replace("MARK", "a\\u0001b\\ud800c"))

    aws = own_emulator.restart()

    assert {"O": "a\ufffdb\ufffdc"} == aws.outputs("s")
    assert ["s"] == [stack["StackName"] for stack in aws.cfn.describe_stacks()["Stacks"]]
    assert "DELETE_COMPLETE" == aws.delete("s")["StackStatus"]
