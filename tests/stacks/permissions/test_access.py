"""The calls that each role is allowed to make, and calls of attackers that are denied.

An attacker controls the code of a pushed commit. It runs in the builds of the pipeline and, after
the approval, in the functions and tasks that a release creates.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.scanners.policies import ACCOUNT, REGION
from tests.stacks.permissions import access
from tests.stacks.permissions.access import (
    ARTIFACT_STORE,
    ARTIFACTS,
    NESTED,
    PREFIX,
    RELEASE_MADE_ROLE,
    arn_of,
    decide,
    decide_alone,
    trusts,
    world,
)
from tests.stacks.pipeline_templates import BUILDS, PROJECT_NAMES

STACK_REGION = "ca-central-1"  # Other ARNs contain the example region REGION.
CHANGES_STACKS = {"Infrastructure", "UpdateServiceStack"}
STAGES = (*BUILDS, "PipelineRole", "PublisherRole")
ROLES = (*STAGES, "ReleaseRole", RELEASE_MADE_ROLE)
RELEASE_ROLE = arn_of(f"{PREFIX}-foundation", "ReleaseRole")
BOUNDARY = world().resolved({"Ref": "PermissionsBoundary"}, f"{PREFIX}-foundation")
ZIP_KEY = "lambdas/migrate/288fe5ae5880b55047dba3c310698c60.zip"
IF_NEW = {"s3__if_none_match": "*"}
REPOSITORY = arn_of(f"{PREFIX}-registry", "BackendRepository")
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{PREFIX}-users-Migrate-1A2B"
ZONE = "arn:aws:route53:::hostedzone/Z0PRODEXAMPLE"
DATABASE = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:{PREFIX}-database"


def stack(name: str, region: str = STACK_REGION) -> str:
    """Return the ARN of a stack of the environment."""
    return f"arn:aws:cloudformation:{region}:{ACCOUNT}:stack/{PREFIX}-{name}/1a2b"


def parameter(name: str) -> str:
    """Return the ARN of a parameter in Parameter Store."""
    return f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/crd/prod/{name}"


def log_stream(group: str) -> str:
    """Return the ARN of a stream of a log group."""
    return f"{group.removesuffix(':*')}:log-stream:s"


def change_set(name: str = "release-1", role: str = RELEASE_ROLE) -> dict[str, Any]:
    """Return the context of a request to create a change set."""
    return {"cloudformation__ChangeSetName": name, "cloudformation__RoleArn": role}


def logs_of(build: str) -> str:
    """Return the ARN of a log stream of a build project."""
    return log_stream(arn_of(NESTED, f"{build}Logs"))


# Allowed calls of each project -----------------------------------------------------------------

READ_SOURCE = [("s3:GetObject", f"{ARTIFACT_STORE}/{PREFIX}-pipeline/Source/AbCdEfG", {})]
READ = [
    ("cloudformation:DescribeStacks", "*", {}),
    ("cloudformation:GetTemplate", stack("network"), {}),
    ("cloudformation:GetTemplate", stack("edge-certificate", "us-east-1"), {}),
]
CHANGE = [
    ("cloudformation:CreateChangeSet", stack("service"), change_set()),
    (
        "cloudformation:DescribeChangeSet",
        stack("service"),
        {"cloudformation__ChangeSetName": "release-1"},
    ),
    (
        "cloudformation:ExecuteChangeSet",
        stack("service"),
        {
            "cloudformation__ChangeSetName": f"arn:aws:cloudformation:{STACK_REGION}:{ACCOUNT}"
            ":changeSet/release-1/1a2b"
        },
    ),
    ("iam:PassRole", RELEASE_ROLE, {"iam__PassedToService": "cloudformation.amazonaws.com"}),
    ("ssm:GetParameters", parameter("backend/image"), {}),
]
ALLOWED: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "Test": [],
    "Image": [
        ("ecr:GetAuthorizationToken", "*", {}),
        ("ecr:PutImage", REPOSITORY, {}),
        ("s3:PutObject", f"{ARTIFACT_STORE}/{PREFIX}-pipeline/Image/AbCdEfG", {}),
    ],
    "Diff": READ,
    "Plan": [*READ, ("ssm:GetParameters", parameter("backend/image"), {})],
    "Infrastructure": [
        *READ,
        *CHANGE,
        ("s3:ListBucket", ARTIFACTS, {}),
        ("s3:GetObject", f"{ARTIFACTS}/releases/{ZIP_KEY}", {}),
        ("s3:PutObject", f"{ARTIFACTS}/releases/{ZIP_KEY}", IF_NEW),
    ],
    "Migrate": [
        ("cloudformation:DescribeStacks", stack("users", REGION), {}),
        ("lambda:InvokeFunction", FUNCTION, {}),
    ],
    "RecordImage": [("ssm:PutParameter", parameter("backend/image"), {})],
    "UpdateServiceStack": [*READ, *CHANGE],
}


@pytest.mark.parametrize("build", BUILDS)
def test_a_project_can_make_its_calls(build):
    """CodeBuild also reads the source and writes the log with its role."""
    calls = [*READ_SOURCE, ("logs:PutLogEvents", logs_of(build), {}), *ALLOWED[build]]

    assert [] == [call for call in calls if not decide(build, call[0], call[1], **call[2])]


def test_a_project_cannot_make_the_calls_of_another():
    """A call in the table is denied to all projects whose row does not contain it."""
    calls = {
        (action, resource): context
        for build in BUILDS
        for action, resource, context in ALLOWED[build]
    }
    expected = {
        build: {(action, resource) for action, resource, _ in ALLOWED[build]} for build in BUILDS
    }
    # DescribeStacks has no narrower resource.
    expected["Diff"].add(("cloudformation:DescribeStacks", stack("users", REGION)))
    for build in ("Plan", "Infrastructure", "UpdateServiceStack"):
        expected[build].add(("cloudformation:DescribeStacks", stack("users", REGION)))

    allowed = {
        build: {call for call, context in calls.items() if decide(build, *call, **context)}
        for build in BUILDS
    }

    assert expected == allowed


# Denied calls of attackers ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ROLES)
@pytest.mark.parametrize(
    ("action", "key"),
    [
        ("s3:PutObject", "/templates/CodeBuild/0123.yaml"),
        ("s3:PutObject", f"/{ZIP_KEY}"),
        ("s3:PutObject", "/releases"),
        ("s3:DeleteObject", "/templates/CodeBuild/0123.yaml"),
        ("s3:DeleteObject", f"/releases/{ZIP_KEY}"),
        ("s3:DeleteObjectVersion", f"/releases/{ZIP_KEY}"),
        ("s3:PutBucketPolicy", ""),
        ("s3:PutBucketVersioning", ""),
        ("s3:PutLifecycleConfiguration", ""),
        ("s3:PutReplicationConfiguration", ""),
        ("s3:DeleteBucketPolicy", ""),
    ],
)
def test_no_role_writes_artifacts_of_administrators(name, action, key):
    """A prepared template would create roles when an administrator deploys the pipeline."""
    for context in ({}, IF_NEW):
        assert not decide_alone(name, action, f"{ARTIFACTS}{key}", **context)
        assert not decide(name, action, f"{ARTIFACTS}{key}", **context)


@pytest.mark.parametrize("name", ROLES)
def test_a_release_cannot_overwrite_artifacts(name):
    """Writes require If-None-Match, with which S3 refuses an existing key."""
    object_ = f"{ARTIFACTS}/releases/{ZIP_KEY}"

    assert not decide_alone(name, "s3:PutObject", object_)
    assert (name == "Infrastructure") == decide(name, "s3:PutObject", object_, **IF_NEW)


def test_the_bucket_policy_denies_writes_by_itself():
    """It also denies a role whose own policy would allow them."""
    wide = access.Role(access.role("Plan").arn, (access.EVERYTHING,))
    cases = {
        ("s3:PutObject", f"{ARTIFACTS}/templates/x", True),
        ("s3:PutObject", f"{ARTIFACTS}/releases/x", False),
        ("s3:DeleteObject", f"{ARTIFACTS}/releases/x", True),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access, "role", lambda _: wide)

        for action, resource, new in cases:
            assert not decide("", action, resource, **(IF_NEW if new else {}))
        assert decide("", "s3:PutObject", f"{ARTIFACTS}/releases/x", **IF_NEW)
        assert decide("", "s3:GetObject", f"{ARTIFACTS}/templates/x")


MUTATIONS = (
    "CancelUpdateStack",
    "ContinueUpdateRollback",
    "CreateChangeSet",
    "CreateStack",
    "DeleteChangeSet",
    "DeleteStack",
    "ExecuteChangeSet",
    "RollbackStack",
    "SetStackPolicy",
    "UpdateStack",
    "UpdateTerminationProtection",
)


@pytest.mark.parametrize("name", [role for role in ROLES if role not in CHANGES_STACKS])
@pytest.mark.parametrize("action", MUTATIONS)
def test_only_two_projects_change_stacks(name, action):
    """No other role can, by any change set and with any role: none before the approval."""
    for stack_name in ("network", "service", "foundation", "pipeline"):
        for context in ({}, change_set(), change_set("deploy-1")):
            assert not decide(name, f"cloudformation:{action}", stack(stack_name), **context)


@pytest.mark.parametrize("name", [role for role in ROLES if role not in CHANGES_STACKS])
def test_no_other_role_passes_the_release_role(name):
    """Neither CloudFormation nor a function gets its permissions from another role."""
    for service in ("cloudformation", "lambda", "ecs-tasks", "codebuild"):
        principal = f"{service}.amazonaws.com"

        assert not decide(name, "iam:PassRole", RELEASE_ROLE, iam__PassedToService=principal)


@pytest.mark.parametrize("name", sorted(CHANGES_STACKS))
@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("CreateChangeSet", stack("service"), {}),
        ("CreateChangeSet", stack("service"), change_set(role="arn:aws:iam::1:role/other")),
        ("CreateChangeSet", stack("service"), change_set("deploy-1")),
        ("ExecuteChangeSet", stack("service"), change_set("deploy-1")),
        ("DeleteChangeSet", stack("service"), change_set("deploy-1")),
        ("CreateStack", stack("service"), change_set()),
        ("UpdateStack", stack("service"), change_set()),
        ("SetStackPolicy", stack("service"), {}),
        *(
            (action, stack(stack_name, region), change_set())
            for action in MUTATIONS
            for stack_name in (
                "foundation",
                "pipeline",
                "pipeline-CodeBuild-1A2B",
                "site-publisher",
            )
            for region in (STACK_REGION, "us-east-1")
        ),
    ],
)
def test_a_release_changes_stacks_only_by_its_change_sets(name, action, resource, context):
    """A change set needs the release role, and no change set is allowed for manual stacks."""
    assert not decide(name, f"cloudformation:{action}", resource, **context)


def test_update_service_stack_changes_no_other_stack():
    """The last action changes the stack of the service only."""
    assert not decide(
        "UpdateServiceStack", "cloudformation:CreateChangeSet", stack("network"), **change_set()
    )


@pytest.mark.parametrize("name", ROLES)
@pytest.mark.parametrize(
    "action",
    [
        "codepipeline:PutApprovalResult",
        "codepipeline:StartPipelineExecution",
        "codepipeline:UpdatePipeline",
        "codepipeline:DisableStageTransition",
        "codepipeline:RetryStageExecution",
        "codebuild:UpdateProject",
        "codebuild:StartBuildBatch",
        "codebuild:UpdateWebhook",
    ],
)
def test_no_role_approves_or_changes_the_pipeline(name, action):
    """No role changes a build project either."""
    kind = "codepipeline" if action.startswith("codepipeline") else "codebuild"
    resources = {
        "codepipeline": f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{PREFIX}-pipeline",
        "codebuild": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{PREFIX}-pipeline-diff",
    }

    assert not decide(name, action, resources[kind])
    assert not decide(name, action, f"{resources['codepipeline']}/Approve/Approve")


@pytest.mark.parametrize("name", [role for role in ROLES if role != "PipelineRole"])
def test_only_the_pipeline_starts_its_builds(name):
    """StartBuild can override the buildspec, which gives the caller the role's permissions."""
    for project_name in PROJECT_NAMES.values():
        project = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{project_name}"

        assert not decide(name, "codebuild:StartBuild", project)


