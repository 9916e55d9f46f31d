"""The calls that each role may make: those of its stage, and those of attacks.

What an attacker has is code in a pushed commit, which runs in the builds of a stage, and, after the
approval, in what a release makes.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.scanners.policies import ACCOUNT, REGION
from tests.stacks.permissions import access
from tests.stacks.permissions.access import (
    ARTIFACT_STORE,
    ARTIFACTS,
    MADE,
    NESTED,
    PREFIX,
    arn_of,
    decide,
    decide_alone,
    trusts,
    world,
)
from tests.stacks.test_pipeline import BUILDS, PROJECT_NAMES

HERE = "ca-central-1"  # Where the stacks are; in the names of other things it is an example.
CHANGING = {"Infrastructure", "UpdateServiceStack"}
STAGES = (*BUILDS, "PipelineRole", "SitePublisher")
ALL = (*STAGES, "ReleaseRole", MADE)
RELEASE_ROLE = arn_of(f"{PREFIX}-foundation", "ReleaseRole")
BOUNDARY = world().resolved({"Ref": "PermissionsBoundary"}, f"{PREFIX}-foundation")
ZIP = "lambdas/migrate/288fe5ae5880b55047dba3c310698c60.zip"
NEW = {"s3__if_none_match": "*"}
REPOSITORY = arn_of(f"{PREFIX}-registry", "BackendImages")
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{PREFIX}-users-Migrate-1A2B"
ZONE = "arn:aws:route53:::hostedzone/Z0PRODEXAMPLE"
DATABASE = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:{PREFIX}-database"


def stack(layer: str, region: str = HERE) -> str:
    """The ARN of a stack of the environment."""
    return f"arn:aws:cloudformation:{region}:{ACCOUNT}:stack/{PREFIX}-{layer}/1a2b"


def parameter(name: str) -> str:
    """The ARN of something in Parameter Store."""
    return f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/crd/prod/{name}"


def log_stream(group: str) -> str:
    """The ARN of a stream of a log group."""
    return f"{group.removesuffix(':*')}:log-stream:s"


def propose(name: str = "release-1", role: str = RELEASE_ROLE) -> dict[str, Any]:
    """Return the context of a request to create a change set."""
    return {"cloudformation__ChangeSetName": name, "cloudformation__RoleArn": role}


def logs_of(build: str) -> str:
    """The ARN of a stream of the logs of a build."""
    return log_stream(arn_of(NESTED, f"{build}Logs"))


# What each stage does ---------------------------------------------------------------------------

COMMON = [("s3:GetObject", f"{ARTIFACT_STORE}/{PREFIX}-pipeline/Source/AbCdEfG", {})]
READ = [
    ("cloudformation:DescribeStacks", "*", {}),
    ("cloudformation:GetTemplate", stack("network"), {}),
    ("cloudformation:GetTemplate", stack("edge-certificate", "us-east-1"), {}),
]
CHANGE = [
    ("cloudformation:CreateChangeSet", stack("service"), propose()),
    (
        "cloudformation:DescribeChangeSet",
        stack("service"),
        {"cloudformation__ChangeSetName": "release-1"},
    ),
    (
        "cloudformation:ExecuteChangeSet",
        stack("service"),
        {
            "cloudformation__ChangeSetName": f"arn:aws:cloudformation:{HERE}:{ACCOUNT}"
            ":changeSet/release-1/1a2b"
        },
    ),
    ("iam:PassRole", RELEASE_ROLE, {"iam__PassedToService": "cloudformation.amazonaws.com"}),
    ("ssm:GetParameters", parameter("backend/image"), {}),
]
HONEST: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
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
        ("s3:GetObject", f"{ARTIFACTS}/releases/{ZIP}", {}),
        ("s3:PutObject", f"{ARTIFACTS}/releases/{ZIP}", NEW),
    ],
    "Migrate": [
        ("cloudformation:DescribeStacks", stack("users", REGION), {}),
        ("lambda:InvokeFunction", FUNCTION, {}),
    ],
    "RecordImage": [("ssm:PutParameter", parameter("backend/image"), {})],
    "UpdateServiceStack": [*READ, *CHANGE],
}


@pytest.mark.parametrize("build", BUILDS)
def test_a_stage_may_do_its_work(build):
    """All its calls, and those by which CodeBuild fetches the source and writes the log."""
    calls = [*COMMON, ("logs:PutLogEvents", logs_of(build), {}), *HONEST[build]]

    assert [] == [call for call in calls if not decide(build, call[0], call[1], **call[2])]


def test_a_stage_may_not_do_the_work_of_another():
    """Whatever one stage does and another does not, the other may not do either."""
    calls = {(each[0], each[1]): each[2] for build in BUILDS for each in HONEST[build]}
    done = {
        build: {(action, resource) for action, resource, _ in HONEST[build]} for build in BUILDS
    }
    # Allowed to whoever may find the stacks.
    done["Diff"].add(("cloudformation:DescribeStacks", stack("users", REGION)))
    for build in ("Plan", "Infrastructure", "UpdateServiceStack"):
        done[build].add(("cloudformation:DescribeStacks", stack("users", REGION)))

    allowed = {
        build: {call for call, context in calls.items() if decide(build, *call, **context)}
        for build in BUILDS
    }

    assert done == allowed


# Attacks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("action", "key"),
    [
        ("s3:PutObject", "/templates/Codebuild/0123.yaml"),
        ("s3:PutObject", f"/{ZIP}"),
        ("s3:PutObject", "/releases"),
        ("s3:DeleteObject", "/templates/Codebuild/0123.yaml"),
        ("s3:DeleteObject", f"/releases/{ZIP}"),
        ("s3:DeleteObjectVersion", f"/releases/{ZIP}"),
        ("s3:PutBucketPolicy", ""),
        ("s3:PutBucketVersioning", ""),
        ("s3:PutLifecycleConfiguration", ""),
        ("s3:PutReplicationConfiguration", ""),
        ("s3:DeleteBucketPolicy", ""),
    ],
)
def test_what_a_person_deploys_is_written_by_no_role(name, action, key):
    """A template under the digest of a coming pipeline would create roles as an administrator."""
    for context in ({}, NEW):
        assert not decide_alone(name, action, f"{ARTIFACTS}{key}", **context)
        assert not decide(name, action, f"{ARTIFACTS}{key}", **context)


@pytest.mark.parametrize("name", ALL)
def test_a_release_replaces_nothing_that_a_person_has_verified(name):
    """Without If-None-Match no role writes; with it, S3 refuses a key that exists."""
    object_ = f"{ARTIFACTS}/releases/{ZIP}"

    assert not decide_alone(name, "s3:PutObject", object_)
    assert (name == "Infrastructure") == decide(name, "s3:PutObject", object_, **NEW)


def test_the_policy_of_the_bucket_denies_by_itself():
    """Also to a role whose own policy were to allow it."""
    wide = access.Role(access.role("Plan").arn, (access.EVERYTHING,))
    cases = {
        ("s3:PutObject", f"{ARTIFACTS}/templates/x", True),
        ("s3:PutObject", f"{ARTIFACTS}/releases/x", False),
        ("s3:DeleteObject", f"{ARTIFACTS}/releases/x", True),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access, "role", lambda _: wide)

        for action, resource, new in cases:
            assert not decide("", action, resource, **(NEW if new else {}))
        assert decide("", "s3:PutObject", f"{ARTIFACTS}/releases/x", **NEW)
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


@pytest.mark.parametrize("name", [each for each in ALL if each not in CHANGING])
@pytest.mark.parametrize("action", MUTATIONS)
def test_nothing_before_the_approval_changes_a_stack(name, action):
    """By whatever change set, and with whatever role; after it, one action of the pipeline does."""
    for layer in ("network", "service", "foundation", "pipeline"):
        for how in ({}, propose(), propose("deploy-1")):
            assert not decide(name, f"cloudformation:{action}", stack(layer), **how)


@pytest.mark.parametrize("name", [each for each in ALL if each not in CHANGING])
def test_nobody_else_passes_the_role_of_releases(name):
    """Neither to CloudFormation nor to a function, which would have its rights."""
    for service in ("cloudformation", "lambda", "ecs-tasks", "codebuild"):
        to = f"{service}.amazonaws.com"

        assert not decide(name, "iam:PassRole", RELEASE_ROLE, iam__PassedToService=to)


@pytest.mark.parametrize("name", sorted(CHANGING))
@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("CreateChangeSet", stack("service"), {}),
        ("CreateChangeSet", stack("service"), propose(role="arn:aws:iam::1:role/other")),
        ("CreateChangeSet", stack("service"), propose("deploy-1")),
        ("ExecuteChangeSet", stack("service"), propose("deploy-1")),
        ("DeleteChangeSet", stack("service"), propose("deploy-1")),
        ("CreateStack", stack("service"), propose()),
        ("UpdateStack", stack("service"), propose()),
        ("SetStackPolicy", stack("service"), {}),
        *(
            (action, stack(layer, region), propose())
            for action in MUTATIONS
            for layer in ("foundation", "pipeline", "pipeline-Codebuild-1A2B", "site-publisher")
            for region in (HERE, "us-east-1")
        ),
    ],
)
def test_a_release_changes_stacks_in_one_way(name, action, resource, context):
    """By a change set of its own, with the role of releases; never what limits it."""
    assert not decide(name, f"cloudformation:{action}", resource, **context)


def test_a_stack_that_is_settled_is_the_service():
    """The last action changes no other."""
    assert not decide(
        "UpdateServiceStack", "cloudformation:CreateChangeSet", stack("network"), **propose()
    )


@pytest.mark.parametrize("name", ALL)
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
    """Nor a project of it."""
    kind = "codepipeline" if action.startswith("codepipeline") else "codebuild"
    resources = {
        "codepipeline": f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{PREFIX}-pipeline",
        "codebuild": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{PREFIX}-pipeline-diff",
    }

    assert not decide(name, action, resources[kind])
    assert not decide(name, action, f"{resources['codepipeline']}/Approve/Approve")


@pytest.mark.parametrize("name", [each for each in ALL if each != "PipelineRole"])
def test_only_the_pipeline_starts_its_builds(name):
    """StartBuild can override the buildspec, which gives the caller the role's permissions."""
    for project_name in PROJECT_NAMES.values():
        project = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{project_name}"

        assert not decide(name, "codebuild:StartBuild", project)


