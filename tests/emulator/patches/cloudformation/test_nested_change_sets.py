"""Change sets of nested stacks: created, executed and deleted with the root change set."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.nested_templates import (
    below,
    group,
    groups,
    inner,
    outer,
)
from tests.emulator.templates import Template, att, parameter, ref, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws

NO_CHANGES = "The submitted information didn't contain changes."


def create_root(aws: Aws, body: Template, **options: Any) -> dict[str, Any]:
    """Create the root change set of stack s; return its description."""
    return describe(aws, aws.create_change_set("s", body, IncludeNestedStacks=True, **options))


def describe(aws: Aws, arn: str) -> dict[str, Any]:
    """Return the description of a change set."""
    description: dict[str, Any] = aws.cfn.describe_change_set(ChangeSetName=arn)
    return description


def changes(change_set: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the changes of a change set by logical id."""
    resource_changes = [change["ResourceChange"] for change in change_set["Changes"]]
    return {change["LogicalResourceId"]: change for change in resource_changes}


def nested(aws: Aws, parent: dict[str, Any], title: str = "Below") -> dict[str, Any]:
    """Return the change set of a nested stack of the change set *parent*."""
    return describe(aws, changes(parent)[title]["ChangeSetId"])


def three_levels(aws: Aws, key: str, innermost: Template) -> Template:
    """Return a template with a nested stack, in which *innermost* is nested."""
    middle = outer(aws, f"{key}-inner.json", innermost, text="one")
    return outer(aws, f"{key}.json", middle | {"Parameters": {"Text": {"Type": "String"}}})


def stack_statuses(aws: Aws) -> list[str]:
    """Return the statuses of all stacks."""
    return [stack["StackStatus"] for stack in aws.cfn.describe_stacks()["Stacks"]]


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    """Return the error code of a refused call."""
    return str(error.value.response["Error"]["Code"])


def test_a_new_output(aws: Aws) -> None:
    """A resource of the parent can use an output that the same change set adds to the nested stack.

    AWS: user guide, Split a template into reusable pieces using nested stacks. The value is known
    only after the execution.
    """
    aws.deploy("s", outer(aws, "one.json", inner(), Another=parameter("x")))
    new = inner() | {"Outputs": {"Arn": {"Value": "arn"}, "New": {"Value": "y"}}}
    another = parameter(att("Below", "Outputs.New"))

    arn = aws.create_change_set(
        "s", outer(aws, "two.json", new, Another=another), IncludeNestedStacks=True
    )
    described = aws.cfn.describe_change_set(ChangeSetName=arn, IncludePropertyValues=True)
    aws.cfn.execute_change_set(ChangeSetName=arn)
    updated = aws.wait_for_stack("s")

    after = json.loads(changes(described)["Another"]["AfterContext"])
    assert after["Properties"]["Value"] == "{{changeSet:KNOWN_AFTER_APPLY}}"
    assert updated["StackStatus"] == "UPDATE_COMPLETE", aws.events("s")


def test_each_nested_stack_has_a_change_set(aws: Aws) -> None:
    """Nested change sets are created at any depth, with the ids of their parent and root.

    AWS: API reference, DescribeChangeSet (ParentChangeSetId, RootChangeSetId), ResourceChange
    (ChangeSetId).
    """
    aws.deploy("s", three_levels(aws, "one", inner()))

    root = create_root(aws, three_levels(aws, "two", inner(Group=group(30))))
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
    """Nested change sets are executed with the root change set, and then no longer exist."""
    aws.deploy("s", outer(aws, "one.json", inner()))
    root = create_root(aws, outer(aws, "two.json", inner(Group=group(30))))
    arn = nested(aws, root)["ChangeSetId"]

    aws.cfn.execute_change_set(ChangeSetName=root["ChangeSetId"])
    aws.wait_for_stack("s")

    assert groups(aws) == [30]
    with pytest.raises(ClientError):
        describe(aws, arn)


