"""The real scanners: all templates pass, and each scanner finds its kind of mistake."""

from dataclasses import dataclass, field

import pytest

from tests.scanners import scan
from tests.scanners.__main__ import format_result
from tests.scanners.table import TOOLS

pytestmark = pytest.mark.slow

INSECURE = """\
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      AccessControl: PublicRead
      Colour: blue
  AllActions:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
        - Effect: Allow
          Action: '*'
          Resource: '*'
"""
EXPECTED_RULES = {
    "checkov": "checkov:CKV_AWS_20",
    "guard": "guard:CT.S3.PR.1",
    "include": "include:F3002",
    "nag": "nag:AwsSolutions-IAM5",
    "parliament": "parliament:PRIVILEGE_ESCALATION",
}


@dataclass(frozen=True)
class Subject:
    """A stack with an insecure template."""

    text: str
    name: str = "crd-dev-naive"
    region: str = "eu-central-1"
    lines: dict[str, object] = field(default_factory=dict)


def test_no_finding_is_unexplained() -> None:
    """All findings of all scanners in all templates of all environments are accepted."""
    results = list(scan.run_tools(list(TOOLS.values()), scan.load_templates(), complete=True))

    assert [format_result(result) for result in results if not result.passed] == []
    assert len(TOOLS) == len(results)


@pytest.mark.parametrize(("name", "rule"), EXPECTED_RULES.items())
def test_a_scanner_finds_an_insecure_template(name: str, rule: str) -> None:
    """A public bucket with an unknown property and a policy that allows all actions are findings."""
    [result] = scan.run_tools([TOOLS[name]], [Subject(INSECURE)], complete=False)

    assert rule in {finding.rule for finding in result.verdict.unexplained}


def test_cdk_refuses_invalid_template() -> None:
    """CDK's parser refuses a reference to a missing resource."""
    text = INSECURE.replace("AccessControl: PublicRead", "BucketName: !Ref Missing")

    [result] = scan.run_tools([TOOLS["include"]], [Subject(text)], complete=False)

    [refused] = result.verdict.unexplained
    assert refused.rule == "include:refused"
    assert "Missing" in refused.message


def test_parliament_checks_statements_with_unknown_actions() -> None:
    """Accepting an unknown action must not hide other findings of its statement."""
    text = INSECURE.replace("Action: '*'", "Action: ['s3:Invented', 's3:PutBucketPolicy']")

    [result] = scan.run_tools([TOOLS["parliament"]], [Subject(text)], complete=False)

    found = {
        finding.rule.partition(":")[2]: finding.where for finding in result.verdict.unexplained
    }
    assert found["UNKNOWN_ACTION"] == found["RESOURCE_STAR"] == "AllActions/1"
    assert "PERMISSIONS_MANAGEMENT_ACTIONS" in found
