"""Stack operations that were in progress when the server was killed."""

from __future__ import annotations

import pytest

from tests.emulator.own_emulator import OwnEmulator, execute_slowly, start_slowly, wait_until
from tests.emulator.templates import parameter, resource, template, topic


def test_kill_during_an_unsaved_operation(own_emulator: OwnEmulator) -> None:
    """An operation that was not saved is undone completely, and can be repeated."""
    bucket = resource("AWS::S3::Bucket", BucketName="partial-bucket")
    body = template(A=bucket, B=parameter("1", DependsOn="A"))
    created = own_emulator.aws.create_change_set("s", body)
    saved = (own_emulator.folder / "state.json").read_bytes()
    execute_slowly(own_emulator.aws, {"s": created})
    own_emulator.aws.client("s3").put_object(Bucket="partial-bucket", Key="k", Body=b"x")
    own_emulator.kill()
    (own_emulator.folder / "state.json").write_bytes(saved)  # The server may have saved it again.

    aws = own_emulator.restart()
    [change_set] = aws.cfn.list_change_sets(StackName="s")["Summaries"]
    aws.cfn.execute_change_set(ChangeSetName=change_set["ChangeSetId"])

    assert aws.wait_for_stack("s")["StackStatus"] == "CREATE_COMPLETE"


def test_kill_during_a_saved_operation(own_emulator: OwnEmulator) -> None:
    """Interrupted creates and updates are rolled back, and a delete is continued.

    Afterwards each stack can be deployed again.
    """
    aws = own_emulator.aws
    aws.deploy("changing", template(A=parameter("1"), B=parameter("1", DependsOn="A")))
    aws.deploy("deleting", template(A=parameter("1"), B=parameter("1", DependsOn="A")))
    start_slowly(
        aws,
        changing=template(A=parameter("2"), B=parameter("2", DependsOn="A"), C=topic("n")),
        creating=template(A=topic("c"), B=parameter("1", DependsOn="A")),
    )
    aws.cfn.delete_stack(StackName="deleting")
    wait_until(lambda: aws.stack("deleting")["StackStatus"] == "DELETE_IN_PROGRESS")
    aws.create_change_set("saving", template(A=topic("x")))
    own_emulator.kill()

    aws = own_emulator.restart()

    assert aws.stack("changing")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert aws.stack("creating")["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert aws.client("sns").list_topics()["Topics"] == []
    with pytest.raises(aws.cfn.exceptions.ClientError, match="does not exist"):
        aws.stack("deleting")
    names = aws.client("ssm").describe_parameters()["Parameters"]
    values = {aws.client("ssm").get_parameter(Name=n["Name"])["Parameter"]["Value"] for n in names}
    assert (values, len(names)) == ({"1"}, 2)
    assert aws.deploy("creating", template(A=topic("c")))["StackStatus"] == "CREATE_COMPLETE"
    assert aws.deploy("changing", template(A=parameter("3")))["StackStatus"] == "UPDATE_COMPLETE"
