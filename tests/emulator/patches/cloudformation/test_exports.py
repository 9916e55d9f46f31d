"""Exports and imports between stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def producer(name: str = "one", export: str = "shared") -> dict[str, Any]:
    """Return a template that exports the name of a topic."""
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}
    value = {"Fn::GetAtt": ["Topic", "TopicName"]}
    output = {"Value": value, "Export": {"Name": export}} if export else {"Value": value}
    return {"Resources": {"Topic": topic}, "Outputs": {"Name": output}}


def consumer(export: str = "shared") -> dict[str, Any]:
    """Return a template with a Parameter Store parameter that has an imported value."""
    value = {"Fn::ImportValue": export}
    return {
        "Resources": {
            "Parameter": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Value": value},
            }
        }
    }


def test_import(aws: Aws) -> None:
    """A stack imports the export of another one, and ListImports lists it.

    AWS: "Get exported outputs from a deployed CloudFormation stack" (user guide).
    """
    aws.deploy("producer", producer())

    stack = aws.deploy("consumer", consumer())

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert aws.cfn.list_imports(ExportName="shared")["Imports"] == ["consumer"]


def test_list_imports_without_importers(aws: Aws) -> None:
    """ListImports of an export without importers is a ValidationError (API reference)."""
    aws.deploy("producer", producer())

    with pytest.raises(aws.cfn.exceptions.ClientError, match="is not imported by any stack"):
        aws.cfn.list_imports(ExportName="shared")


@pytest.mark.parametrize(
    ("changed", "verb"), [(producer(name="two"), "update"), (producer(export=""), "delete")]
)
def test_change_of_imported_export(aws: Aws, changed: dict[str, Any], verb: str) -> None:
    """An update that changes or deletes an imported export is rolled back and names the importer.

    AWS: "you can't delete or modify an output value that is referenced by another stack"
    (user guide, Fn::ImportValue); message from aws-samples/generative-ai-use-cases issue 1232.
    """
    aws.deploy("producer", producer())
    aws.deploy("consumer", consumer())

    stack = aws.deploy("producer", changed)

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    reason = f"Update canceled. Cannot {verb} export shared as it is in use by consumer."
    assert ("producer", "UPDATE_ROLLBACK_IN_PROGRESS", reason) in aws.events("producer")
    assert aws.outputs("producer") == {"Name": "one"}


def test_removed_export(aws: Aws) -> None:
    """ListExports no longer lists an export after its output was removed."""
    aws.deploy("producer", producer())

    aws.deploy("producer", producer(export=""))

    assert aws.cfn.list_exports()["Exports"] == []


def test_duplicate_export(aws: Aws) -> None:
    """A second stack with the same export name is rolled back.

    AWS: "For each AWS account, Export names must be unique within a Region" (user guide, Outputs);
    message from aws-amplify/amplify-cli issue 1581. The event with the message is not verified.
    """
    aws.deploy("first", producer())

    second = aws.deploy("second", producer(name="other"))

    assert second["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = "Export with name shared is already exported by stack first."
    assert ("second", "ROLLBACK_IN_PROGRESS", reason) in aws.events("second")


def test_missing_export(aws: Aws) -> None:
    """An import of a name that no stack exports fails the operation.

    AWS: "No export named … found", aws-cloudformation-templates issue 263.
    That the event of the resource has the message is not verified.
    """
    stack = aws.deploy("consumer", consumer())

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("No export named shared found" in reason for *_, reason in aws.events("consumer"))


def test_delete_while_imported(aws: Aws) -> None:
    """The deletion of a stack with imported exports is accepted, then canceled.

    AWS: "You can't delete a stack if another stack references one of its outputs" (user guide);
    the result from rlister/stax issue 40, message from aws-samples/iam-identity-center-team 474.
    """
    aws.deploy("producer", producer())
    aws.deploy("consumer", consumer())

    stack = aws.delete("producer")

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    reason = "Delete canceled. Cannot delete export shared as it is in use by consumer."
    assert aws.events("producer")[-1] == ("producer", "CREATE_COMPLETE", reason)


def test_delete_in_order(aws: Aws) -> None:
    """A stack can be deleted after the stack that imports from it."""
    aws.deploy("producer", producer())
    aws.deploy("consumer", consumer())

    assert aws.delete("consumer")["StackStatus"] == "DELETE_COMPLETE"
    assert aws.delete("producer")["StackStatus"] == "DELETE_COMPLETE"


def test_exports_are_regional(aws: Aws) -> None:
    """Exports and stacks belong to one region."""
    aws.deploy("producer", producer())
    other = aws.client("cloudformation", "us-east-1")

    assert other.list_exports()["Exports"] == []
    assert other.describe_stacks()["Stacks"] == []