def test_replacement_in_a_nested_stack(aws: Aws) -> None:
    """A change set with a changed parameter of a nested stack has the replacements in that stack."""
    topic = resource("AWS::SNS::Topic", TopicName=ref("Text"))
    nested_ = inner(Topic=topic)
    aws.deploy("s", outer(aws, "one.json", nested_))

    root = create_root(aws, outer(aws, "one.json", nested_, text="two"))

    change = changes(nested(aws, root))["Topic"]
    assert change["Replacement"] == "True"


def test_two_nested_stacks_of_one_template(aws: Aws) -> None:
    """Two nested stacks of one template have their own change sets; only one has changes."""
    aws.deploy("s", two_nested_stacks(aws, "one", "one"))

    root = create_root(aws, two_nested_stacks(aws, "one", "two"))

    assert list(changes(root)) == ["Second"]
    assert list(changes(nested(aws, root, "Second"))) == ["Note"]


def two_nested_stacks(aws: Aws, first: str, second: str) -> Template:
    """Return two nested stacks of one template with different parameters."""
    note = {"Parameters": {"Text": {"Type": "String"}}, **template(Note=parameter(ref("Text")))}
    stack = outer(aws, "note.json", note | {"Outputs": {"Arn": {"Value": "x"}}})["Resources"][
        "Below"
    ]

    def with_text(text: str) -> Template:
        return stack | {"Properties": stack["Properties"] | {"Parameters": {"Text": text}}}

    return template(First=with_text(first), Second=with_text(second))


def test_removed_nested_stack_has_no_change_set(aws: Aws) -> None:
    """The root change set contains the removal of a nested stack, which has no change set.

    Whether AWS creates one for it is not verified.
    """
    aws.deploy("s", outer(aws, "one.json", inner(), Another=parameter("x")))

    change = changes(create_root(aws, template(Another=parameter("x"))))["Below"]

    assert (change["Action"], change.get("ChangeSetId")) == ("Remove", None)


def test_nested_stack_without_changes(aws: Aws) -> None:
    """The change set of a nested stack without changes fails, but the root change set does not.

    AWS: aws/copilot-cli#4426.
    """
    aws.deploy("s", outer(aws, "one.json", inner()))

    root = create_root(aws, outer(aws, "two.json", inner()))
    below_ = nested(aws, root)

    assert root["Status"] == "CREATE_COMPLETE"
    assert below_["Status"] == "FAILED"
    assert below_["StatusReason"].startswith(NO_CHANGES)


def test_changed_outside_of_the_parent(aws: Aws) -> None:
    """With IncludeNestedStacks, a nested stack that was updated directly is changed back."""
    body = outer(aws, "one.json", inner())
    aws.deploy("s", body)
    other = outer(aws, "by-hand.json", inner(Group=group(30)))["Resources"]["Below"]["Properties"]
    text = [{"ParameterKey": "Text", "ParameterValue": "one"}]
    url = other["TemplateURL"]
    aws.cfn.update_stack(StackName=below(aws)["StackId"], TemplateURL=url, Parameters=text)
    aws.wait_for_stack(below(aws)["StackId"])
    updated_alone = groups(aws)

    alone = describe(aws, aws.create_change_set("s", body, ChangeSetName="alone"))
    root = create_root(aws, body)
    aws.cfn.execute_change_set(ChangeSetName=root["ChangeSetId"])
    aws.wait_for_stack("s")

    assert updated_alone == [30]
    assert alone["StatusReason"].startswith(NO_CHANGES)
    assert list(changes(root)) == ["Below"]
    assert groups(aws) == [7]


def test_a_nested_failure_fails_the_root(aws: Aws) -> None:
    """The reason of the root change set is the nested ARN; the nested change set has the cause.

    AWS: aws-amplify/amplify-cli#14764.
    """
    aws.deploy("s", outer(aws, "one.json", inner()))

    root = create_root(aws, outer(aws, "two.json", inner(Wrong=parameter(ref("Nothing")))))
    aws.deploy("other", template(Another=parameter("x")))
    below_ = nested(aws, root)

    assert root["Status"] == below_["Status"] == "FAILED"
    assert root["StatusReason"] == (
        f"Nested change set {below_['ChangeSetId']} was not successfully created: "
        "Currently in FAILED."
    )
    assert "Unresolved resource dependencies [Nothing]" in below_["StatusReason"]


