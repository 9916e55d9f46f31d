import json
import re
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from msgspec import ValidationError, convert

from deployer.model import Env, Layers
from deployer.model.desired import BODY_LIMIT
from stacks import pipeline
from stacks.foundation import Foundation
from stacks.permissions import build_roles, resources
from tests.stacks.templates import config_of, statements, text
from tests.stacks.templates import emit as emit_all

ENV = Env(
    project="cruddur",
    prefix="crd",
    name="prod",
    account="222222222222",
    region="ca-central-1",
    domain="cruddur.example",
    hosted_zone="Z0PRODEXAMPLE",
    protect=True,
)
BASE = Foundation("the-artifacts", "arn:artifacts", "arn:alerts", "arn:release", "arn:boundary")
GIVEN = {
    "repository": "someone/cruddur",
    "branch": "prod",
    "approval": True,
    "artifact_retention_days": 30,
    "log_retention_days": 90,
}
SERVICE = {"service": "backend-flask", "image": "backend", "architecture": "ARM64"}


@dataclass(frozen=True)
class Emitted:
    """The stack, and the stack nested in it, as CloudFormation gets them."""

    outer: dict[str, Any]
    inner: dict[str, Any]

    def one(self, type_: str) -> dict[str, Any]:
        """The properties of the only resource of *type_*, wherever it is."""
        (found,) = self.of(type_).values()
        return found

    def of(self, type_: str) -> dict[str, dict[str, Any]]:
        """The properties of every resource of *type_*, by title."""
        return {
            title: resource["Properties"]
            for template in (self.outer, self.inner)
            for title, resource in template["Resources"].items()
            if resource["Type"] == type_
        }

    def may(self, role: str) -> dict[str, dict[str, Any]]:
        """What *role* may do, by the names of the statements."""
        (policy,) = self.of("AWS::IAM::Role")[role]["Policies"]
        return statements(policy["PolicyDocument"])

    @property
    def actions(self) -> dict[str, dict[str, Any]]:
        """Every action of the pipeline, in order, by name."""
        stages = self.one("AWS::CodePipeline::Pipeline")["Stages"]
        return {action["Name"]: action for stage in stages for action in stage["Actions"]}


def emit(**changes) -> Emitted:
    """The stack with these settings, or for another service."""
    service = {key: changes.pop(key, value) for key, value in SERVICE.items()}
    layers = Layers(ENV)
    settings = convert(GIVEN | changes, pipeline.Settings)
    layers.add("pipeline", pipeline.define, settings, BASE, **service)
    (stack,) = layers
    (nested,) = stack.template.nested
    return Emitted(json.loads(stack.template.to_json()), json.loads(nested.template.to_json()))


EMITTED = emit()
# The actions that are builds: each has a project, a role and a log group of its own.
BUILDS = (
    "Test",
    "Image",
    "Diff",
    "Plan",
    "Infrastructure",
    "Migrate",
    "RecordImage",
    "UpdateServiceStack",
)
PROJECT_NAMES = {title: f"crd-prod-pipeline-{title.lower()}" for title in BUILDS} | {
    "RecordImage": "crd-prod-pipeline-record-image",
    "UpdateServiceStack": "crd-prod-pipeline-update-service-stack",
}
ROLES = ("PipelineRole", *(f"{title}Role" for title in BUILDS))


def told(action):
    """The environment that an action gives its machine."""
    configuration = EMITTED.actions[action]["Configuration"]
    variables = json.loads(configuration.get("EnvironmentVariables", "[]"))
    return {each["name"]: each["value"] for each in variables}


# The pipeline -----------------------------------------------------------------------------------