@pytest.mark.parametrize("build", BUILDS)
def test_a_role_of_a_stage_is_for_its_project(build):
    """Not for another project, account or service, and not for other callers of STS."""
    projects = {
        title: f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{name}"
        for title, name in PROJECT_NAMES.items()
    }
    own = projects.pop(build)
    others = [*projects.values(), own.replace(ACCOUNT, "9" * 12), f"{own}-two"]

    assert trusts(f"{build}Role", "codebuild.amazonaws.com", own)
    assert not [one for one in others if trusts(f"{build}Role", "codebuild.amazonaws.com", one)]
    assert not trusts(f"{build}Role", "lambda.amazonaws.com", own)
    assert not trusts(f"{build}Role", f"arn:aws:iam::{ACCOUNT}:root", own)


@pytest.mark.parametrize("name", ALL)
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
def test_no_role_becomes_one_of_the_pipeline(name, action):
    """Neither of a stage, nor the role of releases: also under the boundary."""
    for each in ("InfrastructureRole", "ImageRole", "DiffRole"):
        context = {"iam__PermissionsBoundary": BOUNDARY}

        assert not decide(name, action, arn_of(NESTED, each), **context)
        assert not decide(name, action, RELEASE_ROLE, **context)


@pytest.mark.parametrize("name", [each for each in ALL if each != "Image"])
@pytest.mark.parametrize(
    "action",
    ["ecr:PutImage", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload"],
)
def test_only_the_image_stage_pushes(name, action):
    """An image that a test pushes under the tag of a commit would be released."""
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
def test_a_push_is_all_that_the_image_stage_may_do(action, resource):
    """To one repository, in which a tag names one image."""
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
        ("s3:GetObject", f"{ARTIFACTS}/releases/{ZIP}"),
        ("s3:ListBucket", ARTIFACT_STORE),
        ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/any"),
        ("dynamodb:GetItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{PREFIX}-messages-1A2B"),
    ],
)
def test_code_of_an_unapproved_commit_has_no_rights(name, action, resource):
    """It runs in these two stages."""
    assert not decide(name, action, resource)


