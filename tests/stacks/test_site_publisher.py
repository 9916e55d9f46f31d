"""The role with which GitHub Actions publishes the site."""

import json

import pytest
from msgspec import ValidationError, convert

from deployer.model import Layers
from stacks import site_publisher
from stacks.cdn import Cdn
from tests.stacks.templates import Emitted, config_of, statements, text

SETTINGS = {"repository": "someone/cruddur", "branch": "prod", "oidc_provider": "create"}
ISSUER = "token.actions.githubusercontent.com"
CDN = Cdn("site", "E1", "arn:E1", "E2", "arn:E2")


def emit(**settings):
    """Return the stack with these settings."""
    layers = Layers(config_of("prod").env)
    layers.add(
        "site-publisher",
        site_publisher.define,
        convert(SETTINGS | settings, site_publisher.Settings),
        CDN,
    )
    (stack,) = layers
    return Emitted(stack, json.loads(stack.template.to_json()))


def trust_statement(emitted):
    """Return the only statement of the role's trust policy."""
    (statement,) = emitted.one("AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    return statement


def permissions():
    """Return the statements of the role by statement id."""
    (policy,) = emit().one("AWS::IAM::Role")["Policies"]
    return statements(policy["PolicyDocument"])


def test_only_one_branch_of_one_repository_is_trusted():
    """The condition has the exact subject and audience, without a pattern."""
    statement = trust_statement(emit())

    assert statement["Action"][0] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Principal"] == {"Federated": {"Ref": "GitHubOidcProvider"}}
    assert statement["Condition"] == {
        "StringEquals": {
            f"{ISSUER}:aud": "sts.amazonaws.com",
            f"{ISSUER}:sub": "repo:someone/cruddur:ref:refs/heads/prod",
        }
    }


def test_a_subject_can_contain_ids():
    """Tokens of new or renamed repositories have ids, which GitHub never assigns twice."""
    statement = trust_statement(emit(owner_id=123456, repository_id=456789, branch="main"))

    assert (
        (statement["Condition"]["StringEquals"][f"{ISSUER}:sub"])
        == "repo:someone@123456/cruddur@456789:ref:refs/heads/main"
    )


def test_the_oidc_provider_is_that_of_github():
    """The OIDC provider has one audience, and no thumbprint, which IAM does not need."""
    provider = emit().one("AWS::IAM::OIDCProvider")

    assert provider["Url"] == f"https://{ISSUER}"
    assert provider["ClientIdList"] == ["sts.amazonaws.com"]
    assert "ThumbprintList" not in provider


def test_an_existing_oidc_provider_is_reused():
    """With the setting, no provider is created: an account can have only one for GitHub."""
    emitted = emit(oidc_provider="reuse")

    assert emitted.of("AWS::IAM::OIDCProvider") == {}
    assert text(trust_statement(emitted)["Principal"]).endswith(
        f'iam::${{AWS::AccountId}}:oidc-provider/{ISSUER}"}}}}'
    )


def test_sessions_last_for_an_hour():
    """A session lasts an hour, so that a stolen one expires soon."""
    role = emit().one("AWS::IAM::Role")

    assert role["MaxSessionDuration"] == 3600
    assert not {"ManagedPolicyArns", "RoleName"} & role.keys()


def test_the_role_writes_to_one_bucket_and_invalidates_one_distribution():
    """The role lists, reads, writes and deletes the files of the site, and nothing else."""
    allowed = {sid: (found["Action"], found["Resource"]) for sid, found in permissions().items()}

    outputs = allowed.pop("DescribeStacks")
    name = "arn:${AWS::Partition}:s3:::crd-prod-site-${AWS::AccountId}-${AWS::Region}-an"
    site = {"Fn::Sub": name}
    files = {"Fn::Sub": ["${Bucket}/*", {"Bucket": site}]}
    assert {
        "ListFiles": (["s3:ListBucket"], [site]),
        "WriteFiles": (["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], [files]),
        "InvalidateCache": (["cloudfront:CreateInvalidation"], ["arn:E1"]),
    } == allowed
    assert outputs[0] == ["cloudformation:DescribeStacks"]


def test_the_role_reads_the_outputs_of_three_stacks():
    """The role may describe the three stacks whose outputs the build of the site needs."""
    resources = permissions()["DescribeStacks"]["Resource"]

    stacks = [resource["Fn::Sub"].rpartition(":stack/")[2] for resource in resources]

    assert stacks == ["crd-prod-avatars/*", "crd-prod-cdn/*", "crd-prod-users/*"]


@pytest.mark.parametrize(
    ("settings", "fact"),
    [
        ({"branch": "*"}, r"branch"),
        ({"branch": "release/*"}, r"branch"),
        ({"branch": ""}, r"branch"),
        ({"repository": "someone/*"}, r"repository"),
        ({"repository": "someone"}, r"repository"),
        ({"oidc_provider": "none"}, r"oidc_provider"),
        ({"owner_id": 1}, r"go together"),
        ({"repository_id": 1}, r"go together"),
        ({"owner_id": -1, "repository_id": 1}, r"owner_id"),
    ],
    ids=str,
)
def test_patterns_are_refused_in_settings(settings, fact):
    """A setting cannot extend the trust to more than one branch."""
    with pytest.raises(ValidationError, match=fact):
        convert(SETTINGS | settings, site_publisher.Settings)
