"""Change sets of nested stacks: made, described, executed and deleted with that of the root."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.patches.cloudformation.test_nested_stacks import (
    below,
    group,
    groups,
    inner,
    outer,
)
from tests.emulator.templates import Template, att, parameter, ref, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws

EMPTY = "The submitted information didn't contain changes."


def propose(aws: Aws, body: Template, **more: Any) -> dict[str, Any]:
    """The root change set of stack s, described."""
    return described(aws, aws.create_change_set("s", body, IncludeNestedStacks=True, **more))


def described(aws: Aws, arn: str) -> dict[str, Any]:
    """One change set."""
    found: dict[str, Any] = aws.cfn.describe_change_set(ChangeSetName=arn)
    return found


def changes(change_set: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the change of each resource."""
    found = [change["ResourceChange"] for change in change_set["Changes"]]
    return {change["LogicalResourceId"]: change for change in found}


def nested(aws: Aws, above: dict[str, Any], title: str = "Below") -> dict[str, Any]:
    """The change set of a nested stack in that *above*."""
    return described(aws, changes(above)[title]["ChangeSetId"])


def three_levels(aws: Aws, key: str, innermost: Template) -> Template:
    """A template with one in it that has *innermost*."""
    middle = outer(aws, f"{key}-inner.json", innermost, text="one")
    return outer(aws, f"{key}.json", middle | {"Parameters": {"Text": {"Type": "String"}}})


def stacks(aws: Aws) -> list[str]:
    """The status of each stack."""
    return [one["StackStatus"] for one in aws.cfn.describe_stacks()["Stacks"]]


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    """Return the error code on AWS."""
    return str(error.value.response["Error"]["Code"])