def test_stages_in_order():
    """Nothing is changed before it was tested, planned and approved."""
    stages = EMITTED.one("AWS::CodePipeline::Pipeline")["Stages"]

    assert {
        "Source": ["Source"],
        "Test": ["Test"],
        "Build": ["Image"],
        "Plan": ["Diff", "Plan"],
        "Approve": ["Approve"],
        "Release": ["Infrastructure", "Migrate", "Service", "RecordImage", "UpdateServiceStack"],
    } == {stage["Name"]: [each["Name"] for each in stage["Actions"]] for stage in stages}


def test_actions_of_a_stage_wait_for_each_other():
    """Those with one number would run side by side."""
    for stage in EMITTED.one("AWS::CodePipeline::Pipeline")["Stages"]:
        numbers = [action["RunOrder"] for action in stage["Actions"]]

        assert list(range(1, len(numbers) + 1)) == numbers


def test_without_approval_nobody_is_asked():
    """Neither a stage, nor the right to send mail."""
    emitted = emit(approval=False)

    assert "Approve" not in emitted.actions
    assert "NotifyApprovers" not in emitted.may("PipelineRole")


def test_the_mail_of_an_approval_leads_to_the_execution():
    """The commit and the page of the execution, both from CodePipeline: no build exports them."""
    asked = EMITTED.actions["Approve"]["Configuration"]
    page = asked["ExternalEntityLink"]["Fn::Sub"]

    variables = re.findall(r"#\{([^}]+)\}", page + asked["CustomData"])

    assert "arn:alerts" == asked["NotificationArn"]
    assert {"Source.CommitId", "codepipeline.PipelineExecutionId"} == {*variables}
    assert page.startswith("https://${AWS::Region}.console.aws.amazon.com/")
    assert "/pipelines/crd-prod-pipeline/executions/" in page


def test_variables_of_an_action_come_from_the_source_or_the_image():
    """Later actions read no other exported variable; code of the commit exports nothing."""
    text_of_actions = text(EMITTED.one("AWS::CodePipeline::Pipeline")["Stages"])

    namespaces = set(re.findall(r"#\{(\w+)\.", text_of_actions))

    assert {"Source", "Image", "codepipeline"} == namespaces


@pytest.mark.parametrize("action", BUILDS)
def test_every_build_has_the_source_of_its_execution(action):
    """The commit that was tested and approved is the one that is built, planned and released."""
    assert [{"Name": "Source"}] == EMITTED.actions[action]["InputArtifacts"]


def test_a_push_to_the_branch_starts_it():
    """One trigger for one branch; the action itself looks for nothing."""
    (trigger,) = EMITTED.one("AWS::CodePipeline::Pipeline")["Triggers"]

    source = EMITTED.actions["Source"]["Configuration"]

    assert "Source" == trigger["GitConfiguration"]["SourceActionName"]
    assert [{"Branches": {"Includes": ["prod"]}}] == trigger["GitConfiguration"]["Push"]
    assert ("someone/cruddur", "prod", "false") == (
        source["FullRepositoryId"],
        source["BranchName"],
        source["DetectChanges"],
    )
    assert {"Ref": "GitHubConnection"} == source["ConnectionArn"]


def test_the_connection_is_of_this_stack():
    """Made as code; what is left to do by hand is to log in at GitHub (defect 38)."""
    connection = EMITTED.one("AWS::CodeConnections::Connection")

    assert {"ConnectionName": "crd-prod-github", "ProviderType": "GitHub"} == connection


def test_it_knows_the_service_by_name():
    """So that the service can be torn down beside it; it need not be there (defect 36)."""
    asked = emit(service="another").actions["Service"]["Configuration"]

    assert ("crd-prod-cluster", "another", "10") == (
        asked["ClusterName"],
        asked["ServiceName"],
        asked["DeploymentTimeout"],
    )
    assert "Fn::ImportValue" not in text(EMITTED.outer["Resources"]["Pipeline"])


