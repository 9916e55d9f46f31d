"""Change sets: what they may be made for, what they may be executed in, what counts as a change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import emulator
from tests.emulator.templates import broken, parameter, template, topic

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def refusal(aws: Aws, call: Any, **arguments: Any) -> tuple[str, str]:
    """Return code and message of a call that must be refused."""
    with pytest.raises(aws.cfn.exceptions.ClientError) as refused:
        call(**arguments)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_failed_create(aws: Aws) -> None:
    """A stack whose creation rolled back can be neither updated nor created again.

    AWS: rails-lambda/lamby issue 132 (update); that CREATE is refused too: not verified.
    """
    stack = aws.deploy("s", template(Broken=broken()))

    update = refusal(aws, aws.create_change_set, stack="s", template=template(A=topic()))
    again = refusal(
        aws, aws.create_change_set, stack="s", template=template(A=topic()), ChangeSetType="CREATE"
    )

    assert "ROLLBACK_COMPLETE" == stack["StackStatus"]
    state = f"Stack:{stack['StackId']} is in ROLLBACK_COMPLETE state and can not be updated."
    assert ("ValidationError", state) == update
    assert "already exists and cannot be created again" in again[1]
    assert "DELETE_COMPLETE" == aws.delete("s")["StackStatus"]
    assert "CREATE_COMPLETE" == aws.deploy("s", template(A=topic()))["StackStatus"]


def test_in_operation(aws: Aws) -> None:
    """A stack in the middle of an operation takes no change set.

    AWS: "is in UPDATE_IN_PROGRESS state and can not be updated", from many issues.
    """
    aws.deploy("s", template(A=parameter("1")))
    emulator.set_resource_delay(aws.endpoint, 0.5)
    aws.cfn.execute_change_set(ChangeSetName=aws.create_change_set("s", template(A=parameter("2"))))

    code, message = refusal(
        aws,
        aws.create_change_set,
        stack="s",
        template=template(A=parameter("3")),
        ChangeSetName="more",
    )

    assert "ValidationError" == code
    assert message.endswith("is in UPDATE_IN_PROGRESS state and can not be updated.")
    assert "UPDATE_COMPLETE" == aws.wait_for_stack("s")["StackStatus"]


def test_delete_in_operation(aws: Aws) -> None:
    """A stack in the middle of an update is not deleted.

    AWS: "cannot be deleted while in status UPDATE_IN_PROGRESS", from many issues.
    """
    aws.deploy("s", template(A=parameter("1")))
    emulator.set_resource_delay(aws.endpoint, 0.3)
    aws.cfn.execute_change_set(ChangeSetName=aws.create_change_set("s", template(A=parameter("2"))))

    code, message = refusal(aws, aws.cfn.delete_stack, StackName="s")

    assert "ValidationError" == code
    assert "Stack [s] cannot be deleted while in status UPDATE_IN_PROGRESS" == message
    assert "UPDATE_COMPLETE" == aws.wait_for_stack("s")["StackStatus"]


def test_nothing_to_do(aws: Aws) -> None:
    """A change set without changes fails and cannot be executed.

    AWS: words of DescribeChangeSet, realestate-com-au/stackup issue 90; of ExecuteChangeSet,
    localstack's validated test test_delete_change_set_exception.
    """
    aws.deploy("s", template(A=topic()))

    made = aws.create_change_set("s", template(A=topic()))
    found = aws.cfn.describe_change_set(ChangeSetName=made)

    assert ("FAILED", "UNAVAILABLE") == (found["Status"], found["ExecutionStatus"])
    assert found["StatusReason"].startswith("The submitted information didn't contain changes.")
    message = f"ChangeSet [{made}] cannot be executed in its current status of [FAILED]"
    assert ("InvalidChangeSetStatus", message) == refusal(
        aws, aws.cfn.execute_change_set, ChangeSetName=made
    )


def test_executed_once(aws: Aws) -> None:
    """A change set is executed once.

    AWS: "cannot be executed in its current execution status of [OBSOLETE]", amazon-chime-sdk-js
    issue 1089; the same words for EXECUTE_COMPLETE: not verified.
    """
    made = aws.create_change_set("s", template(A=topic()))
    aws.cfn.execute_change_set(ChangeSetName=made)
    aws.wait_for_stack("s")

    code, message = refusal(aws, aws.cfn.execute_change_set, ChangeSetName=made)

    assert "InvalidChangeSetStatus" == code
    assert message.endswith("in its current execution status of [EXECUTE_COMPLETE]")


@pytest.mark.parametrize("exported", [{}, {"Export": {"Name": "x"}}])
def test_outputs_alone(aws: Aws, exported: dict[str, Any]) -> None:
    """A change set whose only change is outputs is accepted and executed, without resources.

    AWS: not documented; known from practice, not verified here.
    """
    aws.deploy("s", template(A=topic()))

    outputs = {"Outputs": {"Said": {"Value": "x"} | exported}}
    made = aws.create_change_set("s", template(A=topic()) | outputs)
    found = aws.cfn.describe_change_set(ChangeSetName=made)
    aws.cfn.execute_change_set(ChangeSetName=made)

    assert ("AVAILABLE", []) == (found["ExecutionStatus"], found["Changes"])
    assert "UPDATE_COMPLETE" == aws.wait_for_stack("s")["StackStatus"]
    assert {"Said": "x"} == aws.outputs("s")


def test_tags_alone(aws: Aws) -> None:
    """AWS: changed stack tags are a change of every resource that has tags (measured by ministack)."""
    aws.deploy("s", template(A=topic()), Tags=[{"Key": "env", "Value": "a"}])

    stack = aws.deploy("s", template(A=topic()), Tags=[{"Key": "env", "Value": "b"}])

    assert [{"Key": "env", "Value": "b"}] == stack["Tags"]
    [found] = aws.client("sns").list_topics()["Topics"]
    tags = aws.client("sns").list_tags_for_resource(ResourceArn=found["TopicArn"])["Tags"]
    assert {"Key": "env", "Value": "b"} in tags


def test_review_keeps_its_id(aws: Aws) -> None:
    """A second change set for a stack in review is for the same stack id.

    AWS: the first one makes the stack (API reference, ChangeSetType); the rest is not verified.
    """
    first = aws.cfn.describe_change_set(
        ChangeSetName=aws.create_change_set("s", template(A=topic()))
    )
    second = aws.cfn.describe_change_set(
        ChangeSetName=aws.create_change_set("s", template(A=topic("two")), ChangeSetName="second")
    )

    assert first["StackId"] == second["StackId"] == aws.stack("s")["StackId"]
    assert "REVIEW_IN_PROGRESS" == aws.stack("s")["StackStatus"]
    summaries = aws.cfn.list_change_sets(StackName="s")["Summaries"]
    assert {"changes", "second"} == {one["ChangeSetName"] for one in summaries}


def test_listed_by_id(aws: Aws) -> None:
    """The change sets of a stack are listed by its id as well as by its name.

    AWS: "The name or the Amazon Resource Name (ARN) of the stack" (API reference, ListChangeSets).
    """
    made = aws.create_change_set("s", template(A=topic()))

    [listed] = aws.cfn.list_change_sets(StackName=aws.stack("s")["StackId"])["Summaries"]

    assert made == listed["ChangeSetId"]


def test_untagged_in_review(aws: Aws) -> None:
    """A stack in review has no tags, its change set has them; executed, so has the stack.

    AWS: localstack/localstack pull request 13117, whose test ran on AWS.
    """
    tags = [{"Key": "env", "Value": "a"}]
    made = aws.create_change_set("s", template(A=topic()), Tags=tags)
    in_review = aws.stack("s")

    aws.cfn.execute_change_set(ChangeSetName=made)

    assert [] == in_review["Tags"]
    assert tags == aws.wait_for_stack("s")["Tags"]


def test_refused_in_review(aws: Aws) -> None:
    """AWS: a refused change set changes nothing of a stack in review."""
    aws.create_change_set("s", template(A=topic()))
    before = aws.stack("s")

    refusal(
        aws,
        aws.create_change_set,
        stack="s",
        template=template(A=parameter({"Ref": "Gone"})),
        ChangeSetName="second",
    )

    assert before == aws.stack("s")


def test_replacement(aws: Aws) -> None:
    """What a change set says of replacement is what AWS's schemas say.

    AWS: `createOnlyProperties` of the resource provider schemas.
    """
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
    aws.deploy("s", template(Vpc=vpc))

    wider = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/15"}}
    named = {**vpc, "Properties": {**vpc["Properties"], "EnableDnsHostnames": True}}
    found = {}
    for name, body in (("wider", wider), ("named", named)):
        made = aws.create_change_set("s", template(Vpc=body), ChangeSetName=name)
        [change] = aws.cfn.describe_change_set(ChangeSetName=made)["Changes"]
        found[name] = change["ResourceChange"]["Replacement"]

    assert {"wider": "True", "named": "False"} == found


def test_events_of_an_update(aws: Aws) -> None:
    """An update tells of what it creates, updates and deletes, and not of what it leaves.

    AWS: "View stack events" (user guide); the order of phases: UPDATE_COMPLETE_CLEANUP_IN_PROGRESS
    is "removing the old resources" (stack status codes).
    """
    aws.deploy("s", template(Same=parameter("1"), Old=parameter("1"), Changed=parameter("1")))
    before = len(aws.events("s"))

    aws.deploy("s", template(Same=parameter("1"), New=parameter("1"), Changed=parameter("2")))

    told = [(what, status) for what, status, _ in aws.events("s")[before:]]
    assert [
        ("s", "UPDATE_IN_PROGRESS"),
        ("Changed", "UPDATE_IN_PROGRESS"),
        ("Changed", "UPDATE_COMPLETE"),
        ("New", "CREATE_IN_PROGRESS"),
        ("New", "CREATE_COMPLETE"),
        ("s", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("Old", "DELETE_IN_PROGRESS"),
        ("Old", "DELETE_COMPLETE"),
        ("s", "UPDATE_COMPLETE"),
    ] == told


def test_failed_update(aws: Aws) -> None:
    """AWS: a failed update is rolled back, and the first failed event says why."""
    aws.deploy("s", template(A=parameter("1")))

    stack = aws.deploy("s", template(A=parameter("2"), Broken=broken()))

    assert "UPDATE_ROLLBACK_COMPLETE" == stack["StackStatus"]
    failed = [event for event in aws.events("s") if event[1].endswith("_FAILED")]
    assert [("Broken", "CREATE_FAILED")] == [event[:2] for event in failed]
    assert "The vpc ID 'vpc-missing' does not exist" in failed[0][2]
    assert "UPDATE_COMPLETE" == aws.deploy("s", template(A=parameter("3")))["StackStatus"]


def test_protection(aws: Aws) -> None:
    """AWS: a protected stack is not deleted (user guide, termination protection)."""
    aws.deploy("s", template(A=topic()))
    aws.cfn.update_termination_protection(StackName="s", EnableTerminationProtection=True)

    code, message = refusal(aws, aws.cfn.delete_stack, StackName="s")

    assert "ValidationError" == code
    assert "TerminationProtection is enabled" in message


def test_property_values(aws: Aws) -> None:
    """Asked to, a change set shows what each property was and will be.

    AWS: IncludePropertyValues, BeforeContext, AfterContext, BeforeValue, AfterValue (API reference
    of DescribeChangeSet); the exact shape of contexts is not verified.
    """
    aws.deploy("s", template(A=topic(), B=parameter("1"), C=parameter("x")))
    proposed = template(A=topic("two"), B=parameter({"Ref": "A"}), D=parameter("y"))

    made = aws.create_change_set("s", proposed)
    found = aws.cfn.describe_change_set(ChangeSetName=made, IncludePropertyValues=True)

    changes = {
        c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in found["Changes"]
    }
    [target] = [detail["Target"] for detail in changes["A"]["Details"]]
    assert ("/Properties/TopicName", "one", "two", "Modify") == (
        target["Path"],
        target["BeforeValue"],
        target["AfterValue"],
        target["AttributeChangeType"],
    )
    assert "{{changeSet:KNOWN_AFTER_APPLY}}" in changes["B"]["AfterContext"]
    assert '"Value": "x"' in changes["C"]["BeforeContext"]
    assert '"Value": "y"' in changes["D"]["AfterContext"]
    assert "BeforeContext" not in changes["D"]