def test_each_nested_stack_has_a_change_set(aws: Aws) -> None:
    """Nested change sets exist at any depth, and each names its parent and its root.

    AWS: API reference, DescribeChangeSet (ParentChangeSetId, RootChangeSetId), ResourceChange
    (ChangeSetId).
    """
    aws.deploy("s", three_levels(aws, "one", inner()))

    root = propose(aws, three_levels(aws, "two", inner(Group=group(30))))
    middle = nested(aws, root)
    innermost = nested(aws, middle)

    assert root["IncludeNestedStacks"]
    assert "RootChangeSetId" not in root
    assert (root["Status"], root["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert middle["ParentChangeSetId"] == middle["RootChangeSetId"] == root["ChangeSetId"]
    assert innermost["ParentChangeSetId"] == middle["ChangeSetId"]
    assert innermost["RootChangeSetId"] == root["ChangeSetId"]
    assert innermost["ExecutionStatus"] == "UNAVAILABLE"
    assert innermost["StatusReason"] == "Only executable from the root change set."
    assert list(changes(innermost)) == ["Group"]
    assert innermost["StackId"] == changes(middle)["Below"]["PhysicalResourceId"]


def test_executed_with_the_root(aws: Aws) -> None:
    """Nothing of the nested change sets is left then."""
    aws.deploy("s", outer(aws, "one.json", inner()))
    root = propose(aws, outer(aws, "two.json", inner(Group=group(30))))
    arn = nested(aws, root)["ChangeSetId"]

    aws.cfn.execute_change_set(ChangeSetName=root["ChangeSetId"])
    aws.wait_for_stack("s")

    assert [30] == groups(aws)
    with pytest.raises(ClientError):
        described(aws, arn)


def test_replacement_is_seen_from_the_root(aws: Aws) -> None:
    """With what the nested stack is given, as far as that is known before."""
    topic = resource("AWS::SNS::Topic", TopicName=ref("Text"))
    nested_ = inner(Topic=topic)
    aws.deploy("s", outer(aws, "one.json", nested_))

    root = propose(aws, outer(aws, "one.json", nested_, text="two"))

    change = changes(nested(aws, root))["Topic"]
    assert change["Replacement"] == "True"


def test_two_nested_stacks_of_one_template(aws: Aws) -> None:
    """Each has its own change set, of which only one has changes."""
    aws.deploy("s", twins(aws, "one", "one"))

    root = propose(aws, twins(aws, "one", "two"))

    assert list(changes(root)) == ["Second"]
    assert list(changes(nested(aws, root, "Second"))) == ["Note"]


def twins(aws: Aws, first: str, second: str) -> Template:
    """Two nested stacks of one template, each of which is given a text."""
    note = {"Parameters": {"Text": {"Type": "String"}}, **template(Note=parameter(ref("Text")))}
    one = outer(aws, "note.json", note | {"Outputs": {"Arn": {"Value": "x"}}})["Resources"]["Below"]

    def given(text: str) -> Template:
        return one | {"Properties": one["Properties"] | {"Parameters": {"Text": text}}}

    return template(First=given(first), Second=given(second))


def test_a_nested_stack_that_is_dropped_has_none(aws: Aws) -> None:
    """The root lists its removal; whether AWS creates a change set for it is not verified."""
    aws.deploy("s", outer(aws, "one.json", inner(), Another=parameter("x")))

    change = changes(propose(aws, template(Another=parameter("x"))))["Below"]

    assert (change["Action"], change.get("ChangeSetId")) == ("Remove", None)


def test_without_changes_it_fails_alone(aws: Aws) -> None:
    """A comment at another address: the root changes, and the nested stack does not.

    AWS: aws/copilot-cli#4426.
    """
    aws.deploy("s", outer(aws, "one.json", inner()))

    root = propose(aws, outer(aws, "two.json", inner()))
    below_ = nested(aws, root)

    assert root["Status"] == "CREATE_COMPLETE"
    assert below_["Status"] == "FAILED"
    assert below_["StatusReason"].startswith(EMPTY)


def test_what_was_changed_by_hand_is_a_change(aws: Aws) -> None:
    """Without IncludeNestedStacks it would not be listed; the execution restores it."""
    body = outer(aws, "one.json", inner())
    aws.deploy("s", body)
    other = outer(aws, "by-hand.json", inner(Group=group(30)))["Resources"]["Below"]["Properties"]
    text = [{"ParameterKey": "Text", "ParameterValue": "one"}]
    url = other["TemplateURL"]
    aws.cfn.update_stack(StackName=below(aws)["StackId"], TemplateURL=url, Parameters=text)
    aws.wait_for_stack(below(aws)["StackId"])
    by_hand = groups(aws)

    alone = described(aws, aws.create_change_set("s", body, ChangeSetName="alone"))
    root = propose(aws, body)
    aws.cfn.execute_change_set(ChangeSetName=root["ChangeSetId"])
    aws.wait_for_stack("s")

    assert [30] == by_hand
    assert alone["StatusReason"].startswith(EMPTY)
    assert list(changes(root)) == ["Below"]
    assert [7] == groups(aws)


def test_a_nested_failure_fails_the_root(aws: Aws) -> None:
    """The root names the ARN, and the nested change set the reason.

    AWS: aws-amplify/amplify-cli#14764.
    """
    aws.deploy("s", outer(aws, "one.json", inner()))

    root = propose(aws, outer(aws, "two.json", inner(Wrong=parameter(ref("Nothing")))))
    aws.deploy("other", template(Another=parameter("x")))
    below_ = nested(aws, root)

    assert root["Status"] == below_["Status"] == "FAILED"
    assert root["StatusReason"] == (
        f"Nested change set {below_['ChangeSetId']} was not successfully created: "
        "Currently in FAILED."
    )
    assert "Unresolved resource dependencies [Nothing]" in below_["StatusReason"]


def test_only_the_root_is_executed_or_deleted(aws: Aws) -> None:
    """Deleted, it takes all the others along; the nested stack stays as it is."""
    aws.deploy("s", outer(aws, "one.json", inner()))
    root = propose(aws, outer(aws, "two.json", inner(Group=group(30))))
    arn = nested(aws, root)["ChangeSetId"]

    with pytest.raises(ClientError) as executed:
        aws.cfn.execute_change_set(ChangeSetName=arn)
    with pytest.raises(ClientError) as deleted:
        aws.cfn.delete_change_set(ChangeSetName=arn)
    aws.cfn.delete_change_set(ChangeSetName=root["ChangeSetId"])
    with pytest.raises(ClientError) as gone:
        described(aws, arn)

    assert code_of(executed) == code_of(deleted) == "InvalidChangeSetStatus"
    assert code_of(gone) == "ChangeSetNotFound"
    assert ["CREATE_COMPLETE"] * 2 == stacks(aws)
    assert [7] == groups(aws)


def test_a_new_stack_is_in_review_with_all_that_is_nested(aws: Aws) -> None:
    """Executed, each nested stack is the one that was in review."""
    root = propose(aws, three_levels(aws, "one", inner()))
    middle = nested(aws, root)
    innermost = nested(aws, middle)
    before = stacks(aws)

    aws.cfn.execute_change_set(ChangeSetName=root["ChangeSetId"])
    made = aws.wait_for_stack("s")

    assert ["REVIEW_IN_PROGRESS"] * 3 == before
    assert [change["Action"] for change in changes(innermost).values()] == ["Add", "Add"]
    assert "CREATE_COMPLETE" == made["StackStatus"]
    assert middle["StackId"] == below(aws)["StackId"]
    assert below(aws)["StackStatus"] == aws.stack(innermost["StackId"])["StackStatus"]
    assert made["StackId"] == aws.stack(innermost["StackId"])["RootId"]
    assert ["CREATE_COMPLETE"] * 3 == stacks(aws)


def test_what_was_in_review_goes_with_the_root(aws: Aws) -> None:
    """With its change set, or with the stack that it was made for."""
    root = propose(aws, three_levels(aws, "one", inner()))
    middle = nested(aws, root)
    ids = [middle["StackId"], nested(aws, middle)["StackId"]]
    aws.cfn.delete_change_set(ChangeSetName=root["ChangeSetId"])
    deleted = [aws.wait_for_stack(one)["StackStatus"] for one in ids]
    first = stacks(aws)
    propose(aws, three_levels(aws, "one", inner()))
    aws.delete("s")

    assert ["DELETE_COMPLETE"] * 2 == deleted
    assert ["REVIEW_IN_PROGRESS"] == first
    assert [] == stacks(aws)


def test_what_a_nested_stack_gives_reaches_the_next(aws: Aws) -> None:
    """A value that is not known before has a placeholder in the change set."""
    body = outer(aws, "one.json", inner())
    taker = outer(
        aws,
        "taker.json",
        {
            "Parameters": {"Text": {"Type": "String"}},
            "Resources": {"Note": parameter(ref("Text"))},
        },
    )["Resources"]["Below"]
    taker["Properties"]["Parameters"] = {"Text": att("Below", "Outputs.Arn")}
    body["Resources"]["Taker"] = taker

    root = propose(aws, body)
    taken = changes(nested(aws, root, "Taker"))
    aws.cfn.execute_change_set(ChangeSetName=root["ChangeSetId"])

    assert list(taken) == ["Note"]
    assert "CREATE_COMPLETE" == aws.wait_for_stack("s")["StackStatus"]