def test_the_image_that_was_built_is_the_one_that_is_recorded():
    """By its digest, which only the build knows."""
    assert "Image" == EMITTED.actions["Image"]["Namespace"]
    assert {"IMAGE_DIGEST": "#{Image.IMAGE_DIGEST}"} == told("RecordImage")
    assert [{"Name": "Image"}] == EMITTED.actions["Service"]["InputArtifacts"]
    assert [{"Name": "Image"}] == EMITTED.actions["Image"]["OutputArtifacts"]


def test_the_commit_is_that_of_the_source():
    """CodeBuild's own variable is not always the commit: for an archive it is its version."""
    assert {"COMMIT": "#{Source.CommitId}"} == told("Image")
    assert "Source" == EMITTED.actions["Source"]["Namespace"]


@pytest.mark.parametrize("action", BUILDS)
def test_every_build_has_a_project_of_its_own(action):
    """No two actions share a role, so each role allows the calls of one action."""
    project = EMITTED.actions[action]["Configuration"]["ProjectName"]
    properties = EMITTED.of("AWS::CodeBuild::Project")[action]

    assert {"Fn::GetAtt": ["Codebuild", f"Outputs.{action}"]} == project
    assert {"Fn::GetAtt": [f"{action}Role", "Arn"]} == properties["ServiceRole"]
    assert PROJECT_NAMES[action] == properties["Name"]


def test_artifacts_expire():
    """Private, over TLS, and only for so many days (defect 37)."""
    bucket = EMITTED.one("AWS::S3::Bucket")
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}

    assert 30 == rules["expire-artifacts"]["ExpirationInDays"]
    assert 1 == rules["expire-replaced"]["NoncurrentVersionExpiration"]["NoncurrentDays"]
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert "DenyInsecureTransport" in text(EMITTED.one("AWS::S3::BucketPolicy"))


# The machines -----------------------------------------------------------------------------------


@pytest.mark.parametrize("title", BUILDS)
def test_both_limits_of_time_are_set(title):
    """Of the build, and of the wait for a machine: the original took one for the other (39)."""
    project = EMITTED.of("AWS::CodeBuild::Project")[title]

    assert project["TimeoutInMinutes"] > 10
    assert 30 == project["QueuedTimeoutInMinutes"]


@pytest.mark.parametrize("title", BUILDS)
def test_a_buildspec_is_part_of_its_project(title):
    """A name would be looked up in the source, which a push can change."""
    source = EMITTED.of("AWS::CodeBuild::Project")[title]["Source"]

    assert "CODEPIPELINE" == source["Type"]
    assert source["BuildSpec"].startswith("version: 0.2\n")


def test_only_what_builds_images_is_privileged():
    """Docker needs it, nothing else does."""
    projects = EMITTED.of("AWS::CodeBuild::Project")

    privileged = [name for name, each in projects.items() if each["Environment"]["PrivilegedMode"]]

    assert ["Image"] == privileged


@pytest.mark.parametrize(
    ("architecture", "type_", "word"),
    [("ARM64", "ARM_CONTAINER", "aarch64"), ("X86_64", "LINUX_CONTAINER", "x86_64")],
)
def test_machines_have_the_processor_of_the_service(architecture, type_, word):
    """An image is for the processor that it was built on; its version is pinned."""
    projects = emit(architecture=architecture).of("AWS::CodeBuild::Project").values()

    for environment in (each["Environment"] for each in projects):
        assert type_ == environment["Type"]
        assert f"amazonlinux-{word}-standard:" in environment["Image"]


def test_nothing_is_secret_in_the_environment_of_a_machine():
    """Names and addresses only: whoever may look at a project reads them."""
    variables = {
        each["Name"]
        for project in EMITTED.of("AWS::CodeBuild::Project").values()
        for each in project["Environment"]["EnvironmentVariables"]
    }

    of_inv, of_image = {"CRUDDUR_ENV", "CRUDDUR_LOCK"}, {"CONTAINER", "REPOSITORY_URI"}
    assert (
        of_inv | of_image | {"MANUAL_STACKS", "REGIONS", "STACK_PREFIX", "STACK_QUERY"} == variables
    )


