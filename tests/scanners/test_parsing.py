"""What the adapters make of what the tools print."""

import json
from pathlib import Path

import pytest

from deployer.lint import Finding, describe
from tests.scanners import checkov, guard, include, nag, parliament
from tests.scanners.errors import ScannerError
from tests.scanners.policies import Policy
from tests.scanners.tool import seen

RECORDED = Path(__file__).parent / "recorded"


def recorded(name: str):
    """What a tool once printed, cut to what matters."""
    return json.loads((RECORDED / f"{name}.json").read_text())


def brief(findings: tuple[Finding, ...]) -> list[tuple[str, str, str]]:
    """The rule, stack and place of each."""
    return [(each.rule, each.stack, each.where) for each in findings]


def test_checkov() -> None:
    """A file is a stack; the logical id stands after the type."""
    found = checkov.parse(recorded("checkov"))

    assert [("checkov:CKV_AWS_136", "crd-dev-registry", "BackendRepository")] == brief(found)


@pytest.mark.parametrize(
    "summary", [{"resource_count": 0}, {"parsing_errors": 1}, {"skipped": 1}], ids=str
)
def test_checkov_must_have_read_everything(summary: dict[str, int]) -> None:
    """A template that it cannot parse, or that excuses itself, has no findings."""
    said = recorded("checkov")

    checkov.check_read(said, resources=1)
    said["summary"] |= summary

    with pytest.raises(ScannerError, match="checkov read"):
        checkov.check_read(said, resources=1)


def test_guard() -> None:
    """The id stands in a message, the resource in the leaves of the tree; once, however often."""
    [found] = guard.parse(recorded("guard"))

    assert [("guard:CT.CLOUDWATCH.PR.2", "crd-prod-network", "FlowLogGroup")] == brief((found,))
    assert found.message.startswith("Require an Amazon CloudWatch log group to be retained")


def test_guard_without_id_or_place() -> None:
    """A rule that says neither is told by its name, about the stack."""
    failed = {"Rule": {"name": "some_check", "checks": [{"path": ""}]}}

    found = guard.parse([{"name": "crd-dev-dns.yaml", "not_compliant": [failed]}])

    assert [("guard:some_check", "crd-dev-dns", "")] == brief(found)


def test_nag() -> None:
    """What of a resource is meant stands behind it; a rule that threw is another rule."""
    found = nag.parse(recorded("nag"))

    role = "arn:<AWS::Partition>:iam::<AWS::AccountId>:role/crd-dev-*"
    assert [
        ("nag:AwsSolutions-S1", "crd-dev-foundation", "Artifacts"),
        ("nag:AwsSolutions-S1", "crd-prod-foundation", "Artifacts"),
        ("nag:AwsSolutions-IAM5", "crd-dev-foundation", f"ReleaseRolesPolicy/Resource::{role}"),
        ("nag:AwsSolutions-EC23!", "crd-dev-foundation", "Firewall"),
    ] == brief(found)


def test_include() -> None:
    """A refusal, what is not valid, and each difference that is more than another spelling."""
    ours = {
        "crd-dev-network": {
            "Resources": {
                "Route": {"Type": "AWS::EC2::Route", "DependsOn": "Internet"},
                "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"CidrBlock": "10"}},
                "Vpc": {"Type": "AWS::EC2::VPC"},
            },
            "Outputs": {"Vpc": {"Value": {"Fn::GetAtt": ["Vpc", "CidrBlock"]}}},
        }
    }

    found = include.parse(recorded("include"), ours)

    assert [
        ("include:refused", "crd-dev-dns", ""),
        ("include:F3002", "crd-dev-network", "Subnet"),
        ("include:F6101", "crd-dev-network", ""),
        ("include:differs", "crd-dev-network", "Subnet/Properties/CidrBlock"),
        ("include:differs", "crd-dev-network", "Vpc"),
    ] == brief(found)
    assert describe(found[3]).endswith('we wrote "10", CDK makes 10 of it')
    assert found[4].message.endswith("CDK makes nothing of it")


def test_a_difference_outside_of_resources_is_told() -> None:
    """An output has no logical id, so the message says where it is."""
    made = {"crd-dev-dns": {"Outputs": {"Vpc": {"Value": 1}}}}
    said = {"refused": {}, "violations": [], "templates": made}

    [found] = include.parse(said, {"crd-dev-dns": {"Outputs": {"Vpc": {"Value": True}}}})

    assert found.message == "Outputs.Vpc.Value: we wrote true, CDK makes 1 of it"


def test_what_a_resource_waits_for_has_no_order() -> None:
    """CDK sorts it; that one is gone is still told, and so is another order elsewhere."""
    said = {"refused": {}, "violations": []}
    ours = {"crd-dev-dns": {"Resources": {"A": {"DependsOn": ["C", "B"], "Kinds": ["C", "B"]}}}}

    def made(waits: list[str], kinds: list[str]) -> list[tuple[str, str, str]]:
        a = {"DependsOn": waits, "Kinds": kinds}
        templates = {"crd-dev-dns": {"Resources": {"A": a}}}
        return brief(include.parse({**said, "templates": templates}, ours))

    assert [] == made(["B", "C"], ["C", "B"])
    assert [("include:differs", "crd-dev-dns", "A/DependsOn")] == made(["B"], ["C", "B"])
    assert 2 == len(made(["B", "C"], ["B", "C"]))


STATEMENT = {"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"}
WRITTEN = (
    Policy("crd-dev-network", "Writer", "P", {"Statement": [{**STATEMENT, "Sid": "A"}, STATEMENT]}),
    Policy("crd-prod-network", "Writer", "PolicyDocument", {"Statement": STATEMENT}),
)


def test_parliament() -> None:
    """The line says which statement is meant, by its Sid or its number; else the policy is."""
    said = (RECORDED / "parliament.jsonl").read_text()

    found = parliament.parse(said, WRITTEN)

    assert [
        ("parliament:RESOURCE_MISMATCH", "crd-dev-network", "Writer/2"),
        ("parliament:CREDENTIALS_EXPOSURE", "crd-prod-network", "Writer/PolicyDocument"),
    ] == brief(found)


def test_parliament_must_have_read_every_policy() -> None:
    """What it did not read has no findings."""
    with pytest.raises(ScannerError, match="1 of 2 policies"):
        parliament.parse('{"read": 0}', WRITTEN)


def test_a_policy_is_written_a_statement_a_line() -> None:
    """So that a line of it is a statement, from the second on."""
    document = {"Version": "2012-10-17", "Statement": [{}, {"Sid": "A"}]}

    text = parliament.text(Policy("", "", "", document))

    assert document == json.loads(text)
    assert '{"Sid": "A"}' == text.splitlines()[2]


class Named:
    """A template, of which only the name counts."""

    name = "crd-dev-dns"


def test_what_was_not_read_is_an_error() -> None:
    """A tool that says nothing about a template did not check it."""
    seen([Named()], ["crd-dev-dns"])

    with pytest.raises(ScannerError, match="not read: crd-dev-dns"):
        seen([Named()], [])
