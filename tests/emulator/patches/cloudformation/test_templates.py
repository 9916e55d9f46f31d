"""Templates that AWS refuses before it makes anything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.templates import att, parameter, ref, resource, template, topic

if TYPE_CHECKING:
    from tests.emulator_server import Aws

ROOT = Path(__file__).parents[4]
UNRESOLVED = "Template format error: Unresolved resource dependencies [{}] in the {} block"
ROLE = resource("AWS::IAM::Role", AssumeRolePolicyDocument={})
NAMED_ROLE = resource("AWS::IAM::Role", RoleName="x", AssumeRolePolicyDocument={})

REFUSED: dict[str, tuple[Any, str]] = {
    "ref": (template(A=parameter(ref("Gone"))), UNRESOLVED.format("Gone", "Resources")),
    "sub": (
        template(A=parameter({"Fn::Sub": "x${Gone}${AWS::Region}"})),
        UNRESOLVED.format("Gone", "Resources"),
    ),
    "depends": (
        template(A=parameter("x", DependsOn="Gone")),
        UNRESOLVED.format("Gone", "Resources"),
    ),
    "output": (
        template(A=topic()) | {"Outputs": {"O": {"Value": ref("Gone")}}},
        UNRESOLVED.format("Gone", "Outputs"),
    ),
    "attribute": (
        template(A=parameter(att("Gone", "Arn"))),
        "Template error: instance of Fn::GetAtt references undefined resource Gone",
    ),
    "cycle": (
        template(A=parameter(ref("B")), B=parameter(ref("A")), C=parameter("x")),
        "Circular dependency between resources: [A, B]",
    ),
    "depends cycle": (
        template(A=parameter("x", DependsOn="B"), B=parameter("x", DependsOn=["A"])),
        "Circular dependency between resources: [A, B]",
    ),
    "type": (
        template(A=resource("AWS::EC2::Vpcc")),
        "Template format error: Unrecognized resource types: [AWS::EC2::Vpcc]",
    ),
    "export name": (
        template(A=topic()) | {"Outputs": {"O": {"Value": "x", "Export": {"Name": ref("A")}}}},
        "The Name field of Export must not depend on any resources, imported values, or Fn::GetAZs",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(aws: Aws, case: str) -> None:
    """A change set is refused, in AWS's words, and leaves no stack behind.

    AWS: words from serverless/serverless issue 4745 (Ref), dougmoscrop/serverless-plugin-split-stacks
    issue 150 (GetAtt), aws-cloudformation/cfn-lint issue 1632 (export name), the troubleshooting
    page of the user guide (circular); those of Sub and DependsOn are not verified.
    """
    body, words = REFUSED[case]

    with pytest.raises(aws.cfn.exceptions.ClientError) as refused:
        aws.create_change_set("s", body)

    assert "ValidationError" == refused.value.response["Error"]["Code"]
    assert words in refused.value.response["Error"]["Message"]
    assert [] == aws.cfn.describe_stacks()["Stacks"]


def test_validate_template(aws: Aws) -> None:
    """AWS: ValidateTemplate refuses the same (serverless/serverless issue 4745)."""
    with pytest.raises(aws.cfn.exceptions.ClientError, match="Unresolved resource dependencies"):
        aws.cfn.validate_template(
            TemplateBody='{"Resources": {"A": {"Type": "AWS::SNS::Topic",'
            ' "Properties": {"TopicName": {"Ref": "Gone"}}}}}'
        )


@pytest.mark.parametrize(
    ("body", "needed", "given"),
    [
        (template(Role=ROLE), "CAPABILITY_IAM", []),
        (template(Role=NAMED_ROLE), "CAPABILITY_NAMED_IAM", ["CAPABILITY_IAM"]),
    ],
)
def test_capabilities(aws: Aws, body: Any, needed: str, given: list[str]) -> None:
    """AWS: IAM resources want to be acknowledged (API reference of CreateChangeSet).

    The emulator does this by itself with AUTH on.
    """
    with pytest.raises(aws.cfn.exceptions.ClientError) as refused:
        aws.create_change_set("s", body, Capabilities=given)

    error = refused.value.response["Error"]
    assert ("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]") == (
        error["Code"],
        error["Message"],
    )


def test_too_long(aws: Aws) -> None:
    """AWS: a body over 51,200 bytes is refused (CloudFormation quotas)."""
    body = template(A=parameter("x")) | {"Metadata": {"Long": "x" * 51_200}}

    with pytest.raises(aws.cfn.exceptions.ClientError, match="less than or equal to 51200"):
        aws.create_change_set("s", body)


@pytest.mark.parametrize(
    "form",
    [
        "https://{bucket}.s3.{region}.amazonaws.com/{key}",
        "https://{bucket}.s3.amazonaws.com/{key}",
        "https://s3.{region}.amazonaws.com/{bucket}/{key}",
        "https://s3.amazonaws.com/{bucket}/{key}",
    ],
)
def test_template_url(aws: Aws, form: str) -> None:
    """A template in a bucket is found by both styles of address, with and without region.

    AWS: "Methods for accessing a bucket" (S3 user guide).
    """
    bucket, key = f"templates-{aws.endpoint.account}", "deep/x.yaml"
    aws.client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "ca-central-1"}
    )
    body = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body)

    url = form.format(bucket=bucket, region="ca-central-1", key=key)
    made = aws.cfn.create_change_set(
        StackName="s", ChangeSetName="c", ChangeSetType="CREATE", TemplateURL=url
    )

    assert body == aws.cfn.get_template(StackName="s", ChangeSetName=made["Id"])["TemplateBody"]


def test_template_version(aws: Aws) -> None:
    """A template is read in the version that the address names, if there is one.

    AWS: "Selecting a stack template" (CloudFormation user guide).
    """
    bucket, s3 = f"templates-{aws.endpoint.account}", aws.client("s3")
    s3.create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "ca-central-1"}
    )
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    body = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
    version = s3.put_object(Bucket=bucket, Key="x.yaml", Body=body)["VersionId"]
    s3.put_object(Bucket=bucket, Key="x.yaml", Body=body.replace("Topic:", "Other:"))
    named = {"StackName": "s", "ChangeSetName": "c", "ChangeSetType": "CREATE"}
    url = f"https://{bucket}.s3.ca-central-1.amazonaws.com/x.yaml?versionId="

    with pytest.raises(aws.cfn.exceptions.ClientError, match="Template not found at"):
        aws.cfn.create_change_set(**named, TemplateURL=f"{url}none")
    made = aws.cfn.create_change_set(**named, TemplateURL=f"{url}{version}")

    assert body == aws.cfn.get_template(StackName="s", ChangeSetName=made["Id"])["TemplateBody"]


def test_zones(aws: Aws) -> None:
    """A region's zones are not always a, b, c, and templates see those EC2 lists.

    AWS: ca-central-1 has a, b, d and us-east-1 has a to f ("Regions and Zones", EC2 user guide;
    which letters exist differs by account: these are those of new accounts, not verified).
    """
    outputs = {"Zones": {"Value": {"Fn::Join": [",", {"Fn::GetAZs": ""}]}}}
    aws.deploy("s", template(A=topic()) | {"Outputs": outputs})

    def listed(region: str) -> list[str]:
        found = aws.client("ec2", region).describe_availability_zones()["AvailabilityZones"]
        return [zone["ZoneName"] for zone in found]

    assert [f"ca-central-1{letter}" for letter in "abd"] == listed("ca-central-1")
    assert [f"us-east-1{letter}" for letter in "abcdef"] == listed("us-east-1")
    assert {"Zones": ",".join(listed("ca-central-1"))} == aws.outputs("s")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (resource("AWS::SNS::Topic", Name="x"), "#: extraneous key [Name] is not permitted"),
        (resource("AWS::SSM::Parameter", Value="x"), "#: required key [Type] not found"),
        (
            resource("AWS::S3::Bucket", VersioningConfiguration={"Status": "On"}),
            "#/VersioningConfiguration/Status: On is not a valid enum value",
        ),
        (
            resource("AWS::SQS::Queue", Tags=[{"Key": "a"}]),
            "#/Tags/0: required key [Value] not found",
        ),
    ],
    ids=["extraneous", "missing", "enum", "deep"],
)
def test_properties(aws: Aws, made: dict[str, Any], words: str) -> None:
    """Properties are checked with the type's schema before the resource is made.

    AWS: "Properties validation failed for resource …", as in many an issue
    (aws/aws-cdk#9565); the words for a wrong value are not verified.
    """
    stack = aws.deploy("s", template(Made=made))

    assert "ROLLBACK_COMPLETE" == stack["StackStatus"]
    assert any(words in reason for *_, reason in aws.events("s"))


def test_properties_of_an_update(aws: Aws) -> None:
    """AWS: an update with such properties is rolled back."""
    aws.deploy("s", template(Made=parameter("x")))

    stack = aws.deploy("s", template(Made=parameter("y") | {"Properties": {"Value": "y"}}))

    assert "UPDATE_ROLLBACK_COMPLETE" == stack["StackStatus"]


@pytest.mark.parametrize(
    "made",
    [
        resource("AWS::SQS::Queue", QueueName="one"),
        resource("AWS::SNS::Topic", TopicName="one"),
        resource("AWS::Logs::LogGroup", LogGroupName="one"),
        resource("AWS::SSM::Parameter", Name="/one", Type="String", Value="x"),
    ],
    ids=lambda made: made["Type"],
)
def test_taken_name(aws: Aws, made: dict[str, Any]) -> None:
    """A custom name belongs to one resource; updating that one is no clash.

    AWS: "Name type" (user guide); "… already exists", common knowledge.
    """
    aws.deploy("s", template(Made=made))

    other = aws.deploy("t", template(Made=made))
    again = aws.deploy("s", template(Made=made, More=topic("more")))
    aws.delete("s")
    aws.delete("t")
    freed = aws.deploy("u", template(Made=made))

    assert "ROLLBACK_COMPLETE" == other["StackStatus"]
    assert any("already exists" in reason for *_, reason in aws.events(other["StackId"]))
    assert "UPDATE_COMPLETE" == again["StackStatus"]
    assert "CREATE_COMPLETE" == freed["StackStatus"]


SHORT = """
Resources:
  A: {Type: T, Properties: {When: 2012-10-17, Port: 0x1F, Yes: "yes", On: on, None: ~}}
Outputs:
  One: {Value: !GetAtt A.B.C}
  Two: {Value: !GetAtt [A, B.C]}
  Three: {Value: !Sub ["${a}", {a: !Ref A}]}
  Four: {Value: !If [Is, !Select [0, !Split [",", a]], !Ref AWS::NoValue]}
"""


READ_TWICE = """
import json, sys
from emulator import template_limits
from emulator.ministack import cloudformation

texts = json.load(sys.stdin)
own = [cloudformation.parse_template(text) for text in texts]
template_limits.install()
assert own == [cloudformation.parse_template(text) for text in texts]
print(cloudformation.yaml_loader.current.__mro__[1].__name__)
"""


def test_another_reader_reads_the_same() -> None:
    """The emulator's, in Python, is slow: for all layers it takes longer than to make them."""
    texts = [SHORT, *(file.read_text() for file in (ROOT / "build/prod").glob("*.yaml"))]

    ran = subprocess.run(
        [sys.executable, "-c", READ_TWICE],
        input=json.dumps(texts),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout == "CSafeLoader\n"