@pytest.mark.parametrize("build", BUILDS)
def test_a_role_trusts_its_project_only(build):
    """Another project, account, service or caller of STS cannot assume it."""
    projects = {
        title: f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{name}"
        for title, name in PROJECT_NAMES.items()
    }
    project = projects.pop(build)
    others = [*projects.values(), project.replace(ACCOUNT, "9" * 12), f"{project}-two"]
    role = f"{build}Role"

    assert trusts(role, "codebuild.amazonaws.com", project)
    assert not [other for other in others if trusts(role, "codebuild.amazonaws.com", other)]
    assert not trusts(role, "lambda.amazonaws.com", project)
    assert not trusts(role, f"arn:aws:iam::{ACCOUNT}:root", project)


@pytest.mark.parametrize("name", ROLES)
@pytest.mark.parametrize(
    "action",
    [
        "iam:UpdateAssumeRolePolicy",
        "iam:PutRolePolicy",
        "iam:AttachRolePolicy",
        "iam:DeleteRolePolicy",
        "iam:CreateRole",
        "iam:DeleteRolePermissionsBoundary",
        "sts:AssumeRole",
    ],
)
def test_no_role_changes_or_assumes_a_role_of_the_pipeline(name, action):
    """The release role is included, as are requests with the permissions boundary."""
    for role in ("InfrastructureRole", "ImageRole", "DiffRole"):
        context = {"iam__PermissionsBoundary": BOUNDARY}

        assert not decide(name, action, arn_of(NESTED, role), **context)
        assert not decide(name, action, RELEASE_ROLE, **context)


