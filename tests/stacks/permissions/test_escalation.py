"""No release can extend its permissions.

An attacker controls the code of an approved commit: it runs with the release role, in the builds of
the pipeline, and in the functions and tasks that a release creates.
"""

from __future__ import annotations

import pytest

from tests.scanners.policies import ACCOUNT, REGION
from tests.stacks.permissions import access
from tests.stacks.permissions.access import (
    ARTIFACT_STORE,
    ARTIFACTS,
    PREFIX,
    ROLE_CREATED_BY_RELEASE,
    arn_of,
    decide,
    decide_alone,
    resolver,
)
from tests.stacks.permissions.examples import (
    BOUNDARY,
    DATABASE,
    FUNCTION,
    IF_NEW,
    REPOSITORY,
    ZONE,
    parameter,
    stack,
)
from tests.stacks.pipeline_templates import BUILDS

OTHER_ACCOUNT = "999999999999"
QUEUE = f"arn:aws:sqs:{REGION}:{OTHER_ACCOUNT}:queue"
TAGS_OF_PROD = {"aws__RequestTag/project": "cruddur", "aws__RequestTag/env": "prod"}


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        # CloudFormation: resources that run other code, or change the registry of the account.
        ("cloudformation:CreateStack", stack("x"), {}),
        ("cloudformation:CreateStackSet", "*", {}),
        ("cloudformation:RegisterType", "*", {}),
        ("cloudformation:ActivateType", "*", {}),
        ("cloudformation:SetTypeConfiguration", "*", {}),
        ("cloudformation:CreateGeneratedTemplate", "*", {}),
        ("lambda:InvokeFunction", FUNCTION, {}),  # Custom resources and macros.
        ("sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:{PREFIX}-foundation-Alerts-1A2B", {}),
        ("s3:GetObject", "arn:aws:s3:::foreign/template.yaml", {}),
        (
            "secretsmanager:GetSecretValue",
            f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:x",
            {},
        ),
        # IAM.
        ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/x", {}),
        ("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/x", {}),
        ("iam:CreateOpenIDConnectProvider", f"arn:aws:iam::{ACCOUNT}:oidc-provider/x", {}),
        ("iam:CreatePolicyVersion", BOUNDARY, {}),
        ("iam:AttachRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-users-x", {}),
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-users-x", {}),
        ("iam:DeleteRolePermissionsBoundary", f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-users-x", {}),
        (
            "iam:CreateRole",
            f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-x",
            {"iam__PermissionsBoundary": BOUNDARY},
        ),
        (
            "iam:CreateRole",
            f"arn:aws:iam::{ACCOUNT}:role/x/{PREFIX}-users-x",
            {"iam__PermissionsBoundary": BOUNDARY},
        ),
        (
            "iam:PassRole",
            f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-users-x",
            {"iam__PassedToService": "codebuild.amazonaws.com"},
        ),
        (
            "iam:PassRole",
            f"arn:aws:iam::{ACCOUNT}:role/Administrator",
            {"iam__PassedToService": "lambda.amazonaws.com"},
        ),
        # S3.
        ("s3:PutReplicationConfiguration", f"arn:aws:s3:::{PREFIX}-uploads-{ACCOUNT}-x-an", {}),
        ("s3:PutInventoryConfiguration", f"arn:aws:s3:::{PREFIX}-uploads-{ACCOUNT}-x-an", {}),
        ("s3:PutBucketAcl", f"arn:aws:s3:::{PREFIX}-uploads-{ACCOUNT}-x-an", {}),
        ("s3:PutBucketLogging", f"arn:aws:s3:::{PREFIX}-uploads-{ACCOUNT}-x-an", {}),
        ("s3:PutBucketObjectLockConfiguration", ARTIFACTS, {}),
        ("s3:PutBucketNotification", ARTIFACTS, {}),
        ("s3:PutBucketPolicy", ARTIFACT_STORE, {}),
        ("s3:PutLifecycleConfiguration", ARTIFACT_STORE, {}),
        ("s3:DeleteBucket", ARTIFACT_STORE, {}),
        # ECR.
        ("ecr:SetRepositoryPolicy", REPOSITORY, {}),
        ("ecr:PutReplicationConfiguration", "*", {}),
        ("ecr:PutRegistryPolicy", "*", {}),
        # Lambda.
        ("lambda:GetLayerVersion", f"arn:aws:lambda:{REGION}:{OTHER_ACCOUNT}:layer:x:1", {}),
        ("lambda:CreateFunctionUrlConfig", FUNCTION, {}),
        ("lambda:EnableReplication", FUNCTION, {}),
        ("lambda:UpdateFunctionCode", FUNCTION.replace(PREFIX, "other"), {}),
        ("lambda:UpdateFunctionCode", FUNCTION.replace(ACCOUNT, OTHER_ACCOUNT), {}),
        (
            "lambda:CreateEventSourceMapping",
            "*",
            {"lambda__FunctionArn": FUNCTION, "lambda__EventSourceArn": QUEUE},
        ),
        # Messages, events, logs and alarms.
        ("sns:Subscribe", f"arn:aws:sns:{REGION}:{ACCOUNT}:{PREFIX}-foundation-Alerts-1A2B", {}),
        ("sns:SetTopicAttributes", f"arn:aws:sns:{REGION}:{ACCOUNT}:{PREFIX}-foundation-Al-1A", {}),
        ("sns:AddPermission", f"arn:aws:sns:{REGION}:{ACCOUNT}:{PREFIX}-assets-Avatars-1A2B", {}),
        ("sqs:AddPermission", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{PREFIX}-messages-Q-1A2B", {}),
        ("events:PutRule", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{PREFIX}-x", {}),
        ("events:PutTargets", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{PREFIX}-x", {}),
        ("scheduler:CreateSchedule", "*", {}),
        ("logs:PutSubscriptionFilter", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{PREFIX}-x", {}),
        ("logs:PutDestination", f"arn:aws:logs:{REGION}:{ACCOUNT}:destination:x", {}),
        (
            "cloudwatch:PutMetricAlarm",
            f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{PREFIX}-x",
            {"cloudwatch__AlarmActions": [f"arn:aws:automate:{REGION}:ec2:terminate"]},
        ),
        (
            "cloudwatch:PutMetricAlarm",
            f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:TargetTracking-service/{PREFIX}-cluster/x",
            {"cloudwatch__AlarmActions": [f"arn:aws:automate:{REGION}:ec2:stop"]},
        ),
        (
            "cloudwatch:PutMetricAlarm",
            f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{PREFIX}-x",
            {"cloudwatch__AlarmActions": [f"arn:aws:sns:{REGION}:{OTHER_ACCOUNT}:topic"]},
        ),
        # Data, keys, and the account.
        (
            "rds:ModifyDBSnapshotAttribute",
            f"arn:aws:rds:{REGION}:{ACCOUNT}:snapshot:{PREFIX}-x",
            {},
        ),
        ("rds:RestoreDBInstanceFromDBSnapshot", DATABASE, {}),
        ("rds:StartExportTask", "*", {}),
        ("dynamodb:PutResourcePolicy", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{PREFIX}-x", {}),
        ("kms:CreateGrant", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/x", {}),
        ("kms:PutKeyPolicy", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/x", {}),
        ("ec2:RunInstances", "*", {}),
        ("ec2:CreateVpcPeeringConnection", "*", {}),
        ("ecs:RunTask", f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{PREFIX}-backend:1", {}),
        ("ecs:ExecuteCommand", f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/{PREFIX}-cluster/x", {}),
        ("route53:AssociateVPCWithHostedZone", ZONE, {}),
        ("route53domains:UpdateDomainNameservers", "*", {}),
        ("codeconnections:UseConnection", "*", {}),
        ("codebuild:CreateProject", "*", {}),
        ("cloudtrail:StopLogging", "*", {}),
        ("sts:AssumeRole", f"arn:aws:iam::{OTHER_ACCOUNT}:role/x", {}),
    ],
)
@pytest.mark.parametrize(
    "name", ["ReleaseRole", "Infrastructure", "UpdateServiceStack", ROLE_CREATED_BY_RELEASE]
)
def test_a_release_cannot_extend_its_permissions(name, action, resource, context):
    """Templates and code of an approved commit cannot make calls that would extend their permissions."""
    assert not decide(name, action, resource, **context)


@pytest.mark.parametrize("name", ["ReleaseRole", "Infrastructure", "UpdateServiceStack"])
def test_a_template_cannot_read_secrets(name):
    """A dynamic reference in a template cannot read a secret; only the role of a task can."""
    secret = parameter("ROLLBAR_ACCESS_TOKEN")

    assert decide(ROLE_CREATED_BY_RELEASE, "ssm:GetParameters", secret)
    assert not decide(name, "ssm:GetParameters", secret)


def test_a_release_creates_alarms():
    """Alarms that send an alert or scale the service are allowed."""
    alerts = arn_of(f"{PREFIX}-foundation", "Alerts")
    scaling = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:1a2b:resource/ecs/service/x"
    alarms = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:"
    put = "cloudwatch:PutMetricAlarm"

    for actions in ({"cloudwatch__AlarmActions": [alerts]}, {}):
        assert decide("ReleaseRole", put, f"{alarms}{PREFIX}-monitoring-x", **actions)
    name = f"TargetTracking-service/{PREFIX}-cluster/backend"
    assert decide("ReleaseRole", put, f"{alarms}{name}", cloudwatch__AlarmActions=[scaling])


@pytest.mark.parametrize("key", ["project", "env"])
@pytest.mark.parametrize(
    "action",
    ["cloudfront:TagResource", "cognito-idp:TagResource", "ec2:CreateTags", "lambda:TagResource"],
)
def test_a_release_cannot_tag_resources_of_another_environment(action, key):
    """A release cannot add its tags to a foreign resource, which it could then change."""
    other_tags = {"aws__ResourceTag/project": "cruddur", "aws__ResourceTag/env": "prod"}
    other_tags[f"aws__ResourceTag/{key}"] = "other"

    assert decide("ReleaseRole", action, "*", **TAGS_OF_PROD)
    assert not decide("ReleaseRole", action, "*", **TAGS_OF_PROD, **other_tags)


# Stacks that an administrator deploys -----------------------------------------------------------


def imports(node: object) -> set[str]:
    """Return the names of all exports that a part of a template imports."""
    if isinstance(node, dict):
        found = {node["Fn::ImportValue"]} if "Fn::ImportValue" in node else set()
        return found.union(*map(imports, node.values()))
    return set().union(*map(imports, node)) if isinstance(node, list) else set()


@pytest.mark.parametrize("name", ["foundation", "pipeline", "site-publisher"])
def test_manual_stacks_do_not_import_from_stacks_of_a_release(name):
    """A release could export `*`, or the artifact bucket, to extend the permissions of a role.

    The only import from a stack of a release permits a role to invalidate caches and nothing else.
    """
    imported = imports(resolver().templates[f"{PREFIX}-{name}"])
    from_releases = {
        export for export in imported if not export.startswith(f"{PREFIX}-foundation-")
    }

    expected = {f"{PREFIX}-cdn-SiteDistributionArn"} if name == "site-publisher" else set()
    assert expected == from_releases


def test_the_site_publisher_writes_to_the_bucket_of_the_site_only():
    """The role of the site publisher cannot write to the artifact bucket or the artifact store."""
    site = f"arn:aws:s3:::{PREFIX}-site-{ACCOUNT}-{REGION}-an"

    assert arn_of(f"{PREFIX}-cdn", "SiteBucket") == site
    assert decide("PublisherRole", "s3:PutObject", f"{site}/index.html")
    for bucket in (ARTIFACTS, ARTIFACT_STORE):
        assert not decide_alone("PublisherRole", "s3:PutObject", f"{bucket}/x", **IF_NEW)


def test_the_artifact_store_denies_changes_of_the_source():
    """The bucket policy denies changes of the source to all roles except that of the pipeline."""
    source = f"{ARTIFACT_STORE}/{PREFIX}-pipeline/Source/AbCdEfG"
    image = source.replace("/Source/", "/Image/")
    for name in (*BUILDS, "PublisherRole", "ReleaseRole", ROLE_CREATED_BY_RELEASE):
        wide = access.Role(access.role(name).arn, (access.EVERYTHING,))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(access, "role", lambda _, wide=wide: wide)

            for action in ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"):
                assert not decide("", action, source)
            assert decide("", "s3:GetObject", source)
            assert decide("", "s3:PutObject", image)
    assert decide("PipelineRole", "s3:PutObject", source)