def test_a_test_reads_the_source_and_writes_its_log():
    """It has only the permissions that CodeBuild needs to run it."""
    (policy,) = access.role("Test").policies

    assert {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetBucketAcl",
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:GetObjectVersion",
    } == {action for statement in policy["Statement"] for action in statement["Action"]}


@pytest.mark.parametrize("name", [each for each in ALL if each != "PipelineRole"])
def test_no_role_changes_the_source(name):
    """The later stages use the commit that was tested and approved."""
    for key in ("Source/AbCdEfG", "Source/Image/AbCdEfG", "Source/Source/x"):
        for verb in ("PutObject", "DeleteObject"):
            assert not decide(
                name, f"s3:{verb}", f"{ARTIFACT_STORE}/{PREFIX}-pipeline/{key}", **NEW
            )


@pytest.mark.parametrize("name", [each for each in ALL if each not in {"Image", "PipelineRole"}])
def test_no_role_changes_what_ecs_is_told(name):
    """The definitions name the image that is released."""
    assert not decide(name, "s3:PutObject", f"{ARTIFACT_STORE}/{PREFIX}-pipeline/Image/AbCdEfG")


@pytest.mark.parametrize("name", ALL)
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
def test_no_role_writes_what_an_approver_reads(name, action):
    """But the stage itself, which adds to its own log and takes nothing out of it."""
    for build in BUILDS:
        own = name == build and action in {"logs:CreateLogStream", "logs:PutLogEvents"}

        assert own == decide(name, action, logs_of(build))


