"""The data of accounts after a restart or a kill."""

from __future__ import annotations

from pathlib import Path

import pytest

import emulator
from deployer.errors import EmulatorError
from emulator.paths import EmulatorPaths
from emulator.state import State
from tests.emulator.damaged_states import DAMAGED_STATES
from tests.emulator.own_emulator import OwnEmulator
from tests.emulator.templates import parameter, ref, resource, template, topic
from tests.emulator_server import Aws


@pytest.mark.parametrize("content", DAMAGED_STATES, ids=range(len(DAMAGED_STATES)))
def test_damaged_state(tmp_path: Path, content: bytes) -> None:
    """A state file that cannot be loaded is an error with a hint, and is not changed."""
    paths = EmulatorPaths(tmp_path / ".emulator")
    paths.create()
    paths.state.write_bytes(content)

    with pytest.raises(EmulatorError) as failed:
        State(paths).load()

    assert f"{paths.state}: is not a valid state" in failed.value.message
    assert f"mv {paths.folder} {paths.folder}.damaged" in failed.value.hint
    assert content == paths.state.read_bytes()


def test_kill_after_an_operation(own_emulator: OwnEmulator) -> None:
    """After a kill all completed operations still exist, and an open change set can be executed.

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

    assert aws.stack("s")["StackStatus"] == "CREATE_COMPLETE"
    assert aws.cfn.list_exports()["Exports"][0]["Name"] == "topic"
    assert aws.client("s3").get_object(Bucket="kept", Key="a/b")["Body"].read() == b"body"
    aws.cfn.execute_change_set(ChangeSetName=proposed)
    assert aws.wait_for_stack("s")["StackStatus"] == "UPDATE_COMPLETE"


def test_accounts_are_separate(aws: Aws, server: emulator.Endpoint) -> None:
    """Two accounts on one server share no resources."""
    other = Aws(emulator.as_account(server, "555555555555"))
    aws.deploy("s", template(A=topic()))

    assert other.cfn.describe_stacks()["Stacks"] == []
    assert other.client("sns").list_topics()["Topics"] == []
    assert other.client("sts").get_caller_identity()["Account"] == "555555555555"


def test_saved_characters_that_xml_does_not_allow(own_emulator: OwnEmulator) -> None:
    """A saved stack with control characters can be listed and deleted."""
    outputs = {"Outputs": {"O": {"Value": "MARK", "Description": "MARK"}}}
    own_emulator.aws.deploy("s", template(A=parameter("x")) | outputs)
    emulator.stop(own_emulator.folder)
    state = own_emulator.folder / "state.json"
    state.write_text(state.read_text().replace("MARK", "a\\u0001b\\ud800c"))

    aws = own_emulator.restart()

    assert aws.outputs("s") == {"O": "a\ufffdb\ufffdc"}
    assert [stack["StackName"] for stack in aws.cfn.describe_stacks()["Stacks"]] == ["s"]
    assert aws.delete("s")["StackStatus"] == "DELETE_COMPLETE"


def test_paused_autosave(own_emulator: OwnEmulator) -> None:
    """An emulator whose autosave is paused saves only when it stops."""
    state = own_emulator.folder / "state.json"
    emulator.pause_autosave(own_emulator.aws.endpoint)
    before = state.read_bytes() if state.exists() else b""
    own_emulator.aws.deploy("s", template(A=topic()))
    unsaved = state.read_bytes() if state.exists() else b""

    emulator.stop(own_emulator.folder)
    aws = own_emulator.restart()

    assert before == unsaved
    assert aws.stack("s")["StackStatus"] == "CREATE_COMPLETE"
