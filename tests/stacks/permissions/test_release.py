"""The release role has the permissions that CloudFormation's registry lists for its resources."""

import json
from datetime import date

import pytest

from stacks.permissions.resources import MANUAL_STACKS
from tests.stacks.permissions.release_actions import (
    ALSO_NEEDED,
    KINDS,
    NOT_NEEDED,
    TABLE,
    handler_permissions,
    missing,
    registry,
    surplus,
    types_of_releases,
)
from tests.stacks.templates import text


def release_statements(emitted):
    """Return all statements of the release role."""
    policies = emitted["foundation"].of("AWS::IAM::ManagedPolicy")
    return [
        statement
        for title, policy in policies.items()
        if title.startswith("Release")
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def granted(emitted):
    """Return all actions that the release role is allowed, on any resource."""
    return {
        action
        for statement in release_statements(emitted)
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
    }


@pytest.fixture
def types(all_stacks):
    """The types of the resources of a release."""
    return types_of_releases({name: stack.template for name, stack in all_stacks.items()})


@pytest.fixture
def needed(types):
    """The actions that the registry lists for the resources of a release."""
    return {
        action for type_ in types for kind in KINDS for action in handler_permissions(type_, kind)
    }


def test_every_needed_action_is_allowed(all_stacks, types):
    """An action that the registry lists is allowed, or a row of `not_needed` has a reason."""
    assert list(missing(types, granted(all_stacks))) == []


def test_every_row_has_a_reason_and_a_date():
    """A row says why, and since when: a reader can judge whether it still holds."""
    for row in [*TABLE["not_needed"], *TABLE["also_needed"]]:
        assert {*row} == {"actions", "reason", "date"}
        assert row["reason"]
        assert isinstance(row["date"], date)
    assert len(NOT_NEEDED) == len({*NOT_NEEDED})


def test_no_other_action_is_allowed(all_stacks, types, needed):
    """No other action is allowed, so a removed resource type leaves no permission."""
    assert surplus(types, granted(all_stacks)) == set()
    assert set(ALSO_NEEDED) <= granted(all_stacks) - needed


def test_the_comparison_finds_differences(all_stacks, types):
    """An action that is removed is missing in each kind that needs it; a new one is surplus."""
    actions = granted(all_stacks)

    found = list(missing(types, actions - {"sqs:CreateQueue", "sqs:TagQueue"}))

    assert ("AWS::SQS::Queue", "create", "sqs:CreateQueue") in found
    assert {kind for _, kind, action in found if action == "sqs:TagQueue"} >= {"tag"}
    assert surplus(types, actions | {"sqs:PurgeQueue"}) == {"sqs:PurgeQueue"}


def test_actions_that_are_not_needed_are_not_allowed(all_stacks):
    """No action of NOT_NEEDED is allowed."""
    assert not [
        action
        for action in granted(all_stacks)
        if any(action.startswith(prefix) for prefix in NOT_NEEDED)
    ]


def test_every_reason_is_still_needed(needed):
    """The table has no entry that the registry does not list."""
    assert not [
        prefix for prefix in NOT_NEEDED if not any(action.startswith(prefix) for action in needed)
    ]


def test_resources_that_are_allowed_by_tags_are_tagged_on_creation(types):
    """The types get their tags on creation; CloudFormation could not change others."""
    allowed_by_name = (
        *("DynamoDB", "ECR", "ECS", "IAM", "Lambda", "Logs", "RDS", "Route53", "S3", "SNS"),
        *("SQS", "SSM"),
    )
    allowed_by_kind = {  # AWS generates their ids, and they have no tags.
        "AWS::ApiGatewayV2::Authorizer",
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
        "AWS::CloudFront::CachePolicy",
        "AWS::CloudFront::OriginAccessControl",
        "AWS::CloudFront::ResponseHeadersPolicy",
    }
    part_of_another = {  # Their actions apply to the resource that contains them.
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::Cognito::UserPoolClient",
        "AWS::EC2::Route",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPCCidrBlock",
        "AWS::EC2::VPCGatewayAttachment",
    }

    untagged = {
        type_
        for type_ in types
        if type_.split("::")[1] not in allowed_by_name
        and not registry(type_)["tagging"].get("tagOnCreate")
    }

    assert part_of_another | allowed_by_kind == untagged


# Limits of the statements ------------------------------------------------------------------------

# Statements on `*` with a condition.
CONDITIONAL = {
    "CreateResources",
    "ManageEventSourceMappings",
    "TagNewResources",
    "UpdateTaggedResources",
}

# Statements on resources whose names do not start with the name of the environment.
OTHER_NAMES = {
    "ChangeDnsRecords",
    "CreateMasterPasswords",
    "CreateServiceLinkedRoles",
    "ManageApis",
    "ManageCloudFrontPolicies",
    "ManageImageParameters",
    "ReadDnsRecords",
    "ReadFunctionCode",
}


def test_every_statement_is_limited(emitted, config):
    """A statement has names or a condition, except for the one that describes resources."""
    for statement in release_statements(emitted):
        if statement["Effect"] == "Allow" and statement["Sid"] != "DescribeResources":
            on_all_resources = "*" in statement["Resource"]
            has_own_names = f"crd-{config.env.name}-" in text(statement)

            assert on_all_resources == (statement["Sid"] in CONDITIONAL)
            assert on_all_resources or has_own_names or statement["Sid"] in OTHER_NAMES
            assert not on_all_resources or statement["Condition"]


def statement_of(emitted, sid):
    """Return the only statement *sid* of the release role."""
    (found,) = (statement for statement in release_statements(emitted) if statement["Sid"] == sid)
    return found


def test_the_unlimited_statement_only_reads(emitted):
    """The only statement without a limit has actions that describe, get or list."""
    names = [
        action.partition(":")[2] for action in statement_of(emitted, "DescribeResources")["Action"]
    ]

    assert all(name.startswith(("Describe", "Get", "List")) for name in names)


def test_only_resources_with_the_tags_of_the_environment_are_changed(emitted, config):
    """Changes need the tags of the environment; resources with tags are not tagged again."""
    tags = {"project": "cruddur", "env": config.env.name}
    conditions = {
        statement["Sid"]: statement.get("Condition") for statement in release_statements(emitted)
    }

    assert {
        "StringEquals": {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    } == conditions["UpdateTaggedResources"]
    assert {
        "StringEquals": {f"aws:RequestTag/{key}": value for key, value in tags.items()},
        "Null": {f"aws:ResourceTag/{key}": "true" for key in tags},
    } == conditions["TagNewResources"]


def test_the_conditions_use_the_tags_of_the_deployer(emitted, config):
    """The deployer adds the tags `project` and `env` to every stack."""
    for stack in emitted.values():
        tags = stack.stack.tags

        assert ("cruddur", config.env.name) == (tags["project"], tags["env"])


def test_roles_are_written_only_with_the_boundary(emitted):
    """Only one statement creates or changes roles, with the boundary; none removes the boundary."""
    grant = statement_of(emitted, "WriteRolesWithBoundary")

    boundary = {"iam:PermissionsBoundary": {"Ref": "PermissionsBoundary"}}
    assert {"StringEquals": boundary} == grant["Condition"]
    assert set(grant["Action"]) == {
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "iam:PutRolePermissionsBoundary",
        "iam:UpdateAssumeRolePolicy",
    }
    assert not [
        statement["Sid"]
        for statement in release_statements(emitted)
        if statement is not grant
        and statement["Effect"] == "Allow"
        and {*grant["Action"]} & {*statement["Action"]}
    ]
    assert not {
        "iam:AttachRolePolicy",
        "iam:CreatePolicyVersion",
        "iam:DeleteRolePermissionsBoundary",
    } & granted(emitted)


def test_roles_are_passed_only_to_services_that_they_trust(all_stacks):
    """A release passes roles to exactly the services in the trust policies."""
    passing = statement_of(all_stacks, "PassRoles")

    trusted = {
        statement["Principal"]["Service"]
        for name, stack in all_stacks.items()
        if name not in MANUAL_STACKS
        for role in stack.of("AWS::IAM::Role").values()
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
    }

    assert trusted == set(passing["Condition"]["StringEquals"]["iam:PassedToService"])


def test_manual_stacks_are_denied(emitted, config):
    """Statements deny changes of manual stacks, which define the limits of a release."""
    roles, artifacts, alerts, logs = (
        statement_of(emitted, sid)
        for sid in (
            "DenyRolesOfManualStacks",
            "DenyArtifactBuckets",
            "DenyAlertTopic",
            "DenyPipelineLogs",
        )
    )

    prefix = f"crd-{config.env.name}"
    assert {statement["Effect"] for statement in (roles, artifacts, alerts, logs)} == {"Deny"}
    assert roles["Action"] == ["iam:*"]
    for kind in ("role", "policy"):
        for name in sorted(MANUAL_STACKS):
            assert f":{kind}/{prefix}-{name}-*" in text(roles["Resource"])
    assert artifacts["Resource"][0] == {"Fn::GetAtt": ["Artifacts", "Arn"]}
    assert f":{prefix}-pipeline-" in text(artifacts["Resource"][1])
    assert f":{prefix}-foundation-*" in text(alerts["Resource"])
    assert {"sns:Set*", "sns:Subscribe", "sns:Unsub*"} <= set(alerts["Action"])
    assert logs["Action"] == ["logs:*"]
    assert f":log-group:{prefix}-pipeline-*" in text(logs["Resource"])


def test_only_cloudformation_assumes_the_role(emitted):
    """The pipeline passes the role to CloudFormation; no user and no build can assume it."""
    role = emitted["foundation"].one("AWS::IAM::Role")

    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Principal"] == {"Service": "cloudformation.amazonaws.com"}
    assert "Policies" not in role


def test_a_release_cannot_read_the_master_password(all_stacks):
    """A release may create the secret of the master user, as RDS requires, but not read it."""
    passwords = statement_of(all_stacks, "CreateMasterPasswords")

    assert set(passwords["Action"]) == {"secretsmanager:CreateSecret", "secretsmanager:TagResource"}
    assert text(passwords["Resource"]).endswith(':secret:rds!db-*"}]')
    assert not [
        action
        for action in granted(all_stacks) - set(passwords["Action"])
        if action.startswith("secretsmanager:")
    ]


def test_policies_are_within_the_quotas_of_iam(emitted):
    """A managed policy has at most 6144 characters, and a role at most ten policies."""
    policies = emitted["foundation"].of("AWS::IAM::ManagedPolicy").values()
    role = emitted["foundation"].one("AWS::IAM::Role")

    assert all(
        len(json.dumps(policy["PolicyDocument"], separators=(",", ":"))) < 6144
        for policy in policies
    )
    assert len(role["ManagedPolicyArns"]) <= 10


def test_event_source_mappings_are_for_functions_of_the_environment(emitted, config):
    """A condition limits mappings, whose ids AWS generates, to functions of the environment."""
    mappings = statement_of(emitted, "ManageEventSourceMappings")

    function = (
        f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}"
        f":function:crd-{config.env.name}-messages-*"
    )
    assert {"ArnLike": {"lambda:FunctionArn": {"Fn::Sub": function}}} == mappings["Condition"]


def test_a_release_reads_objects_of_the_artifact_bucket_only(emitted):
    """A release can read objects of one bucket, from which Lambda reads code as the caller."""
    readers = [
        statement
        for statement in release_statements(emitted)
        if "s3:GetObject" in statement.get("Action", ())
    ]

    artifacts = {"Fn::Sub": ["${Bucket}/*", {"Bucket": {"Fn::GetAtt": ["Artifacts", "Arn"]}}]}
    assert [(["s3:GetObject"], [artifacts])] == [
        (statement["Action"], statement["Resource"]) for statement in readers
    ]
