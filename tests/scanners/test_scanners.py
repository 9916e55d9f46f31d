"""Run the third-party scanners: all templates pass, and each scanner catches its kind of mistake."""

from dataclasses import dataclass, field

import pytest

from tests.scanners import session
from tests.scanners.__main__ import told
from tests.scanners.table import TOOLS

pytestmark = pytest.mark.slow

NAIVE = """\
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      AccessControl: PublicRead
      Colour: blue
  Everything:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
        - Effect: Allow
          Action: '*'
          Resource: '*'
"""
CAUGHT = {
    "checkov": "checkov:CKV_AWS_20",
    "guard": "guard:CT.S3.PR.1",
    "include": "include:F3002",
    "nag": "nag:AwsSolutions-IAM5",
    "parliament": "parliament:PRIVILEGE_ESCALATION",
}


@dataclass(frozen=True)
class Subject:
    """A template that nobody should deploy."""

    text: str
    name: str = "crd-dev-naive"
    region: str = "eu-central-1"
    lines: dict[str, object] = field(default_factory=dict)


def test_nothing_is_unexplained() -> None:
    """Every tool over every template of every environment."""
    answers = list(session.answers(list(TOOLS.values()), session.templates(), whole=True))

    assert [] == [told(each) for each in answers if not each.well]
    assert len(TOOLS) == len(answers)


@pytest.mark.parametrize(("name", "rule"), CAUGHT.items())
def test_scanner_catches_naive_template(name: str, rule: str) -> None:
    """A blue and public bucket and a policy of everything do not slip through."""
    [answer] = session.answers([TOOLS[name]], [Subject(NAIVE)], whole=False)

    assert rule in {each.rule for each in answer.verdict.unexplained}


def test_cdk_refuses_invalid_template() -> None:
    """A reference to nothing, as an independent parser sees it."""
    text = NAIVE.replace("AccessControl: PublicRead", "BucketName: !Ref Nobody")

    [answer] = session.answers([TOOLS["include"]], [Subject(text)], whole=False)

    [refused] = answer.verdict.unexplained
    assert refused.rule == "include:refused"
    assert "Nobody" in refused.message


def test_parliament_looks_past_what_it_does_not_know() -> None:
    """Who accepts an action that is too new must not accept with it whatever stands beside it."""
    text = NAIVE.replace("Action: '*'", "Action: ['s3:Invented', 's3:PutBucketPolicy']")

    [answer] = session.answers([TOOLS["parliament"]], [Subject(text)], whole=False)

    found = {each.rule.partition(":")[2]: each.where for each in answer.verdict.unexplained}
    assert found["UNKNOWN_ACTION"] == found["RESOURCE_STAR"] == "Everything/1"
    assert "PERMISSIONS_MANAGEMENT_ACTIONS" in found