@pytest.mark.parametrize("title", BUILDS)
def test_logs_have_a_group_that_no_other_build_writes(title):
    """Each log group has the configured retention, and only one project writes to it."""
    group = EMITTED.of("AWS::Logs::LogGroup")[f"{title}Logs"]
    configured = EMITTED.of("AWS::CodeBuild::Project")[title]["LogsConfig"]["CloudWatchLogs"]
    writers = [
        role
        for role in ROLES
        for one in EMITTED.may(role).values()
        if {"Fn::GetAtt": [f"{title}Logs", "Arn"]} in one["Resource"]
    ]

    assert 90 == group["RetentionInDays"]
    assert {"Status": "ENABLED", "GroupName": {"Ref": f"{title}Logs"}} == configured
    assert [f"{title}Role"] == writers


def test_no_machine_stands_in_a_network():
    """None reaches a database; the migration has a function there (defect 40)."""
    assert not any("VpcConfig" in each for each in EMITTED.of("AWS::CodeBuild::Project").values())
    assert "ec2:" not in text(EMITTED.inner)


# What each may do -------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_no_action_is_a_pattern(role):
    """Each that is allowed is named (defect 34)."""
    allowed = [one for one in EMITTED.may(role).values() if one["Effect"] == "Allow"]
    actions = [each for one in allowed for each in one["Action"]]

    assert actions
    assert not [each for each in actions if "*" in each]


def test_statements_on_everything_are_few():
    """Those whose actions take nothing narrower; the exemptions of lint give the reasons."""
    wide = {
        (role, sid)
        for role in ROLES
        for sid, each in EMITTED.may(role).items()
        if "*" in each["Resource"] and each["Effect"] == "Allow"
    }

    assert {
        ("PipelineRole", "DescribeTaskDefinitions"),
        ("ImageRole", "GetRegistryToken"),
        ("DiffRole", "DescribeStacks"),
        ("PlanRole", "DescribeStacks"),
        ("InfrastructureRole", "DescribeStacks"),
        ("UpdateServiceStackRole", "DescribeStacks"),
    } == wide


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
def test_a_role_is_for_one_pipeline_or_project(role, service, source):
    """The service takes it for that one, not for somebody else's."""
    (trust,) = EMITTED.of("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"]

    assert {"Service": f"{service}.amazonaws.com"} == trust["Principal"]
    assert trust["Condition"]["StringEquals"]["aws:SourceArn"]["Fn::Sub"].endswith(source)


def test_roles_are_passed_by_name_to_one_service():
    """The release role to CloudFormation, the service's two roles to its tasks."""
    passed = {
        role: (each["Resource"], each["Condition"]["StringEquals"]["iam:PassedToService"])
        for role in ROLES
        for each in EMITTED.may(role).values()
        if "iam:PassRole" in each["Action"]
    }

    names = [each["Fn::Sub"].rpartition("/")[2] for each in passed["PipelineRole"][0]]

    assert ["crd-prod-service-ExecutionRole-*", "crd-prod-service-TaskRole-*"] == names
    assert "ecs-tasks.amazonaws.com" == passed["PipelineRole"][1]
    for role in ("InfrastructureRole", "UpdateServiceStackRole"):
        assert ([{"Ref": "ReleaseRoleArn"}], "cloudformation.amazonaws.com") == passed[role]
    assert {"PipelineRole", "InfrastructureRole", "UpdateServiceStackRole"} == passed.keys()


@pytest.mark.parametrize("role", ["InfrastructureRole", "UpdateServiceStackRole"])
def test_changes_are_proposed_with_the_rights_of_a_release_only(role):
    """Without the role, CloudFormation would take the rights of the caller."""
    propose = EMITTED.may(role)["CreateChangeSets"]

    assert ["cloudformation:CreateChangeSet"] == propose["Action"]
    assert {
        "StringEquals": {"cloudformation:RoleArn": {"Ref": "ReleaseRoleArn"}},
        "StringLike": {"cloudformation:ChangeSetName": "release-*"},
    } == propose["Condition"]