@pytest.mark.parametrize("name", [role for role in ROLES if role != "Image"])
@pytest.mark.parametrize(
    "action",
    ["ecr:PutImage", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload"],
)
def test_only_image_pushes_images(name, action):
    """An image that the tests push with the tag of a commit could be released."""
    assert not decide(name, action, REPOSITORY)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("ecr:PutImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{PREFIX}-other"),
        ("ecr:BatchDeleteImage", REPOSITORY),
        ("ecr:PutImageTagMutability", REPOSITORY),
        ("ecr:SetRepositoryPolicy", REPOSITORY),
    ],
)
def test_image_can_only_push_to_one_repository(action, resource):
    """It cannot change the repository, whose tags are immutable."""
    assert not decide("Image", action, resource)


@pytest.mark.parametrize("name", ["Test", "Plan"])
@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("ecr:GetAuthorizationToken", "*"),
        ("ssm:GetParameters", parameter("ROLLBAR_ACCESS_TOKEN")),
        ("ssm:PutParameter", parameter("backend/image")),
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:x"),
        ("lambda:InvokeFunction", FUNCTION),
        ("lambda:UpdateFunctionCode", FUNCTION),
        ("s3:GetObject", f"{ARTIFACTS}/releases/{ZIP_KEY}"),
        ("s3:ListBucket", ARTIFACT_STORE),
        ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/any"),
        ("dynamodb:GetItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{PREFIX}-messages-1A2B"),
    ],
)
def test_code_before_the_approval_has_no_further_permissions(name, action, resource):
    """Code of the commit runs in these two projects before the approval."""
    assert not decide(name, action, resource)