def test_a_role_that_a_release_makes_writes_its_own_logs():
    """The denial is of the pipeline's logs only."""
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{PREFIX}-users-MigrateLogs-1A2B:*"

    assert decide(MADE, "logs:PutLogEvents", log_stream(group))


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
def test_a_release_lets_only_services_call_functions(principal, allowed):
    """Not another account, which could invoke `migrate`."""
    action = "lambda:AddPermission"

    assert allowed == decide("ReleaseRole", action, FUNCTION, lambda__Principal=principal)


def test_who_may_take_a_role_is_changed_under_the_boundary_only():
    """A role without it would be one that a release did not make."""
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
def test_a_release_sets_no_master_password(action, context, allowed):
    """RDS generates and stores it; and a release cannot create a public database."""
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
def test_a_release_changes_the_records_of_its_hosts(types, names, allowed):
    """Not those of mail, of the domain's delegation, or of unused hosts."""
    key = "route53__ChangeResourceRecordSets"
    context = {f"{key}RecordTypes": types, f"{key}NormalizedRecordNames": names}
    known = {name: value for name, value in context.items() if value}

    assert allowed == decide("ReleaseRole", "route53:ChangeResourceRecordSets", ZONE, **known)


def test_every_record_of_a_release_is_among_its_hosts():
    """A new host in a template is one in the policy."""
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


def test_every_service_that_calls_a_function_is_among_the_callers():
    """A new trigger in a template is one in the policy."""
    callers = {
        resource["Properties"]["Principal"]
        for template in world().templates.values()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Permission"
    }

    assert callers
    for caller in callers:
        assert decide("ReleaseRole", "lambda:AddPermission", FUNCTION, lambda__Principal=caller)


# What code of an approved commit may do, beyond its release -------------------------------------

