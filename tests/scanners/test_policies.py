"""Policies as AWS would read them."""

from dataclasses import dataclass
from typing import Any

import pytest

from deployer import template_yaml
from tests.scanners.errors import ScannerError
from tests.scanners.policies import World, policies

HERE = "eu-central-1:123456789012"


@dataclass(frozen=True)
class Subject:
    """A stack with the resources and outputs that are given."""

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
        ({"Ref": "Alerts"}, f"arn:aws:sns:{HERE}:alerts"),
        ({"Fn::GetAtt": ["Artifacts", "Arn"]}, "arn:aws:s3:::artifacts"),
        ({"Fn::GetAtt": ["Artifacts", "DomainName"]}, "artifacts-domainname"),
        (
            {"Fn::GetAtt": ["Table", "StreamArn"]},
            f"arn:aws:dynamodb:{HERE}:table/table/stream/label",
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
    """An ARN where AWS has one, something that looks like a name elsewhere."""
    assert expected == World({"crd": FOUNDATION}).resolved(value, "crd")


def test_an_unknown_arn_is_said() -> None:
    """Better than an invented one, which parliament would call a mismatch."""
    with pytest.raises(ScannerError, match="ARN of AWS::Route53::HostedZone"):
        World({"crd": FOUNDATION}).resolved({"Fn::GetAtt": ["Zone", "Arn"]}, "crd")


def test_every_policy_is_found() -> None:
    """Wherever it stands below the properties; whom it lets in may leave out to what."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
    write = {"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
    properties = {"AssumeRolePolicyDocument": trust, "Policies": [{"PolicyDocument": write}]}
    role = {"Writer": {"Type": "AWS::IAM::Role", "Properties": properties}}

    trusted, written = policies([Subject("crd", role, {})])

    assert ["arn:aws:iam::123456789012:role/writer"] == [
        each["Resource"] for each in trusted.statements
    ]
    assert write["Statement"] == written.statements[0]
    assert ("crd", "Writer") == (written.stack, written.title)
    assert ("AssumeRolePolicyDocument", "PolicyDocument") == (trusted.name, written.name)