def test_test_reads_the_source_and_writes_its_log():
    """The role of Test has only the permissions that CodeBuild needs."""
    (policy,) = access.role("Test").policies

    assert {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetBucketAcl",
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:GetObjectVersion",
    } == {action for statement in policy["Statement"] for action in statement["Action"]}


@pytest.mark.parametrize("name", [role for role in ROLES if role != "PipelineRole"])
def test_no_role_changes_the_source_artifact(name):
    """The later stages use the commit that was tested and approved."""
    for key in ("Source/AbCdEfG", "Source/Image/AbCdEfG", "Source/Source/x"):
        for verb in ("PutObject", "DeleteObject"):
            assert not decide(
                name, f"s3:{verb}", f"{ARTIFACT_STORE}/{PREFIX}-pipeline/{key}", **IF_NEW
            )


@pytest.mark.parametrize("name", [role for role in ROLES if role not in {"Image", "PipelineRole"}])
def test_no_other_role_writes_the_image_artifact(name):
    """It contains the image that ECS deploys."""
    assert not decide(name, "s3:PutObject", f"{ARTIFACT_STORE}/{PREFIX}-pipeline/Image/AbCdEfG")


@pytest.mark.parametrize("name", ROLES)
@pytest.mark.parametrize(
    "action",
    [
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "logs:DeleteLogStream",
        "logs:DeleteLogGroup",
        "logs:PutRetentionPolicy",
        "logs:PutSubscriptionFilter",
    ],
)
def test_no_role_changes_the_log_of_another_project(name, action):
    """An approver reads the logs. A project adds to its own log, and cannot delete from it."""
    for build in BUILDS:
        allowed = name == build and action in {"logs:CreateLogStream", "logs:PutLogEvents"}

        assert allowed == decide(name, action, logs_of(build))


