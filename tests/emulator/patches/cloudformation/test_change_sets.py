"""Change sets: the stacks that accept them, their execution, and changes of outputs or tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import emulator
from tests.emulator.templates import broken, parameter, template, topic

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def refusal(aws: Aws, call: Any, **arguments: Any) -> tuple[str, str]:
    """Return the code and the message with which a call is refused."""
    with pytest.raises(aws.cfn.exceptions.ClientError) as refused:
        call(**arguments)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_after_failed_creation(aws: Aws) -> None:
    """A stack whose creation was rolled back can be neither updated nor created again.

    AWS: rails-lambda/lamby issue 132 (update); that CREATE is refused too: not verified.
    """
    stack = aws.deploy("s", template(Broken=broken()))

    update = refusal(aws, aws.create_change_set, stack="s", template=template(A=topic()))
    create = refusal(
        aws, aws.create_change_set, stack="s", template=template(A=topic()), ChangeSetType="CREATE"
    )

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    state = f"Stack:{stack['StackId']} is in ROLLBACK_COMPLETE state and can not be updated."
    assert ("ValidationError", state) == update
    assert "already exists and cannot be created again" in create[1]
    assert aws.delete("s")["StackStatus"] == "DELETE_COMPLETE"
    assert aws.deploy("s", template(A=topic()))["StackStatus"] == "CREATE_COMPLETE"


def test_operation_in_progress(aws: Aws) -> None:
    """A stack with an operation in progress accepts no change set.

    AWS: "is in UPDATE_IN_PROGRESS state and can not be updated", from many issues.
    """
    aws.deploy("s", template(A=parameter("1")))
    emulator.set_resource_delay(aws.endpoint, 600)
    aws.cfn.execute_change_set(ChangeSetName=aws.create_change_set("s", template(A=parameter("2"))))

    code, message = refusal(
        aws,
        aws.create_change_set,
        stack="s",
        template=template(A=parameter("3")),
        ChangeSetName="second",
    )

    emulator.set_resource_delay(aws.endpoint, 0)
    assert code == "ValidationError"
    assert message.endswith("is in UPDATE_IN_PROGRESS state and can not be updated.")
    assert aws.wait_for_stack("s")["StackStatus"] == "UPDATE_COMPLETE"


def test_delete_during_update(aws: Aws) -> None:
    """A stack with an update in progress is not deleted.

    AWS: "cannot be deleted while in status UPDATE_IN_PROGRESS", from many issues.
    """
    aws.deploy("s", template(A=parameter("1")))
    emulator.set_resource_delay(aws.endpoint, 600)
    aws.cfn.execute_change_set(ChangeSetName=aws.create_change_set("s", template(A=parameter("2"))))

    code, message = refusal(aws, aws.cfn.delete_stack, StackName="s")

    emulator.set_resource_delay(aws.endpoint, 0)
    assert code == "ValidationError"
    assert message == "Stack [s] cannot be deleted while in status UPDATE_IN_PROGRESS"
    assert aws.wait_for_stack("s")["StackStatus"] == "UPDATE_COMPLETE"


def test_no_changes(aws: Aws) -> None:
    """A change set without changes fails and cannot be executed.

    AWS: message of DescribeChangeSet, realestate-com-au/stackup issue 90; of ExecuteChangeSet,
    localstack's validated test test_delete_change_set_exception.
    """
    aws.deploy("s", template(A=topic()))

    change_set = aws.create_change_set("s", template(A=topic()))
    description = aws.cfn.describe_change_set(ChangeSetName=change_set)

    assert (description["Status"], description["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert description["StatusReason"].startswith(
        "The submitted information didn't contain changes."
    )
    message = f"ChangeSet [{change_set}] cannot be executed in its current status of [FAILED]"
    assert ("InvalidChangeSetStatus", message) == refusal(
        aws, aws.cfn.execute_change_set, ChangeSetName=change_set
    )


def test_executed_once(aws: Aws) -> None:
    """A change set can be executed only once.

    AWS: "cannot be executed in its current execution status of [OBSOLETE]", amazon-chime-sdk-js
    issue 1089; the same message for EXECUTE_COMPLETE is not verified.
    """
    change_set = aws.create_change_set("s", template(A=topic()))
    aws.cfn.execute_change_set(ChangeSetName=change_set)
    aws.wait_for_stack("s")

    code, message = refusal(aws, aws.cfn.execute_change_set, ChangeSetName=change_set)

    assert code == "InvalidChangeSetStatus"
    assert message.endswith("in its current execution status of [EXECUTE_COMPLETE]")


@pytest.mark.parametrize("exported", [{}, {"Export": {"Name": "x"}}])
def test_only_outputs(aws: Aws, exported: dict[str, Any]) -> None:
    """A change set that changes only outputs is available, and can be executed.

    AWS: not documented; known from practice, not verified here.
    """
    aws.deploy("s", template(A=topic()))

    outputs = {"Outputs": {"Text": {"Value": "x"} | exported}}
    change_set = aws.create_change_set("s", template(A=topic()) | outputs)
    description = aws.cfn.describe_change_set(ChangeSetName=change_set)
    aws.cfn.execute_change_set(ChangeSetName=change_set)

    assert (description["ExecutionStatus"], description["Changes"]) == ("AVAILABLE", [])
    assert aws.wait_for_stack("s")["StackStatus"] == "UPDATE_COMPLETE"
    assert aws.outputs("s") == {"Text": "x"}


def test_only_tags(aws: Aws) -> None:
    """Changed stack tags change every resource that has tags.

    AWS: measured by MiniStack.
    """
    aws.deploy("s", template(A=topic()), Tags=[{"Key": "env", "Value": "a"}])

    stack = aws.deploy("s", template(A=topic()), Tags=[{"Key": "env", "Value": "b"}])

    assert stack["Tags"] == [{"Key": "env", "Value": "b"}]
    [topic_] = aws.client("sns").list_topics()["Topics"]
    tags = aws.client("sns").list_tags_for_resource(ResourceArn=topic_["TopicArn"])["Tags"]
    assert {"Key": "env", "Value": "b"} in tags


def test_stack_in_review_keeps_its_id(aws: Aws) -> None:
    """A second change set for a stack in review keeps the stack id.

    AWS: the first one creates the stack (API reference, ChangeSetType); the rest is not verified.
    """
    first = aws.cfn.describe_change_set(
        ChangeSetName=aws.create_change_set("s", template(A=topic()))
    )
    second = aws.cfn.describe_change_set(
        ChangeSetName=aws.create_change_set("s", template(A=topic("two")), ChangeSetName="second")
    )

    assert first["StackId"] == second["StackId"] == aws.stack("s")["StackId"]
    assert aws.stack("s")["StackStatus"] == "REVIEW_IN_PROGRESS"
    summaries = aws.cfn.list_change_sets(StackName="s")["Summaries"]
    assert {summary["ChangeSetName"] for summary in summaries} == {"changes", "second"}


def test_listed_by_id(aws: Aws) -> None:
    """The change sets of a stack are listed by its id as well as by its name.

    AWS: "The name or the Amazon Resource Name (ARN) of the stack" (API reference, ListChangeSets).
    """
    change_set = aws.create_change_set("s", template(A=topic()))

    [summary] = aws.cfn.list_change_sets(StackName=aws.stack("s")["StackId"])["Summaries"]

    assert change_set == summary["ChangeSetId"]


def test_stack_in_review_has_no_tags(aws: Aws) -> None:
    """A stack in review has no tags; it gets those of its change set when that is executed.

    AWS: localstack/localstack pull request 13117, whose test ran on AWS.
    """
    tags = [{"Key": "env", "Value": "a"}]
    change_set = aws.create_change_set("s", template(A=topic()), Tags=tags)
    in_review = aws.stack("s")

    aws.cfn.execute_change_set(ChangeSetName=change_set)

    assert in_review["Tags"] == []
    assert tags == aws.wait_for_stack("s")["Tags"]


def test_refused_change_set_in_review(aws: Aws) -> None:
    """A refused change set does not change a stack in review."""
    aws.create_change_set("s", template(A=topic()))
    before = aws.stack("s")

    refusal(
        aws,
        aws.create_change_set,
        stack="s",
        template=template(A=parameter({"Ref": "Missing"})),
        ChangeSetName="second",
    )

    assert before == aws.stack("s")


def test_termination_protection(aws: Aws) -> None:
    """A stack with termination protection is not deleted.

    AWS: "Protect CloudFormation stacks from being deleted" (user guide).
    """
    aws.deploy("s", template(A=topic()))
    aws.cfn.update_termination_protection(StackName="s", EnableTerminationProtection=True)

    code, message = refusal(aws, aws.cfn.delete_stack, StackName="s")

    assert code == "ValidationError"
    assert "TerminationProtection is enabled" in message