def test_only_the_root_is_executed_or_deleted(aws: Aws) -> None:
    """Only the root change set can be executed or deleted; its deletion deletes the nested ones."""
    aws.deploy("s", outer(aws, "one.json", inner()))
    root = create_root(aws, outer(aws, "two.json", inner(Group=group(30))))
    arn = nested(aws, root)["ChangeSetId"]

    with pytest.raises(ClientError) as executed:
        aws.cfn.execute_change_set(ChangeSetName=arn)
    with pytest.raises(ClientError) as deleted:
        aws.cfn.delete_change_set(ChangeSetName=arn)
    aws.cfn.delete_change_set(ChangeSetName=root["ChangeSetId"])
    with pytest.raises(ClientError) as missing:
        describe(aws, arn)

    assert code_of(executed) == code_of(deleted) == "InvalidChangeSetStatus"
    assert code_of(missing) == "ChangeSetNotFound"
    assert stack_statuses(aws) == ["CREATE_COMPLETE"] * 2
    assert groups(aws) == [7]


def test_new_stacks_in_review(aws: Aws) -> None:
    """New nested stacks are in review like their root stack, and keep their ids at execution."""
    root = create_root(aws, three_levels(aws, "one", inner()))
    middle = nested(aws, root)
    innermost = nested(aws, middle)
    before = stack_statuses(aws)

    aws.cfn.execute_change_set(ChangeSetName=root["ChangeSetId"])
    stack = aws.wait_for_stack("s")

    assert before == ["REVIEW_IN_PROGRESS"] * 3
    assert [change["Action"] for change in changes(innermost).values()] == ["Add", "Add"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert middle["StackId"] == below(aws)["StackId"]
    assert below(aws)["StackStatus"] == aws.stack(innermost["StackId"])["StackStatus"]
    assert stack["StackId"] == aws.stack(innermost["StackId"])["RootId"]
    assert stack_statuses(aws) == ["CREATE_COMPLETE"] * 3


def test_stacks_in_review_are_deleted(aws: Aws) -> None:
    """Nested stacks in review are deleted with the root change set, or with the root stack."""
    root = create_root(aws, three_levels(aws, "one", inner()))
    middle = nested(aws, root)
    ids = [middle["StackId"], nested(aws, middle)["StackId"]]
    aws.cfn.delete_change_set(ChangeSetName=root["ChangeSetId"])
    deleted = [aws.wait_for_stack(stack_id)["StackStatus"] for stack_id in ids]
    first = stack_statuses(aws)
    create_root(aws, three_levels(aws, "one", inner()))
    aws.delete("s")

    assert deleted == ["DELETE_COMPLETE"] * 2
    assert first == ["REVIEW_IN_PROGRESS"]
    assert stack_statuses(aws) == []


def test_output_of_a_nested_stack_as_parameter(aws: Aws) -> None:
    """The output of a nested stack can be a parameter of the next one."""
    body = outer(aws, "one.json", inner())
    consumer = outer(
        aws,
        "consumer.json",
        {
            "Parameters": {"Text": {"Type": "String"}},
            "Resources": {"Note": parameter(ref("Text"))},
        },
    )["Resources"]["Below"]
    consumer["Properties"]["Parameters"] = {"Text": att("Below", "Outputs.Arn")}
    body["Resources"]["Consumer"] = consumer

    root = create_root(aws, body)
    added = changes(nested(aws, root, "Consumer"))
    aws.cfn.execute_change_set(ChangeSetName=root["ChangeSetId"])

    assert list(added) == ["Note"]
    assert aws.wait_for_stack("s")["StackStatus"] == "CREATE_COMPLETE"
