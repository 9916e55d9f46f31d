"""The build projects of the pipeline, and their roles."""

import msgspec
import pytest

from deployer.model.desired import BODY_LIMIT
from stacks.permissions import build_roles, resources
from tests.stacks.pipeline_templates import (
    BUILDS,
    EMITTED,
    ENV,
    PROJECT_NAMES,
    ROLES,
    emit_pipeline,
)
from tests.stacks.templates import config_of, emit, text

# Projects ---------------------------------------------------------------------------------------


TIMEOUT_MINUTES = {
    "Test": 60,
    "Image": 30,
    "Diff": 20,
    "Plan": 20,
    "Infrastructure": 180,
    "Migrate": 20,
    "RecordImage": 20,
    "UpdateServiceStack": 20,
    "VerifyService": 20,
}


@pytest.mark.parametrize("title", BUILDS)
def test_both_timeouts_are_set(title):
    """A build has a timeout, and a queue timeout; the original confused them (defect 39)."""
    project = EMITTED.of("AWS::CodeBuild::Project")[title]

    assert TIMEOUT_MINUTES[title] == project["TimeoutInMinutes"]
    assert project["QueuedTimeoutInMinutes"] == 30


@pytest.mark.parametrize("title", BUILDS)
def test_a_buildspec_is_part_of_its_project(title):
    """The buildspec is in the template: one in the source could be changed by a push."""
    source = EMITTED.of("AWS::CodeBuild::Project")[title]["Source"]

    assert source["Type"] == "CODEPIPELINE"
    assert source["BuildSpec"].startswith("version: 0.2\n")


def test_only_the_image_project_is_privileged():
    """Only the project that runs docker is privileged."""
    projects = EMITTED.of("AWS::CodeBuild::Project")

    privileged = [
        title for title, project in projects.items() if project["Environment"]["PrivilegedMode"]
    ]

    assert privileged == ["Image"]


@pytest.mark.parametrize(
    ("architecture", "type_", "word"),
    [("ARM64", "ARM_CONTAINER", "aarch64"), ("X86_64", "LINUX_CONTAINER", "x86_64")],
)
def test_build_machines_have_the_architecture_of_the_service(architecture, type_, word):
    """A container image is for the architecture on which it was built."""
    projects = emit_pipeline(architecture=architecture).of("AWS::CodeBuild::Project").values()

    for environment in (project["Environment"] for project in projects):
        assert type_ == environment["Type"]
        assert f"amazonlinux-{word}-standard:" in environment["Image"]


def test_environment_variables_contain_no_secrets():
    """Variables contain no secrets, because every user who can describe a project can read them."""
    variables = {
        variable["Name"]
        for project in EMITTED.of("AWS::CodeBuild::Project").values()
        for variable in project["Environment"]["EnvironmentVariables"]
    }

    of_inv, of_image = {"CRUDDUR_ENV", "CRUDDUR_LOCK"}, {"CONTAINER", "REPOSITORY_URI"}
    assert (
        of_inv | of_image | {"MANUAL_STACKS", "REGIONS", "STACK_PREFIX", "STACK_QUERY"} == variables
    )


@pytest.mark.parametrize("title", BUILDS)
def test_every_project_has_its_own_log_group(title):
    """The log group has the configured retention, and only one role writes to it."""
    group = EMITTED.of("AWS::Logs::LogGroup")[f"{title}LogGroup"]
    configured = EMITTED.of("AWS::CodeBuild::Project")[title]["LogsConfig"]["CloudWatchLogs"]
    writers = [
        role
        for role in ROLES
        for statement in EMITTED.statements(role).values()
        if {"Fn::GetAtt": [f"{title}LogGroup", "Arn"]} in statement["Resource"]
    ]

    assert group["RetentionInDays"] == 90
    assert configured == {"Status": "ENABLED", "GroupName": {"Ref": f"{title}LogGroup"}}
    assert writers == [f"{title}Role"]


def test_no_project_is_in_the_vpc():
    """No build has access to the VPC; the migration function has (defect 40)."""
    assert not any(
        "VpcConfig" in project for project in EMITTED.of("AWS::CodeBuild::Project").values()
    )
    assert "ec2:" not in text(EMITTED.inner)