def test_a_role_of_a_release_writes_its_own_logs():
    """Only the logs of the pipeline are denied."""
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{PREFIX}-users-MigrateLogs-1A2B:*"

    assert decide(RELEASE_MADE_ROLE, "logs:PutLogEvents", log_stream(group))


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        ("s3.amazonaws.com", True),
        ("apigateway.amazonaws.com", True),
        ("cognito-idp.amazonaws.com", True),
        ("999999999999", False),
        ("arn:aws:iam::999999999999:root", False),
        ("*", False),
    ],
)
def test_only_aws_services_can_be_allowed_to_invoke_functions(principal, allowed):
    """Another account could invoke the migration function."""
    action = "lambda:AddPermission"

    assert allowed == decide("ReleaseRole", action, FUNCTION, lambda__Principal=principal)


def test_a_trust_policy_is_changed_only_with_the_boundary():
    """A role without the boundary is not a role of a release."""
    role = f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-users-MigrateRole-1A2B"
    bounded = {"iam__PermissionsBoundary": BOUNDARY}
    action = "iam:UpdateAssumeRolePolicy"

    assert decide("ReleaseRole", action, role, **bounded)
    assert not decide("ReleaseRole", action, role)


@pytest.mark.parametrize(
    ("action", "context", "allowed"),
    [
        ("CreateDBInstance", {"rds__ManageMasterUserPassword": "true"}, True),
        ("CreateDBInstance", {"rds__ManageMasterUserPassword": "false"}, False),
        (
            "CreateDBInstance",
            {"rds__ManageMasterUserPassword": "true", "rds__PubliclyAccessible": "true"},
            False,
        ),
        ("ModifyDBInstance", {}, True),
        ("ModifyDBInstance", {"rds__ManageMasterUserPassword": "true"}, True),
        ("ModifyDBInstance", {"rds__ManageMasterUserPassword": "false"}, False),
    ],
)
def test_rds_manages_the_master_password(action, context, allowed):
    """A release can neither set a master password nor create a public database."""
    assert allowed == decide("ReleaseRole", f"rds:{action}", DATABASE, **context)


@pytest.mark.parametrize(
    ("types", "names", "allowed"),
    [
        (["A"], ["cruddur.example"], True),
        (["AAAA"], ["www.cruddur.example"], True),
        (["A", "AAAA"], ["api.cruddur.example", "assets.cruddur.example"], True),
        (["CNAME"], [f"_{'a1' * 16}.api.cruddur.example"], True),
        (["MX"], ["cruddur.example"], False),
        (["TXT"], ["_dmarc.cruddur.example"], False),
        (["NS"], ["cruddur.example"], False),
        (["CAA"], ["cruddur.example"], False),
        (["A", "TXT"], ["cruddur.example"], False),
        (["CNAME"], ["_acme-challenge.cruddur.example"], False),
        (["CNAME"], ["_acme-challenge.assets.cruddur.example"], False),
        (["CNAME"], ["mail.cruddur.example"], False),
        (["A"], ["cruddur.example", "login.cruddur.example"], False),
        ([], [], False),
    ],
)
def test_a_release_changes_only_the_records_of_its_hosts(types, names, allowed):
    """Records for mail, for the delegation of the domain and of other hosts are denied."""
    key = "route53__ChangeResourceRecordSets"
    context = {f"{key}RecordTypes": types, f"{key}NormalizedRecordNames": names}
    present = {name: value for name, value in context.items() if value}

    assert allowed == decide("ReleaseRole", "route53:ChangeResourceRecordSets", ZONE, **present)


