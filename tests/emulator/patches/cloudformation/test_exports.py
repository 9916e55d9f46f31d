"""Exports and imports between stacks: what makes layers possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.emulator_server import Aws

ISSUE = "aws-samples/generative-ai-use-cases issue 1232"


def producer(name: str = "one", export: str = "shared") -> dict[str, Any]:
    """A topic whose name is exported."""
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}
    value = {"Fn::GetAtt": ["Topic", "TopicName"]}
    output = {"Value": value, "Export": {"Name": export}} if export else {"Value": value}
    return {"Resources": {"Topic": topic}, "Outputs": {"Name": output}}


def consumer(export: str = "shared") -> dict[str, Any]:
    """A parameter that holds an imported value."""
    value = {"Fn::ImportValue": export}
    return {
        "Resources": {
            "Kept": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Value": value},
            }
        }
    }


def test_import(aws: Aws) -> None:
    """A stack takes another's export, and ListImports names it.

    AWS: "Get exported outputs from a deployed CloudFormation stack" (user guide).
    """
    aws.deploy("below", producer())

    above = aws.deploy("above", consumer())

    assert above["StackStatus"] == "CREATE_COMPLETE"
    assert aws.cfn.list_imports(ExportName="shared")["Imports"] == ["above"]


def test_list_imports_of_nobody(aws: Aws) -> None:
    """AWS: ListImports of an export without importers is a ValidationError (API reference)."""
    aws.deploy("below", producer())

    with pytest.raises(aws.cfn.exceptions.ClientError, match="is not imported by any stack"):
        aws.cfn.list_imports(ExportName="shared")


@pytest.mark.parametrize(
    ("changed", "verb"), [(producer(name="two"), "update"), (producer(export=""), "delete")]
)
def test_used_export_stays(aws: Aws, changed: dict[str, Any], verb: str) -> None:
    """An update that changes or drops a used export is rolled back, and says who uses it.

    AWS: "you can't delete or modify an output value that is referenced by another stack"
    (user guide, Fn::ImportValue); wording from aws-samples/generative-ai-use-cases issue 1232.
    """
    aws.deploy("below", producer())
    aws.deploy("above", consumer())

    below = aws.deploy("below", changed)

    assert below["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    reason = f"Update canceled. Cannot {verb} export shared as it is in use by above."
    assert ("below", "UPDATE_ROLLBACK_IN_PROGRESS", reason) in aws.events("below")
    assert aws.outputs("below") == {"Name": "one"}


def test_unused_export_goes(aws: Aws) -> None:
    """AWS: an export nobody uses is gone from ListExports with its output."""
    aws.deploy("below", producer())

    aws.deploy("below", producer(export=""))

    assert aws.cfn.list_exports()["Exports"] == []


def test_one_owner(aws: Aws) -> None:
    """A second stack with the same export name is rolled back.

    AWS: "For each AWS account, Export names must be unique within a Region" (user guide, Outputs);
    wording from aws-amplify/amplify-cli issue 1581. The event that carries it: not verified.
    """
    aws.deploy("first", producer())

    second = aws.deploy("second", producer(name="other"))

    assert second["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = "Export with name shared is already exported by stack first."
    assert ("second", "ROLLBACK_IN_PROGRESS", reason) in aws.events("second")


def test_missing_export(aws: Aws) -> None:
    """An import of what nobody exports fails the operation.

    AWS: "No export named … found", aws-cloudformation-templates issue 263.
    That it is the resource's event that carries it: not verified.
    """
    above = aws.deploy("above", consumer())

    assert above["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("No export named shared found" in reason for *_, reason in aws.events("above"))


def test_delete_while_used(aws: Aws) -> None:
    """Deleting an exporting stack in use is accepted, then canceled: the stack stays as it was.

    AWS: "You can't delete a stack if another stack references one of its outputs" (user guide);
    how it ends from rlister/stax issue 40, wording from aws-samples/iam-identity-center-team 474.
    """
    aws.deploy("below", producer())
    aws.deploy("above", consumer())

    below = aws.delete("below")

    assert below["StackStatus"] == "CREATE_COMPLETE"
    reason = "Delete canceled. Cannot delete export shared as it is in use by above."
    assert aws.events("below")[-1] == ("below", "CREATE_COMPLETE", reason)


def test_delete_in_order(aws: Aws) -> None:
    """AWS: once the consumer is gone the producer can go."""
    aws.deploy("below", producer())
    aws.deploy("above", consumer())

    assert aws.delete("above")["StackStatus"] == "DELETE_COMPLETE"
    assert aws.delete("below")["StackStatus"] == "DELETE_COMPLETE"


def test_regions_apart(aws: Aws) -> None:
    """AWS: exports and stacks are a region's own; DescribeStacks answers only for its region."""
    aws.deploy("below", producer())
    other = aws.client("cloudformation", "us-east-1")

    assert other.list_exports()["Exports"] == []
    assert other.describe_stacks()["Stacks"] == []