@pytest.mark.parametrize("role", ["InfrastructureRole", "UpdateServiceStackRole"])
def test_a_release_does_not_touch_its_own_limits(role):
    """What changes stacks is denied for the foundation, the pipeline and what is nested in it."""
    may = EMITTED.may(role)
    denied = may["DenyManualStacks"]
    names = {each["Fn::Sub"].rpartition(":stack/")[2] for each in denied["Resource"]}

    changing = {
        action
        for sid in ("CreateChangeSets", "ExecuteChangeSets", "DeleteOrProtectStacks")
        for action in may[sid]["Action"]
    }

    assert "Deny" == denied["Effect"]
    assert changing == {*denied["Action"]}
    assert {
        "crd-prod-foundation/*",
        "crd-prod-foundation-*/*",
        "crd-prod-pipeline/*",
        "crd-prod-pipeline-*/*",
        "crd-prod-site-publisher/*",
        "crd-prod-site-publisher-*/*",
    } == names


def test_stacks_are_reached_in_both_regions():
    """Those for CloudFront are in one of their own; others of the account are not ours."""
    may = EMITTED.may("InfrastructureRole")
    for sid in (
        "DescribeStackEvents",
        "CreateChangeSets",
        "ExecuteChangeSets",
        "DeleteOrProtectStacks",
        "DenyManualStacks",
    ):
        regions = {each["Fn::Sub"].split(":")[5] for each in may[sid]["Resource"]}

        assert {"ca-central-1", resources.CLOUDFRONT_REGION} == regions
        assert all(
            "/crd-prod-" in text(each) or ":changeSet/release-*" in text(each)
            for each in may[sid]["Resource"]
        )


def test_the_last_action_changes_the_service_alone():
    """It brings the image into the stack: no other stack."""
    may = EMITTED.may("UpdateServiceStackRole")

    changed = {
        each["Fn::Sub"].rpartition(":stack/")[2]
        for sid in ("CreateChangeSets", "DeleteOrProtectStacks")
        for each in may[sid]["Resource"]
    }

    assert {"crd-prod-service/*"} == changed


def test_the_build_cannot_change_the_source_of_what_comes_after_it():
    """It runs what dependencies bring along: it writes its own artifact, and one repository."""
    may = EMITTED.may("ImageRole")
    writes = {
        sid: each["Resource"]
        for sid, each in may.items()
        if any(":Put" in action or "Upload" in action for action in each["Action"])
        and sid != "WriteLogs"
    }

    assert {
        "WriteImageArtifact": [
            {
                "Fn::Sub": [
                    "${Bucket}/crd-prod-pipeline/Image/*",
                    {"Bucket": {"Ref": "ArtifactStoreArn"}},
                ]
            }
        ],
        "PushImage": [{"Ref": "RepositoryArn"}],
    } == writes


@pytest.mark.parametrize(
    ("name", "folder"), [("prod", "crd-prod-pipeline"), ("a" * 20, "crd-" + "a" * 16)]
)
def test_artifacts_are_where_codepipeline_puts_them(name, folder):
    """It cuts the name of the pipeline off after 20 letters, and that of an artifact after ten."""
    env = msgspec.structs.replace(ENV, name=name)

    assert f"{folder}/Source" == build_roles.artifact_folder(env, "Source")
    assert f"{folder}/SourceArti" == build_roles.artifact_folder(env, "SourceArtifact")


def test_migrate_calls_one_function():
    """And reads the one stack whose output names the function."""
    may = EMITTED.may("MigrateRole")

    assert text(may["InvokeMigration"]["Resource"]).endswith(
        ':function:crd-prod-users-Migrate-*"}]'
    )
    assert text(may["DescribeUsersStack"]["Resource"]).endswith(':stack/crd-prod-users/*"}]')
    assert {"lambda:InvokeFunction"} == {*may["InvokeMigration"]["Action"]}


