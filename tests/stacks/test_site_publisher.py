import json

import pytest
from msgspec import ValidationError, convert

from deployer.model import Layers
from stacks import site_publisher
from stacks.cdn import Cdn
from tests.stacks.templates import Emitted, config_of, statements, text

GIVEN = {"repository": "someone/cruddur", "branch": "prod", "oidc_provider": "create"}
ISSUER = "token.actions.githubusercontent.com"
WEB = Cdn("site", "E1", "arn:E1", "E2", "arn:E2")


def emit(**settings):
    """The stack with these settings."""
    layers = Layers(config_of("prod").env)
    layers.add(
        "site-publisher",
        site_publisher.define,
        convert(GIVEN | settings, site_publisher.Settings),
        WEB,
    )
    (stack,) = layers
    return Emitted(stack, json.loads(stack.template.to_json()))


def trust(emitted):
    """The one statement that says who may take the role."""
    (statement,) = emitted.one("AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    return statement


def rights():
    """What the role may do, by the names of the statements."""
    (policy,) = emit().one("AWS::IAM::Role")["Policies"]
    return statements(policy["PolicyDocument"])


def test_only_one_branch_of_one_repository_is_trusted():
    """Word for word, with a token that was made for AWS: no pattern, no other condition."""
    statement = trust(emit())

    assert "sts:AssumeRoleWithWebIdentity" == statement["Action"][0]
    assert {"Federated": {"Ref": "GitHub"}} == statement["Principal"]
    assert {
        "StringEquals": {
            f"{ISSUER}:aud": "sts.amazonaws.com",
            f"{ISSUER}:sub": "repo:someone/cruddur:ref:refs/heads/prod",
        }
    } == statement["Condition"]


def test_a_repository_can_be_named_by_number():
    """As tokens do of repositories that are new or renamed: nobody else can come by the number."""
    statement = trust(emit(owner_id=123456, repository_id=456789, branch="main"))

    assert (
        "repo:someone@123456/cruddur@456789:ref:refs/heads/main"
        == (statement["Condition"]["StringEquals"][f"{ISSUER}:sub"])
    )


def test_the_provider_is_that_of_github():
    """For the one audience; IAM looks after the thumbprints."""
    provider = emit().one("AWS::IAM::OIDCProvider")

    assert f"https://{ISSUER}" == provider["Url"]
    assert ["sts.amazonaws.com"] == provider["ClientIdList"]
    assert "ThumbprintList" not in provider


def test_a_provider_that_is_there_is_reused():
    """An account has only one."""
    emitted = emit(oidc_provider="reuse")

    assert {} == emitted.of("AWS::IAM::OIDCProvider")
    assert text(trust(emitted)["Principal"]).endswith(
        f'iam::${{AWS::AccountId}}:oidc-provider/{ISSUER}"}}}}'
    )


def test_the_role_is_for_an_hour():
    """A stolen session is of little use."""
    role = emit().one("AWS::IAM::Role")

    assert 3600 == role["MaxSessionDuration"]
    assert not {"ManagedPolicyArns", "RoleName"} & role.keys()


def test_the_role_changes_one_bucket_and_one_distribution():
    """It lists, reads, writes and deletes files of the site, and invalidates them: no more."""
    given = {sid: (each["Action"], each["Resource"]) for sid, each in rights().items()}

    outputs = given.pop("ReadOutputs")
    name = "arn:${AWS::Partition}:s3:::crd-prod-site-${AWS::AccountId}-${AWS::Region}-an"
    site = {"Fn::Sub": name}
    files = {"Fn::Sub": ["${Bucket}/*", {"Bucket": site}]}
    assert {
        "ListFiles": (["s3:ListBucket"], [site]),
        "ChangeFiles": (["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], [files]),
        "ForgetFiles": (["cloudfront:CreateInvalidation"], ["arn:E1"]),
    } == given
    assert ["cloudformation:DescribeStacks"] == outputs[0]


def test_the_role_reads_what_the_site_is_built_with():
    """The outputs of three layers, under whatever id their stacks have."""
    resources = rights()["ReadOutputs"]["Resource"]

    named = [each["Fn::Sub"].rpartition(":stack/")[2] for each in resources]

    assert ["crd-prod-avatars/*", "crd-prod-cdn/*", "crd-prod-users/*"] == named


@pytest.mark.parametrize(
    ("settings", "said"),
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
def test_a_wider_trust_cannot_be_written(settings, said):
    """What would let in more than one branch is no value of a setting."""
    with pytest.raises(ValidationError, match=said):
        convert(GIVEN | settings, site_publisher.Settings)