FOREIGN = "999999999999"
QUEUE = f"arn:aws:sqs:{REGION}:{FOREIGN}:queue"
CLAIMED = {"aws__RequestTag/project": "cruddur", "aws__RequestTag/env": "prod"}


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        # CloudFormation: resources that run something else, or change the account's registry.
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
        ("lambda:GetLayerVersion", f"arn:aws:lambda:{REGION}:{FOREIGN}:layer:x:1", {}),
        ("lambda:CreateFunctionUrlConfig", FUNCTION, {}),
        ("lambda:EnableReplication", FUNCTION, {}),
        ("lambda:UpdateFunctionCode", FUNCTION.replace(PREFIX, "other"), {}),
        ("lambda:UpdateFunctionCode", FUNCTION.replace(ACCOUNT, FOREIGN), {}),
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
            {"cloudwatch__AlarmActions": [f"arn:aws:sns:{REGION}:{FOREIGN}:topic"]},
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
        ("sts:AssumeRole", f"arn:aws:iam::{FOREIGN}:role/x", {}),
    ],
)
@pytest.mark.parametrize("name", ["ReleaseRole", "Infrastructure", "UpdateServiceStack", MADE])
def test_a_release_becomes_no_more_than_a_release(name, action, resource, context):
    """Whatever a template of an approved commit has in it, and whatever runs with its roles."""
    assert not decide(name, action, resource, **context)


@pytest.mark.parametrize("name", ["ReleaseRole", "Infrastructure", "UpdateServiceStack"])
def test_a_template_reads_no_secret(name):
    """By a dynamic reference; the role of a task may read those of its environment."""
    secret = parameter("ROLLBAR_ACCESS_TOKEN")

    assert decide(MADE, "ssm:GetParameters", secret)
    assert not decide(name, "ssm:GetParameters", secret)


def test_alarms_that_only_notify_are_a_release():
    """Those of the stack monitoring, and those that scale the service."""
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
def test_a_release_does_not_tag_what_another_environment_has(action, key):
    """What has its tags can be changed, so this would be the way to take it."""
    theirs = {"aws__ResourceTag/project": "cruddur", "aws__ResourceTag/env": "prod"}
    theirs[f"aws__ResourceTag/{key}"] = "other"

    assert decide("ReleaseRole", action, "*", **CLAIMED)
    assert not decide("ReleaseRole", action, "*", **CLAIMED, **theirs)


# What an administrator deploys ------------------------------------------------------------------


def imports(node: object) -> set[str]:
    """The names of all exports that a part of a template imports."""
    if isinstance(node, dict):
        found = {node["Fn::ImportValue"]} if "Fn::ImportValue" in node else set()
        return found.union(*map(imports, node.values()))
    return set().union(*map(imports, node)) if isinstance(node, list) else set()


@pytest.mark.parametrize("layer", ["foundation", "pipeline", "site-publisher"])
def test_no_export_of_a_release_says_what_a_role_reaches(layer):
    """A release chooses what its stacks export: `*`, or the bucket of the artifacts.

    By the one that is imported, a role can invalidate caches and nothing else.
    """
    ours = f"{PREFIX}-foundation-"
    imported = imports(world().templates[f"{PREFIX}-{layer}"])
    foreign = {name for name in imported if not name.startswith(ours)}

    assert (
        {f"{PREFIX}-cdn-SiteDistributionArn"} if layer == "site-publisher" else set()
    ) == foreign


def test_a_site_is_published_to_its_bucket_only():
    """Not to that of the artifacts, nor to that of the pipeline."""
    site = f"arn:aws:s3:::{PREFIX}-site-{ACCOUNT}-{REGION}-an"

    assert arn_of(f"{PREFIX}-cdn", "SiteFiles") == site
    assert decide("SitePublisher", "s3:PutObject", f"{site}/index.html")
    for bucket in (ARTIFACTS, ARTIFACT_STORE):
        assert not decide_alone("SitePublisher", "s3:PutObject", f"{bucket}/x", **NEW)


def test_the_policy_of_the_pipelines_bucket_keeps_the_source():
    """Of the roles of this environment, also of one that is allowed everything."""
    source = f"{ARTIFACT_STORE}/{PREFIX}-pipeline/Source/AbCdEfG"
    image = source.replace("/Source/", "/Image/")
    for name in (*BUILDS, "SitePublisher", "ReleaseRole", MADE):
        wide = access.Role(access.role(name).arn, (access.EVERYTHING,))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(access, "role", lambda _, wide=wide: wide)

            for action in ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"):
                assert not decide("", action, source)
            assert decide("", "s3:GetObject", source)
            assert decide("", "s3:PutObject", image)
    assert decide("PipelineRole", "s3:PutObject", source)
