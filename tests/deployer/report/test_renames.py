"""Tests of the explanation of renamed resources."""

from __future__ import annotations

import shlex

import botocore.session
import pytest
from awscli.shorthand import ShorthandParser
from botocore.validate import ParamValidator

from deployer.preview.values import Ambiguity, Place, Preview, Rename, Renames
from deployer.report.renames import import_command, rename_notes, safe_way

BEFORE = Place("eu-west-1", "crd-x-a", "a", ("Table",))
AFTER = Place("eu-west-1", "crd-x-b", "b", ("Messages",), is_new_stack=True)
MOVE = Rename("AWS::DynamoDB::Table", BEFORE, AFTER, is_equal=True, name="messages")


def notes(*found: Rename, ambiguous: tuple[Ambiguity, ...] = ()) -> list[str]:
    """Return the facts of these renames."""
    preview = Preview("x", (), renames=Renames(found, ambiguous))
    return [fact for fact, _ in rename_notes(preview)]


def test_a_move_between_stacks() -> None:
    """The fact has both places, the reason and the effect of a deploy."""
    assert notes(MOVE) == [
        (
            "a/Table (AWS::DynamoDB::Table) moves: b/Messages has its name, messages. A deploy creates it "
            "again and deletes the old one"
        )
    ]


@pytest.mark.parametrize("is_equal", [True, False])
def test_another_logical_id(is_equal: bool) -> None:
    """A rename in one stack is explained by equal or nearly equal properties."""
    after = Place("eu-west-1", "crd-x-a", "a", ("Other",))
    rename = Rename("AWS::SNS::Topic", BEFORE, after, is_equal, is_retained=True)

    assert notes(rename) == [
        (
            "a/Table (AWS::SNS::Topic) gets another logical id: a/Other has "
            f"{'equal' if is_equal else 'nearly equal'} properties. A deploy creates it again and retains "
            "the old one"
        )
    ]
    assert safe_way(rename).startswith(
        "to keep it, deploy it with DeletionPolicy: Retain, then remove it, then aws cloudformation "
        "create-change-set --change-set-type=IMPORT --region=eu-west-1 --stack-name=crd-x-a "
    )


def test_ambiguity_is_a_question() -> None:
    """All candidates are named."""
    others = (AFTER, Place("eu-west-1", "crd-x-b", "b", ("More",)))

    assert notes(ambiguous=(Ambiguity("AWS::SNS::Topic", (BEFORE,), others),)) == [
        (
            "a/Table (AWS::SNS::Topic): renamed to b/Messages, b/More? They are similar. A deploy "
            "creates new resources and deletes the old ones"
        )
    ]


def arguments(command: str, option: str) -> list[object]:
    """Return the values of a list option of an AWS CLI command, parsed as the AWS CLI does."""
    words = shlex.split(command)
    values = words[words.index(option) + 1 :]
    end = next((i for i, word in enumerate(values) if word.startswith("--")), len(values))
    return [ShorthandParser().parse(value.replace("@=file://", "=")) for value in values[:end]]


def assert_valid(operation: str, parameters: dict[str, object]) -> None:
    """Validate parameters against botocore's model."""
    model = botocore.session.get_session().get_service_model("cloudformation")
    shape = model.operation_model(operation).input_shape
    report = ParamValidator().validate(parameters, shape)
    assert report.generate_report() == ""


def test_refactor_command() -> None:
    """The arguments of the stack refactor are those of AWS's API."""
    command = safe_way(MOVE).partition(": ")[2]

    assert command.startswith(
        "aws cloudformation create-stack-refactor --region=eu-west-1 --enable-stack-creation"
    )
    mappings = arguments(command, "--resource-mappings")
    assert_valid(
        "CreateStackRefactor",
        {
            "StackDefinitions": arguments(command, "--stack-definitions"),
            "ResourceMappings": mappings,
        },
    )
    assert mappings == [
        {
            "Source": {"StackName": "crd-x-a", "LogicalResourceId": "Table"},
            "Destination": {"StackName": "crd-x-b", "LogicalResourceId": "Messages"},
        }
    ]


def test_import_command() -> None:
    """The argument of the import is that of AWS's API."""
    command = import_command("AWS::S3::Bucket", "s", "eu-west-1", "Bucket", "my-bucket")

    resources = arguments(command, "--resources-to-import")
    assert_valid(
        "CreateChangeSet",
        {"StackName": "s", "ChangeSetName": "import", "ResourcesToImport": resources},
    )
    assert resources == [
        {
            "ResourceType": "AWS::S3::Bucket",
            "LogicalResourceId": "Bucket",
            "ResourceIdentifier": {"BucketName": "my-bucket"},
        }
    ]


def test_type_without_a_single_identifier() -> None:
    """A type whose identifier has several parts is not put into a wrong command."""
    assert import_command("AWS::EC2::Route", "s", "eu-west-1", "Route") == (
        "import it: the schema of AWS::EC2::Route lists the parts of its identifier"
    )


def test_hostile_names() -> None:
    """A logical id cannot add a command."""
    place = Place("eu-west-1", "s", "s", ("A; rm -rf /",))
    rename = Rename("AWS::SNS::Topic", BEFORE, place, is_equal=True)

    assert "'Source={StackName=crd-x-a,LogicalResourceId=Table}," in safe_way(rename)
    assert shlex.split(safe_way(rename).partition(": ")[2])[-1].endswith("=A; rm -rf /}")
