"""The stages and actions of the pipeline."""

import json
import re

import pytest
from msgspec import ValidationError, convert

from stacks import pipeline
from stacks.permissions.resources import MANUAL_STACKS
from tests.stacks.pipeline_templates import BUILDS, EMITTED, PROJECT_NAMES, SETTINGS, emit_pipeline
from tests.stacks.templates import text


def environment_variables(action):
    """Return the environment variables that an action passes to its build."""
    configuration = EMITTED.actions[action]["Configuration"]
    variables = json.loads(configuration.get("EnvironmentVariables", "[]"))
    return {variable["name"]: variable["value"] for variable in variables}


def test_stages_in_order():
    """Nothing is changed before the commit was tested, planned and approved."""
    stages = EMITTED.one("AWS::CodePipeline::Pipeline")["Stages"]

    assert {stage["Name"]: [action["Name"] for action in stage["Actions"]] for stage in stages} == {
        "Source": ["Source"],
        "Test": ["Test"],
        "Build": ["Image"],
        "Plan": ["Diff", "Plan"],
        "Approve": ["Approve"],
        "Release": [
            "Infrastructure",
            "Migrate",
            "Service",
            "RecordImage",
            "UpdateServiceStack",
            "VerifyService",
        ],
    }


def test_actions_of_a_stage_run_one_after_the_other():
    """Each action has a run order of its own; equal ones would run in parallel."""
    for stage in EMITTED.one("AWS::CodePipeline::Pipeline")["Stages"]:
        numbers = [action["RunOrder"] for action in stage["Actions"]]

        assert list(range(1, len(numbers) + 1)) == numbers


def test_without_approval_there_is_no_approval_stage():
    """Without the setting, there is neither the stage nor the permission to notify approvers."""
    emitted = emit_pipeline(approval=False)

    assert "Approve" not in emitted.actions
    assert "NotifyApprovers" not in emitted.statements("PipelineRole")


def test_the_approval_mail_links_to_the_execution():
    """The link has the commit and the execution id of CodePipeline, not values of a build."""
    approval = EMITTED.actions["Approve"]["Configuration"]
    page = approval["ExternalEntityLink"]["Fn::Sub"]

    variables = re.findall(r"#\{([^}]+)\}", page + approval["CustomData"])

    assert approval["NotificationArn"] == "arn:alerts"
    assert {*variables} == {"Source.CommitId", "codepipeline.PipelineExecutionId"}
    assert page.startswith("https://${AWS::Region}.console.aws.amazon.com/")
    assert "/pipelines/crd-prod-pipeline/executions/" in page


def test_variables_come_from_the_source_and_image_actions_only():
    """No action reads a variable that code of the commit exports."""
    text_of_actions = text(EMITTED.one("AWS::CodePipeline::Pipeline")["Stages"])

    namespaces = set(re.findall(r"#\{(\w+)\.", text_of_actions))

    assert namespaces == {"Source", "Image", "codepipeline"}


@pytest.mark.parametrize("action", BUILDS)
def test_every_build_uses_the_source_artifact(action):
    """All builds use the commit that was tested and approved."""
    assert EMITTED.actions[action]["InputArtifacts"] == [{"Name": "Source"}]


def test_a_push_to_the_branch_starts_the_pipeline():
    """There is one trigger for one branch; the source action does not detect changes itself."""
    (trigger,) = EMITTED.one("AWS::CodePipeline::Pipeline")["Triggers"]

    source = EMITTED.actions["Source"]["Configuration"]

    assert trigger["GitConfiguration"]["SourceActionName"] == "Source"
    assert trigger["GitConfiguration"]["Push"] == [{"Branches": {"Includes": ["prod"]}}]
    assert (
        source["FullRepositoryId"],
        source["BranchName"],
        source["DetectChanges"],
    ) == ("someone/cruddur", "prod", "false")
    assert source["ConnectionArn"] == {"Ref": "GitHubConnection"}


def test_the_stack_has_the_connection():
    """The template creates the connection; an administrator completes it at GitHub (defect 38)."""
    connection = EMITTED.one("AWS::CodeConnections::Connection")

    assert connection == {"ConnectionName": "crd-prod-github", "ProviderType": "GitHub"}


def test_the_service_is_referenced_by_name():
    """The pipeline does not import the service, which can be deleted and created again (defect 36)."""
    configuration = emit_pipeline(service="another").actions["Service"]["Configuration"]

    assert (
        configuration["ClusterName"],
        configuration["ServiceName"],
        configuration["DeploymentTimeout"],
    ) == ("crd-prod-cluster", "another", "20")
    assert "Fn::ImportValue" not in text(EMITTED.outer["Resources"]["Pipeline"])


