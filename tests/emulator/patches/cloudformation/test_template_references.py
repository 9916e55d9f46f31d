"""Templates that AWS refuses before it creates anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.templates import att, parameter, ref, resource, template, topic

if TYPE_CHECKING:
    from tests.emulator_server import Aws

UNRESOLVED = "Template format error: Unresolved resource dependencies [{}] in the {} block"
ROLE = resource("AWS::IAM::Role", AssumeRolePolicyDocument={})
NAMED_ROLE = resource("AWS::IAM::Role", RoleName="x", AssumeRolePolicyDocument={})
REFUSED: dict[str, tuple[Any, str]] = {
    "ref": (template(A=parameter(ref("Missing"))), UNRESOLVED.format("Missing", "Resources")),
    "sub": (
        template(A=parameter({"Fn::Sub": "x${Missing}${AWS::Region}"})),
        UNRESOLVED.format("Missing", "Resources"),
    ),
    "depends": (
        template(A=parameter("x", DependsOn="Missing")),
        UNRESOLVED.format("Missing", "Resources"),
    ),
    "output": (
        template(A=topic()) | {"Outputs": {"O": {"Value": ref("Missing")}}},
        UNRESOLVED.format("Missing", "Outputs"),
    ),
    "attribute": (
        template(A=parameter(att("Missing", "Arn"))),
        "Template error: instance of Fn::GetAtt references undefined resource Missing",
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
def test_invalid_template(aws: Aws, case: str) -> None:
    """A change set is refused with AWS's message, and creates no stack.

    AWS: messages from serverless/serverless issue 4745 (Ref), dougmoscrop/serverless-plugin-split-stacks
    issue 150 (GetAtt), aws-cloudformation/cfn-lint issue 1632 (export name), the troubleshooting
    page of the user guide (circular); those of Sub and DependsOn are not verified.
    """
    body, message = REFUSED[case]

    with pytest.raises(aws.cfn.exceptions.ClientError) as refused:
        aws.create_change_set("s", body)

    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert message in refused.value.response["Error"]["Message"]
    assert aws.cfn.describe_stacks()["Stacks"] == []


def test_validate_template(aws: Aws) -> None:
    """ValidateTemplate refuses undefined references as well (serverless/serverless issue 4745)."""
    with pytest.raises(aws.cfn.exceptions.ClientError, match="Unresolved resource dependencies"):
        aws.cfn.validate_template(
            TemplateBody='{"Resources": {"A": {"Type": "AWS::SNS::Topic",'
            ' "Properties": {"TopicName": {"Ref": "Missing"}}}}}'
        )


@pytest.mark.parametrize(
    ("body", "required", "given"),
    [
        (template(Role=ROLE), "CAPABILITY_IAM", []),
        (template(Role=NAMED_ROLE), "CAPABILITY_NAMED_IAM", ["CAPABILITY_IAM"]),
    ],
)
def test_capabilities(aws: Aws, body: Any, required: str, given: list[str]) -> None:
    """IAM resources need a capability (API reference of CreateChangeSet).

    MiniStack checks this itself with AUTH on.
    """
    with pytest.raises(aws.cfn.exceptions.ClientError) as refused:
        aws.create_change_set("s", body, Capabilities=given)

    error = refused.value.response["Error"]
    assert (
        error["Code"],
        error["Message"],
    ) == ("InsufficientCapabilitiesException", f"Requires capabilities : [{required}]")


def test_body_size_limit(aws: Aws) -> None:
    """A template body over 51,200 bytes is refused (CloudFormation quotas)."""
    body = template(A=parameter("x")) | {"Metadata": {"Long": "x" * 51_200}}

    with pytest.raises(aws.cfn.exceptions.ClientError, match="less than or equal to 51200"):
        aws.create_change_set("s", body)
