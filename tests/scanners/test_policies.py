"""Finding the policies of templates, and resolving their references to examples."""

from dataclasses import dataclass
from typing import Any

import pytest

from deployer import template_yaml
from tests.scanners.errors import ScannerError
from tests.scanners.policies import ReferenceResolver, policies

SCOPE = "eu-central-1:123456789012"


@dataclass(frozen=True)
class Subject:
    """A stack with *resources* and *outputs*."""

    name: str
    resources: dict[str, Any]
    outputs: dict[str, Any]
    region: str = "eu-central-1"

    @property
    def text(self) -> str:
        return template_yaml.dump({"Resources": self.resources, "Outputs": self.outputs})


FOUNDATION = {
    "Resources": {
        "Artifacts": {"Type": "AWS::S3::Bucket"},
        "Alerts": {"Type": "AWS::SNS::Topic"},
        "Zone": {"Type": "AWS::Route53::HostedZone"},
        "Table": {"Type": "AWS::DynamoDB::Table"},
    },
    "Outputs": {"Bucket": {"Value": {"Ref": "Artifacts"}, "Export": {"Name": "crd-Bucket"}}},
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "AWS::AccountId"}, "123456789012"),
        ({"Ref": "Artifacts"}, "artifacts"),
        ({"Ref": "Alerts"}, f"arn:aws:sns:{SCOPE}:alerts"),
        ({"Fn::GetAtt": ["Artifacts", "Arn"]}, "arn:aws:s3:::artifacts"),
        ({"Fn::GetAtt": ["Artifacts", "DomainName"]}, "artifacts-domainname"),
        (
            {"Fn::GetAtt": ["Table", "StreamArn"]},
            f"arn:aws:dynamodb:{SCOPE}:table/table/stream/label",
        ),
        ({"Fn::Sub": "${Artifacts.Arn}/*"}, "arn:aws:s3:::artifacts/*"),
        ({"Fn::Sub": ["${a}-${!b}", {"a": {"Ref": "Artifacts"}}]}, "artifacts-${!b}"),
        ({"Fn::Join": ["/", [{"Ref": "Artifacts"}, "*"]]}, "artifacts/*"),
        ({"Fn::ImportValue": "crd-Bucket"}, "artifacts"),
        ({"Fn::ImportValue": "of-another-environment"}, "example"),
        ({"Fn::Select": [0, ["a"]]}, "example"),
        ([{"a": {"Ref": "Parameter"}}], [{"a": "parameter"}]),
    ],
    ids=str,
)
def test_references_become_examples(value: Any, expected: Any) -> None:
    """A reference becomes an ARN if it has one, and a name otherwise."""
    assert expected == ReferenceResolver({"crd": FOUNDATION}).resolve(value, "crd")


def test_type_without_example_arn_is_an_error() -> None:
    """A resource type without an example ARN is an error: parliament would refuse an invented ARN."""
    with pytest.raises(ScannerError, match="ARN of AWS::Route53::HostedZone"):
        ReferenceResolver({"crd": FOUNDATION}).resolve({"Fn::GetAtt": ["Zone", "Arn"]}, "crd")


def test_every_policy_is_found() -> None:
    """Policies are found at any depth. A trust policy may leave out the resource."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
    write = {"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
    properties = {"AssumeRolePolicyDocument": trust, "Policies": [{"PolicyDocument": write}]}
    role = {"Writer": {"Type": "AWS::IAM::Role", "Properties": properties}}

    trust_policy, write_policy = policies([Subject("crd", role, {})])

    assert [statement["Resource"] for statement in trust_policy.statements] == [
        "arn:aws:iam::123456789012:role/writer"
    ]
    assert write["Statement"] == write_policy.statements[0]
    assert (write_policy.stack, write_policy.title) == ("crd", "Writer")
    assert (trust_policy.name, write_policy.name) == ("AssumeRolePolicyDocument", "PolicyDocument")