def test_the_built_image_is_recorded_by_its_digest():
    """The recorded image is the digest that the build exports."""
    assert EMITTED.actions["Image"]["Namespace"] == "Image"
    assert environment_variables("RecordImage") == {"IMAGE_DIGEST": "#{Image.IMAGE_DIGEST}"}
    assert EMITTED.actions["Service"]["InputArtifacts"] == [{"Name": "Image"}]
    assert EMITTED.actions["Image"]["OutputArtifacts"] == [{"Name": "Image"}]


def test_the_commit_comes_from_the_source_action():
    """Builds get the commit of the source action; CodeBuild's own variable is an object version."""
    assert environment_variables("Image") == {"COMMIT": "#{Source.CommitId}"}
    assert EMITTED.actions["Source"]["Namespace"] == "Source"


@pytest.mark.parametrize("action", BUILDS)
def test_every_build_has_its_own_project(action):
    """No two actions share a role, so each role allows the calls of one action."""
    project = EMITTED.actions[action]["Configuration"]["ProjectName"]
    properties = EMITTED.of("AWS::CodeBuild::Project")[action]

    assert project == {"Fn::GetAtt": ["CodeBuild", f"Outputs.{action}"]}
    assert properties["ServiceRole"] == {"Fn::GetAtt": [f"{action}Role", "Arn"]}
    assert PROJECT_NAMES[action] == properties["Name"]


def test_artifacts_expire():
    """The artifact store is private, requires TLS, and deletes old artifacts (defect 37)."""
    bucket = EMITTED.one("AWS::S3::Bucket")
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}

    assert rules["expire-artifacts"]["ExpirationInDays"] == 30
    assert rules["expire-replaced"]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 1
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert "DenyInsecureTransport" in text(EMITTED.one("AWS::S3::BucketPolicy"))


def test_the_pipeline_updates_one_service():
    """The pipeline updates one service, and registers task definitions of one family only."""
    allowed = EMITTED.statements("PipelineRole")

    updated = text(allowed["UpdateService"]["Resource"])

    assert updated.endswith(':service/crd-prod-cluster/backend-flask"}]')
    assert text(allowed["RegisterTaskDefinition"]["Resource"]).endswith(
        ':task-definition/crd-prod-backend-flask:*"}]'
    )


def test_the_pipeline_starts_its_own_builds():
    """The role may start the projects, whose names are outputs of the nested stack."""
    resources = EMITTED.statements("PipelineRole")["StartBuilds"]["Resource"]

    names = [resource["Fn::Sub"][1]["Name"]["Fn::GetAtt"][1] for resource in resources]

    assert [f"Outputs.{title}" for title in BUILDS] == names


# The nested stack and the settings --------------------------------------------------------------


def test_the_nested_template_is_in_the_artifact_bucket():
    """The nested stack has the URL of its template in the artifact bucket, and its parameters."""
    nested = EMITTED.one("AWS::CloudFormation::Stack")

    assert "https://${Store}.s3." in nested["TemplateURL"]["Fn::Sub"][0]
    assert nested["TemplateURL"]["Fn::Sub"][1] == {"Store": "the-artifacts"}
    assert {*nested["Parameters"]} == {
        "RepositoryUri",
        "RepositoryArn",
        "ArtifactsArn",
        "ReleaseRoleArn",
        "ArtifactStoreArn",
    }


def test_parameters_and_resources_of_the_nested_stack_have_different_names():
    """No parameter has the name of a resource, which only CloudFormation would refuse."""
    assert not EMITTED.inner["Parameters"].keys() & EMITTED.inner["Resources"].keys()


def test_the_manual_stacks_are_those_that_a_release_skips():
    """The roles of the pipeline are denied the stacks that `deploy --release` leaves out."""
    from operations import project

    desired = project.environment("prod").desired
    manual = {stack.short_name for stack in desired if stack.is_manual}

    assert manual == {*MANUAL_STACKS}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"branch": "*"}, "branch"),
        ({"branch": ""}, "branch"),
        ({"repository": "someone"}, "repository"),
        ({"artifact_retention_days": 0}, "artifact_retention_days"),
        ({"log_retention_days": 2}, "log_retention_days"),
    ],
    ids=str,
)
def test_invalid_settings_are_refused(settings, message):
    """An invalid setting is an error that names the setting."""
    with pytest.raises(ValidationError, match=message):
        convert(SETTINGS | settings, pipeline.Settings)
