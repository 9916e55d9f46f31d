"""The permissions of the pipeline's own role."""

from __future__ import annotations

from collections.abc import Sequence

from awacs import codebuild, codeconnections, ecs, iam, sns
from awacs import s3 as s3_actions
from awacs.aws import Condition, Statement, StringEquals
from troposphere import Sub

from deployer.model import Env, Value
from stacks.parts.buckets import objects
from stacks.parts.iam import allow
from stacks.parts.names import arn, resource_name
from stacks.permissions.build_roles import artifact_key_prefix


def start_builds(
    env: Env,
    *,
    connection: Value,
    store_arn: Value,
    artifacts: Sequence[str],
    projects: Sequence[Value],
) -> list[Statement]:
    """Allow downloading the source, storing artifacts, and starting and following builds."""
    describe = [
        s3_actions.GetBucketAcl,
        s3_actions.GetBucketLocation,
        s3_actions.GetBucketVersioning,
    ]
    # The last four are from reports of source actions that were denied (aws/aws-cdk#13557).
    read_and_write = [
        s3_actions.GetObject,
        s3_actions.GetObjectVersion,
        s3_actions.PutObject,
        s3_actions.GetObjectTagging,
        s3_actions.GetObjectVersionTagging,
        s3_actions.PutObjectAcl,
        s3_actions.PutObjectTagging,
    ]
    prefixes = [objects(store_arn, f"{artifact_key_prefix(env, name)}/*") for name in artifacts]
    project_arn = "arn:${AWS::Partition}:codebuild:${AWS::Region}:${AWS::AccountId}:project/${Name}"
    return [
        allow("UseConnection", [codeconnections.UseConnection], connection),
        allow("DescribeArtifactStore", describe, store_arn),
        allow("ReadAndWriteArtifacts", read_and_write, *prefixes),
        allow(
            "StartBuilds",
            [codebuild.BatchGetBuilds, codebuild.StartBuild],
            *(Sub(project_arn, Name=project) for project in projects),
        ),
    ]


def deploy_service(env: Env, service: str) -> list[Statement]:
    """Allow what CodePipeline's ECS action does: deploy *service* with a new image.

    CloudFormation generates the last part of the names of the task role and the execution role.
    """
    service_arn = arn("ecs", f"service/{env.stack_name('cluster')}/{service}")
    family = arn("ecs", f"task-definition/{resource_name(env, service)}:*")
    stack = env.stack_name("service")
    task_roles = [arn("iam", f"role/{stack}-{title}-*") for title in ("ExecutionRole", "TaskRole")]
    to_tasks = Condition(StringEquals({"iam:PassedToService": "ecs-tasks.amazonaws.com"}))
    on_registration = Condition(StringEquals({"ecs:CreateAction": "RegisterTaskDefinition"}))
    return [
        allow("UpdateService", [ecs.DescribeServices, ecs.UpdateService], service_arn),
        # The action supports no narrower resource.
        allow("DescribeTaskDefinitions", [ecs.DescribeTaskDefinition], "*"),
        allow("RegisterTaskDefinition", [ecs.RegisterTaskDefinition], family),
        allow("TagNewTaskDefinition", [ecs.TagResource], family, condition=on_registration),
        allow("PassTaskRoles", [iam.PassRole], *task_roles, condition=to_tasks),
    ]


def notify_approvers(alerts: Value) -> Statement:
    """Allow sending the mail that asks for approval."""
    return allow("NotifyApprovers", [sns.Publish], alerts)