# Roles ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_no_allowed_action_is_a_pattern(role):
    """Each allowed action is listed (defect 34)."""
    actions = [
        action
        for statement in EMITTED.statements(role).values()
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
    ]

    assert actions
    assert not [action for action in actions if "*" in action]


def test_statements_on_all_resources_are_listed():
    """Statements on `*` are listed; lint's exemptions have the reason for each of them."""
    on_all_resources = {
        (role, sid)
        for role in ROLES
        for sid, statement in EMITTED.statements(role).items()
        if "*" in statement["Resource"] and statement["Effect"] == "Allow"
    }

    assert on_all_resources == {
        ("PipelineRole", "DescribeTaskDefinitions"),
        ("ImageRole", "GetRegistryToken"),
        ("DiffRole", "DescribeStacks"),
        ("PlanRole", "DescribeStacks"),
        ("InfrastructureRole", "DescribeStacks"),
        ("UpdateServiceStackRole", "DescribeStacks"),
        ("VerifyServiceRole", "ListTasks"),
        ("VerifyServiceRole", "DescribeTargets"),
    }


@pytest.mark.parametrize(
    ("role", "service", "source"),
    [
        (
            "PipelineRole",
            "codepipeline",
            "codepipeline:${AWS::Region}:${AWS::AccountId}:crd-prod-pipeline",
        ),
        *((f"{title}Role", "codebuild", f":project/{PROJECT_NAMES[title]}") for title in BUILDS),
    ],
)
def test_a_role_trusts_one_pipeline_or_project(role, service, source):
    """The service cannot assume the role for another resource."""
    (trust,) = EMITTED.of("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert trust["Condition"]["StringEquals"]["aws:SourceArn"]["Fn::Sub"].endswith(source)


def test_a_role_is_passed_to_one_service():
    """The release role is passed to CloudFormation, the two roles of the service to ECS tasks."""
    passed = {
        role: (
            statement["Resource"],
            statement["Condition"]["StringEquals"]["iam:PassedToService"],
        )
        for role in ROLES
        for statement in EMITTED.statements(role).values()
        if "iam:PassRole" in statement["Action"]
    }

    names = [arn["Fn::Sub"].rpartition("/")[2] for arn in passed["PipelineRole"][0]]

    assert names == ["crd-prod-service-ExecutionRole-*", "crd-prod-service-TaskRole-*"]
    assert passed["PipelineRole"][1] == "ecs-tasks.amazonaws.com"
    for role in ("InfrastructureRole", "UpdateServiceStackRole"):
        assert passed[role] == ([{"Ref": "ReleaseRoleArn"}], "cloudformation.amazonaws.com")
    assert passed.keys() == {"PipelineRole", "InfrastructureRole", "UpdateServiceStackRole"}


@pytest.mark.parametrize("role", ["InfrastructureRole", "UpdateServiceStackRole"])
def test_change_sets_are_created_with_the_release_role(role):
    """A change set needs the release role; without it, CloudFormation would use the caller's."""
    create = EMITTED.statements(role)["CreateChangeSets"]

    assert create["Action"] == ["cloudformation:CreateChangeSet"]
    assert create["Condition"] == {
        "StringEquals": {"cloudformation:RoleArn": {"Ref": "ReleaseRoleArn"}},
        "StringLike": {"cloudformation:ChangeSetName": "release-*"},
    }


@pytest.mark.parametrize("role", ["InfrastructureRole", "UpdateServiceStackRole"])
def test_changes_of_manual_stacks_are_denied(role):
    """All actions that change stacks are denied for manual stacks and their nested stacks."""
    allowed = EMITTED.statements(role)
    denied = allowed["DenyManualStacks"]
    names = {arn["Fn::Sub"].rpartition(":stack/")[2] for arn in denied["Resource"]}

    changing = {
        action
        for sid in ("CreateChangeSets", "ExecuteChangeSets", "DeleteOrProtectStacks", "TagStacks")
        for action in allowed[sid]["Action"]
    }

    assert denied["Effect"] == "Deny"
    assert changing == {*denied["Action"]}
    assert names == {
        "crd-prod-foundation/*",
        "crd-prod-foundation-*/*",
        "crd-prod-pipeline/*",
        "crd-prod-pipeline-*/*",
        "crd-prod-site-publisher/*",
        "crd-prod-site-publisher-*/*",
    }


def test_stacks_of_both_regions_are_allowed():
    """Stacks for CloudFront are in its region. Other stacks of the account are not allowed."""
    allowed = EMITTED.statements("InfrastructureRole")
    for sid in (
        "DescribeStackEvents",
        "CreateChangeSets",
        "ExecuteChangeSets",
        "DeleteOrProtectStacks",
        "DenyManualStacks",
    ):
        regions = {arn["Fn::Sub"].split(":")[5] for arn in allowed[sid]["Resource"]}

        assert regions == {"ca-central-1", resources.CLOUDFRONT_REGION}
        assert all(
            "/crd-prod-" in text(arn) or ":changeSet/release-*" in text(arn)
            for arn in allowed[sid]["Resource"]
        )


def test_the_last_action_changes_only_the_service_stack():
    """UpdateServiceStack deploys the recorded image and changes no other stack."""
    allowed = EMITTED.statements("UpdateServiceStackRole")

    changed = {
        arn["Fn::Sub"].rpartition(":stack/")[2]
        for sid in ("CreateChangeSets", "DeleteOrProtectStacks", "TagStacks")
        for arn in allowed[sid]["Resource"]
    }

    assert changed == {"crd-prod-service/*"}


def test_image_writes_only_its_artifact_and_one_repository():
    """`docker build` runs code of dependencies, which must not change the source artifact."""
    allowed = EMITTED.statements("ImageRole")
    writes = {
        sid: statement["Resource"]
        for sid, statement in allowed.items()
        if any(":Put" in action or "Upload" in action for action in statement["Action"])
        and sid != "WriteLogs"
    }

    assert writes == {
        "WriteImageArtifact": [
            {
                "Fn::Sub": [
                    "${Bucket}/crd-prod-pipeline/Image/*",
                    {"Bucket": {"Ref": "ArtifactStoreArn"}},
                ]
            }
        ],
        "PushImage": [{"Ref": "RepositoryArn"}],
    }


@pytest.mark.parametrize(
    ("name", "folder"), [("prod", "crd-prod-pipeline"), ("a" * 20, "crd-" + "a" * 16)]
)
def test_artifact_folders_are_truncated_like_codepipelines(name, folder):
    """Folder names are truncated as by CodePipeline: to 20 and 10 characters."""
    env = msgspec.structs.replace(ENV, name=name)

    assert build_roles.artifact_key_prefix(env, "Source") == f"{folder}/Source"
    assert build_roles.artifact_key_prefix(env, "SourceArtifact") == f"{folder}/SourceArti"


def test_migrate_invokes_one_function():
    """Migrate describes only the stack whose output is the name of the function."""
    allowed = EMITTED.statements("MigrateRole")

    assert text(allowed["InvokeMigration"]["Resource"]).endswith(
        ':function:crd-prod-users-Migrate-*"}]'
    )
    assert text(allowed["DescribeUsersStack"]["Resource"]).endswith(':stack/crd-prod-users/*"}]')
    assert {*allowed["InvokeMigration"]["Action"]} == {"lambda:InvokeFunction"}


def test_the_image_is_recorded_in_the_parameter_of_the_service():
    """The parameter contains the name of the image."""
    statements = [
        emit_pipeline(image=image).statements("RecordImageRole")["RecordImage"]
        for image in ("backend", "verifier")
    ]

    for image, statement in zip(("backend", "verifier"), statements, strict=True):
        assert text(statement["Resource"]).endswith(f':parameter/crd/prod/{image}/image"}}]')
        assert statement["Action"] == ["ssm:PutParameter"]


@pytest.mark.parametrize("role", ["PlanRole", "InfrastructureRole", "UpdateServiceStackRole"])
def test_the_images_of_all_services_are_readable(role):
    """A plan reads the image of every service, and config may have a second service."""
    read = EMITTED.statements(role)["ReadReleasedImages"]

    assert read["Action"] == ["ssm:GetParameters"]
    assert text(read["Resource"]).endswith(':parameter/crd/prod/*/image"}]')


def test_update_service_stack_needs_no_artifacts():
    """The template fits into a call, so the role neither reads nor writes artifacts."""
    service = emit(config_of("prod"))["service"]

    assert len(service.stack.template.to_yaml().encode()) < BODY_LIMIT
    assert not [
        sid
        for sid, statement in EMITTED.statements("UpdateServiceStackRole").items()
        if "artifacts" in text(statement)
    ]
