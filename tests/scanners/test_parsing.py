"""The parsing of the output of each scanner."""

import json
from pathlib import Path

import pytest

from deployer.lint import Finding, describe
from tests.scanners import checkov, guard, include, nag, parliament
from tests.scanners.errors import ScannerError
from tests.scanners.policies import Policy
from tests.scanners.tool import check_all_read

RECORDED = Path(__file__).parent / "recorded"


def recorded(name: str):
    """Return recorded output of a scanner, shortened."""
    return json.loads((RECORDED / f"{name}.json").read_text())


def summaries(findings: tuple[Finding, ...]) -> list[tuple[str, str, str]]:
    """Return the rule, stack and resource of each finding."""
    return [(finding.rule, finding.stack, finding.where) for finding in findings]


def test_checkov() -> None:
    """The stack is from the file name; the logical id follows the type."""
    found = checkov.parse(recorded("checkov"))

    assert summaries(found) == [("checkov:CKV_AWS_136", "crd-dev-registry", "BackendRepository")]


@pytest.mark.parametrize(
    "summary", [{"resource_count": 0}, {"parsing_errors": 1}, {"skipped": 1}], ids=str
)
def test_checkov_must_have_read_everything(summary: dict[str, int]) -> None:
    """Unparsed templates and suppressed rules are errors, because they have no findings."""
    report = recorded("checkov")

    checkov.check_complete(report, resources=1)
    report["summary"] |= summary

    with pytest.raises(ScannerError, match="checkov read"):
        checkov.check_complete(report, resources=1)


def test_guard() -> None:
    """The rule id is from a message and the resource from the leaves of the tree, without duplicates."""
    [found] = guard.parse(recorded("guard"))

    assert summaries((found,)) == [("guard:CT.CLOUDWATCH.PR.2", "crd-prod-network", "FlowLogGroup")]
    assert found.message.startswith("Require an Amazon CloudWatch log group to be retained")


def test_guard_without_id_or_path() -> None:
    """A rule without an id and a path is reported by its name, for the stack."""
    failure = {"Rule": {"name": "some_check", "checks": [{"path": ""}]}}

    found = guard.parse([{"name": "crd-dev-dns.yaml", "not_compliant": [failure]}])

    assert summaries(found) == [("guard:some_check", "crd-dev-dns", "")]


def test_nag() -> None:
    """The detail follows the resource; a rule that raised an error is another rule."""
    found = nag.parse(recorded("nag"))

    role = "arn:<AWS::Partition>:iam::<AWS::AccountId>:role/crd-dev-*"
    assert summaries(found) == [
        ("nag:AwsSolutions-S1", "crd-dev-foundation", "Artifacts"),
        ("nag:AwsSolutions-S1", "crd-prod-foundation", "Artifacts"),
        ("nag:AwsSolutions-IAM5", "crd-dev-foundation", f"ReleaseRolesPolicy/Resource::{role}"),
        ("nag:AwsSolutions-EC23!", "crd-dev-foundation", "DatabaseSecurityGroup"),
    ]


def test_include() -> None:
    """Refusals, violations and differences are findings, other spellings are not."""
    templates = {
        "crd-dev-network": {
            "Resources": {
                "Route": {"Type": "AWS::EC2::Route", "DependsOn": "Internet"},
                "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"CidrBlock": "10"}},
                "Vpc": {"Type": "AWS::EC2::VPC"},
            },
            "Outputs": {"Vpc": {"Value": {"Fn::GetAtt": ["Vpc", "CidrBlock"]}}},
        }
    }

    found = include.parse(recorded("include"), templates)

    assert summaries(found) == [
        ("include:refused", "crd-dev-dns", ""),
        ("include:F3002", "crd-dev-network", "Subnet"),
        ("include:F6101", "crd-dev-network", ""),
        ("include:differs", "crd-dev-network", "Subnet/Properties/CidrBlock"),
        ("include:differs", "crd-dev-network", "Vpc"),
    ]
    assert describe(found[3]).endswith('the template has "10", CDK\'s has 10')
    assert found[4].message.endswith("CDK's has nothing")


def test_difference_outside_of_resources_has_its_path() -> None:
    """The message has the path of an output, which has no logical id."""
    synthesized = {"crd-dev-dns": {"Outputs": {"Vpc": {"Value": 1}}}}
    report = {"refused": {}, "violations": [], "templates": synthesized}

    [found] = include.parse(report, {"crd-dev-dns": {"Outputs": {"Vpc": {"Value": True}}}})

    assert found.message == "Outputs.Vpc.Value: the template has true, CDK's has 1"


def test_order_of_dependencies_is_ignored() -> None:
    """CDK sorts DependsOn. A missing dependency or another order elsewhere is a difference."""
    report = {"refused": {}, "violations": []}
    templates = {
        "crd-dev-dns": {"Resources": {"A": {"DependsOn": ["C", "B"], "Kinds": ["C", "B"]}}}
    }

    def differences(depends_on: list[str], kinds: list[str]) -> list[tuple[str, str, str]]:
        a = {"DependsOn": depends_on, "Kinds": kinds}
        synthesized = {"crd-dev-dns": {"Resources": {"A": a}}}
        return summaries(include.parse({**report, "templates": synthesized}, templates))

    assert differences(["B", "C"], ["C", "B"]) == []
    assert differences(["B"], ["C", "B"]) == [("include:differs", "crd-dev-dns", "A/DependsOn")]
    assert len(differences(["B", "C"], ["B", "C"])) == 2


STATEMENT = {"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"}
CHECKED = (
    Policy("crd-dev-network", "Writer", "P", {"Statement": [{**STATEMENT, "Sid": "A"}, STATEMENT]}),
    Policy("crd-prod-network", "Writer", "PolicyDocument", {"Statement": STATEMENT}),
)


def test_parliament() -> None:
    """A finding names the statement on its line by Sid or number, or else the policy."""
    output = (RECORDED / "parliament.jsonl").read_text()

    found = parliament.parse(output, CHECKED)

    assert summaries(found) == [
        ("parliament:RESOURCE_MISMATCH", "crd-dev-network", "Writer/2"),
        ("parliament:CREDENTIALS_EXPOSURE", "crd-prod-network", "Writer/PolicyDocument"),
    ]


def test_parliament_must_have_read_every_policy() -> None:
    """A policy that was not read has no findings, so it is an error."""
    with pytest.raises(ScannerError, match="1 of 2 policies"):
        parliament.parse('{"read": 0}', CHECKED)


def test_policy_has_one_statement_per_line() -> None:
    """The line of a finding identifies the statement, from line 2 on."""
    document = {"Version": "2012-10-17", "Statement": [{}, {"Sid": "A"}]}

    text = parliament.to_json(Policy("", "", "", document))

    assert document == json.loads(text)
    assert text.splitlines()[2] == '{"Sid": "A"}'


class NamedTemplate:
    """A template with only a name."""

    name = "crd-dev-dns"


def test_unread_template_is_an_error() -> None:
    """A template that a scanner does not list is an error: it was not checked."""
    check_all_read([NamedTemplate()], ["crd-dev-dns"])

    with pytest.raises(ScannerError, match="not read: crd-dev-dns"):
        check_all_read([NamedTemplate()], [])