def test_the_image_is_noted_where_the_service_reads_it():
    """Also for another image."""
    noted = [
        emit(image=image).may("RecordImageRole")["RecordImage"] for image in ("backend", "verifier")
    ]

    for image, one in zip(("backend", "verifier"), noted, strict=True):
        assert text(one["Resource"]).endswith(f':parameter/crd/prod/{image}/image"}}]')
        assert ["ssm:PutParameter"] == one["Action"]


@pytest.mark.parametrize("role", ["PlanRole", "InfrastructureRole", "UpdateServiceStackRole"])
def test_whether_an_image_has_come_is_asked_of_every_service(role):
    """A plan asks it of each stack that waits for one, and config may have a second service."""
    may = EMITTED.may(role)["ReadReleasedImages"]

    assert ["ssm:GetParameters"] == may["Action"]
    assert text(may["Resource"]).endswith(':parameter/crd/prod/*/image"}]')


def test_the_pipeline_updates_one_service():
    """And registers tasks of its family only."""
    may = EMITTED.may("PipelineRole")

    updated = text(may["UpdateService"]["Resource"])

    assert updated.endswith(':service/crd-prod-cluster/backend-flask"}]')
    assert text(may["RegisterTaskDefinition"]["Resource"]).endswith(
        ':task-definition/crd-prod-backend-flask:*"}]'
    )


def test_the_pipeline_starts_its_own_machines():
    """Those of the nested stack, by the names that it gives."""
    resources = EMITTED.may("PipelineRole")["StartBuilds"]["Resource"]

    names = [each["Fn::Sub"][1]["Name"]["Fn::GetAtt"][1] for each in resources]

    assert [f"Outputs.{title}" for title in BUILDS] == names


def test_what_is_settled_needs_no_bucket():
    """Its template fits into a call, so the role of the last action reads and writes no artifact."""
    service = emit_all(config_of("prod"))["service"]

    assert len(service.stack.template.to_yaml().encode()) < BODY_LIMIT
    assert not [
        sid
        for sid, one in EMITTED.may("UpdateServiceStackRole").items()
        if "artifacts" in text(one)
    ]


# As stacks --------------------------------------------------------------------------------------


def test_the_nested_template_stands_in_build():
    """It is reviewed like any other, and is in the artifact bucket before the stack is."""
    nested = EMITTED.one("AWS::CloudFormation::Stack")

    assert "https://${Store}.s3." in nested["TemplateURL"]["Fn::Sub"][0]
    assert {"Store": "the-artifacts"} == nested["TemplateURL"]["Fn::Sub"][1]
    assert {
        "RepositoryUri",
        "RepositoryArn",
        "ArtifactsArn",
        "ReleaseRoleArn",
        "ArtifactStoreArn",
    } == {*nested["Parameters"]}


def test_no_parameter_of_the_nested_stack_has_the_name_of_a_resource():
    """CloudFormation would refuse it, and only when it is there to be deployed."""
    assert not EMITTED.inner["Parameters"].keys() & EMITTED.inner["Resources"].keys()


def test_who_deploys_what_is_said_once():
    """The machines are denied what `--release` leaves out."""
    from operations import releases

    assert releases.BY_HAND == {*resources.MANUAL_STACKS}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"branch": "*"}, "branch"),
        ({"branch": ""}, "branch"),
        ({"repository": "someone"}, "repository"),
        ({"artifact_retention_days": 0}, "artifact_retention_days"),
        ({"log_retention_days": 2}, "log_retention_days"),
    ],
    ids=str,
)
def test_what_cannot_be_is_no_setting(settings, said):
    """Said before anything is made of it."""
    with pytest.raises(ValidationError, match=said):
        convert(GIVEN | settings, pipeline.Settings)
