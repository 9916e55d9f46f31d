"""The calls that the roles of the pipeline are allowed, and that no other role is."""

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
    ROLE_CREATED_BY_RELEASE,
    arn_of,
    decide,
    decide_alone,
    resolver,
    trusts,
)
from tests.stacks.permissions.examples import (
    BOUNDARY,
    CHANGES_STACKS,
    DATABASE,
    FUNCTION,
    IF_NEW,
    RELEASE_ROLE,
    REPOSITORY,
    ROLES,
    STACK_REGION,
    ZIP_KEY,
    ZONE,
    change_set,
    log_stream,
    logs_of,
    parameter,
    stack,
)
from tests.stacks.pipeline_templates import BUILDS, PROJECT_NAMES

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
    ("cloudformation:TagResource", stack("service"), {}),
    ("iam:PassRole", RELEASE_ROLE, {"iam__PassedToService": "cloudformation.amazonaws.com"}),
    ("ssm:GetParameters", parameter("backend/image"), {}),
]
ECS = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:{PREFIX}-assets-AvatarTopic-1A2B"
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
    "RecordImage": [
        ("cloudformation:DescribeStacks", stack("registry", REGION), {}),
        ("ecr:DescribeImages", REPOSITORY, {}),
        ("ssm:PutParameter", parameter("backend/image"), {}),
    ],
    "UpdateServiceStack": [*READ, *CHANGE],
    "VerifyService": [
        *(
            ("cloudformation:DescribeStacks", stack(name, REGION), {})
            for name in ("assets", "cluster", "service")
        ),
        ("ecs:DescribeServices", f"{ECS}:service/{PREFIX}-cluster/backend-flask", {}),
        ("ecs:DescribeTasks", f"{ECS}:task/{PREFIX}-cluster/0123", {}),
        ("ecs:ListTasks", "*", {"ecs__cluster": f"{ECS}:cluster/{PREFIX}-cluster"}),
        ("application-autoscaling:DescribeScalableTargets", "*", {}),
        ("elasticloadbalancing:DescribeTargetHealth", "*", {}),
        ("sns:ListSubscriptionsByTopic", TOPIC, {}),
        (
            "sns:Subscribe",
            TOPIC,
            {
                "sns__Protocol": "https",
                "sns__Endpoint": "https://api.cruddur.example/webhooks/avatar",
            },
        ),
    ],
}


@pytest.mark.parametrize("build", BUILDS)
def test_a_project_can_make_its_calls(build):
    """The role allows the calls in the table, and what CodeBuild needs: the source and the log."""
    calls = [*READ_SOURCE, ("logs:PutLogEvents", logs_of(build), {}), *ALLOWED[build]]

    assert [call for call in calls if not decide(build, call[0], call[1], **call[2])] == []


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
    for build in ("Diff", "Plan", "Infrastructure", "UpdateServiceStack"):
        for name in ("users", "registry", "assets", "cluster", "service"):
            expected[build].add(("cloudformation:DescribeStacks", stack(name, REGION)))

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
    """No role writes the templates that an administrator deploys: they could create other roles."""
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
    """The bucket policy denies writes also to a role whose own policy allows everything."""
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
    """Roles other than those of CHANGES_STACKS cannot change a stack, with any change set or role."""
    for stack_name in ("network", "service", "foundation", "pipeline"):
        for context in ({}, change_set(), change_set("deploy-1")):
            assert not decide(name, f"cloudformation:{action}", stack(stack_name), **context)


@pytest.mark.parametrize("name", [role for role in ROLES if role not in CHANGES_STACKS])
def test_no_other_role_passes_the_release_role(name):
    """Only the two projects that change stacks can pass the release role to a service."""
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
    """No role can approve, or change the pipeline or a build project."""
    kind = "codepipeline" if action.startswith("codepipeline") else "codebuild"
    resources = {
        "codepipeline": f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{PREFIX}-pipeline",
        "codebuild": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{PREFIX}-pipeline-diff",
    }

    assert not decide(name, action, resources[kind])
    assert not decide(name, action, f"{resources['codepipeline']}/Approve/Approve")


@pytest.mark.parametrize("name", [role for role in ROLES if role != "PipelineRole"])
def test_only_the_pipeline_starts_its_builds(name):
    """No other role may call StartBuild, which can override the buildspec."""
    for project_name in PROJECT_NAMES.values():
        project = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{project_name}"

        assert not decide(name, "codebuild:StartBuild", project)


@pytest.mark.parametrize("build", BUILDS)
def test_a_role_trusts_its_project_only(build):
    """Another project, account, service or caller of STS cannot assume the role of a project."""
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
    """Only the project Image pushes images: code of the tests could push one for a release."""
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
    """The role of Image cannot push to another repository, delete images, or make tags mutable."""
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
    """The two projects that run code of the commit before the approval are denied these calls."""
    assert not decide(name, action, resource)


def test_test_reads_the_source_and_writes_its_log():
    """The role of Test has only the permissions that CodeBuild needs."""
    (policy,) = access.role("Test").policies

    assert {action for statement in policy["Statement"] for action in statement["Action"]} == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetBucketAcl",
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:GetObjectVersion",
    }


@pytest.mark.parametrize("name", [role for role in ROLES if role != "PipelineRole"])
def test_no_role_changes_the_source_artifact(name):
    """No role can write the source, so the commit that was approved is the one released."""
    for key in ("Source/AbCdEfG", "Source/Image/AbCdEfG", "Source/Source/x"):
        for verb in ("PutObject", "DeleteObject"):
            assert not decide(
                name, f"s3:{verb}", f"{ARTIFACT_STORE}/{PREFIX}-pipeline/{key}", **IF_NEW
            )


@pytest.mark.parametrize("name", [role for role in ROLES if role not in {"Image", "PipelineRole"}])
def test_no_other_role_writes_the_image_artifact(name):
    """Only Image writes the artifact with the image that ECS deploys."""
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
    """A role of a release can write its own logs; only the logs of the pipeline are denied."""
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{PREFIX}-users-MigrateLogGroup-1A2B:*"

    assert decide(ROLE_CREATED_BY_RELEASE, "logs:PutLogEvents", log_stream(group))


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
    """A release can permit AWS services to invoke a function, but no other account."""
    action = "lambda:AddPermission"

    assert allowed == decide("ReleaseRole", action, FUNCTION, lambda__Principal=principal)


def test_a_trust_policy_is_changed_only_with_the_boundary():
    """The release role can change the trust policy of a role only if the role has the boundary."""
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
        resolver().resolve(resource["Properties"], name)
        for name, template in resolver().templates.items()
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
        for template in resolver().templates.values()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Permission"
    }

    assert callers
    for caller in callers:
        assert decide("ReleaseRole", "lambda:AddPermission", FUNCTION, lambda__Principal=caller)