def test_every_record_of_the_templates_is_allowed():
    """A new host in a template must also be in the policy."""
    records = [
        world().resolved(resource["Properties"], name)
        for name, template in world().templates.items()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Route53::RecordSet"
    ]
    key = "route53__ChangeResourceRecordSets"

    assert records
    for record in records:
        context = {
            f"{key}RecordTypes": [record["Type"]],
            f"{key}NormalizedRecordNames": [record["Name"]],
        }

        assert decide("ReleaseRole", "route53:ChangeResourceRecordSets", ZONE, **context)


def test_every_service_that_invokes_a_function_is_allowed():
    """A new trigger in a template must also be in the policy."""
    callers = {
        resource["Properties"]["Principal"]
        for template in world().templates.values()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Permission"
    }

    assert callers
    for caller in callers:
        assert decide("ReleaseRole", "lambda:AddPermission", FUNCTION, lambda__Principal=caller)


# Denied calls of approved code ------------------------------------------------------------------

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
    "name", ["ReleaseRole", "Infrastructure", "UpdateServiceStack", RELEASE_MADE_ROLE]
)
def test_a_release_cannot_extend_its_permissions(name, action, resource, context):
    """Neither templates of an approved commit nor code with the roles of a release can."""
    assert not decide(name, action, resource, **context)


@pytest.mark.parametrize("name", ["ReleaseRole", "Infrastructure", "UpdateServiceStack"])
def test_a_template_cannot_read_secrets(name):
    """A dynamic reference would. The role of a task can read the secrets of its environment."""
    secret = parameter("ROLLBAR_ACCESS_TOKEN")

    assert decide(RELEASE_MADE_ROLE, "ssm:GetParameters", secret)
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
    """It could change the resource once it has the tags of this environment."""
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

    With the only such import, a role can invalidate caches and nothing else.
    """
    imported = imports(world().templates[f"{PREFIX}-{name}"])
    from_releases = {
        export for export in imported if not export.startswith(f"{PREFIX}-foundation-")
    }

    expected = {f"{PREFIX}-cdn-SiteDistributionArn"} if name == "site-publisher" else set()
    assert expected == from_releases


def test_the_site_publisher_writes_to_the_bucket_of_the_site_only():
    """It cannot write to the artifact bucket or the artifact store."""
    site = f"arn:aws:s3:::{PREFIX}-site-{ACCOUNT}-{REGION}-an"

    assert arn_of(f"{PREFIX}-cdn", "SiteBucket") == site
    assert decide("PublisherRole", "s3:PutObject", f"{site}/index.html")
    for bucket in (ARTIFACTS, ARTIFACT_STORE):
        assert not decide_alone("PublisherRole", "s3:PutObject", f"{bucket}/x", **IF_NEW)


def test_the_artifact_store_denies_changes_of_the_source():
    """The bucket policy denies them to all other roles, even to one that is allowed everything."""
    source = f"{ARTIFACT_STORE}/{PREFIX}-pipeline/Source/AbCdEfG"
    image = source.replace("/Source/", "/Image/")
    for name in (*BUILDS, "PublisherRole", "ReleaseRole", RELEASE_MADE_ROLE):
        wide = access.Role(access.role(name).arn, (access.EVERYTHING,))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(access, "role", lambda _, wide=wide: wide)

            for action in ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"):
                assert not decide("", action, source)
            assert decide("", "s3:GetObject", source)
            assert decide("", "s3:PutObject", image)
    assert decide("PipelineRole", "s3:PutObject", source)
