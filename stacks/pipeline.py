"""How a push to one branch becomes what the public sees: tested, planned, approved, released."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Annotated, Any

from awacs import codebuild as builds
from awacs import codeconnections as connecting
from awacs import ecs, iam
from awacs import s3 as storage
from awacs import sns as publishing
from awacs.aws import (
    ArnLike,
    ArnNotLike,
    Condition,
    Deny,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
)
from troposphere import Sub, codeconnections, codepipeline, s3
from troposphere import iam as roles

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks import codebuild
from stacks.buckets import bucket_arn, expire_replaced, objects, private_bucket
from stacks.codebuild import IMAGE, SOURCE, Projects, artifact_path
from stacks.foundation import Foundation
from stacks.parts import allow, arn, own, trust
from stacks.registry import repository_arn, repository_uri

DEPLOYMENT_MINUTES = 10  # For the service to run the new image everywhere.


class Settings(fields.Settings, frozen=True):
    """The `[pipeline]` table."""

    repository: fields.GitHubRepository
    branch: fields.Branch
    approval: bool
    kept_days: Annotated[int, fields.such("a number of days, 1 to 3650", ge=1, le=3650)]
    log_retention_days: fields.LogRetentionDays


@dataclass(frozen=True)
class Pipeline:
    """What an alarm watches, and the connection that somebody has to complete at GitHub."""

    name: Value
    connection: Value


def define(
    t: Template,
    env: Env,
    settings: Settings,
    base: Foundation,
    *,
    service: str,
    image: str,
    architecture: codebuild.Architecture,
) -> Pipeline:
    """A person deploys this stack, never the pipeline itself: it says what a release may do.

    It knows the repository, the cluster, the *service* and the migration by their names, so they
    can be torn down and made anew beside it. It imports from the foundation only: a release can
    choose what the stacks that it deploys export, and so must not choose what the roles may reach.
    """
    connection = t.add_resource(
        codeconnections.Connection(
            "GitHub", ConnectionName=own(env, "github"), ProviderType="GitHub"
        )
    )
    handed_over = _handed_over(t, env, settings.kept_days)
    projects = t.nest(
        "Codebuild",
        codebuild.define,
        env,
        codebuild.Choices(service, image, architecture, settings.log_retention_days),
        codebuild.Given(
            images=repository_uri(env),
            images_arn=repository_arn(env),
            artifacts_arn=base.artifacts_arn,
            change_role=base.release_role,
            handed_over_arn=handed_over.get_att("Arn"),
        ),
        store=base.artifacts,
    )
    name = own(env, "pipeline")
    role = t.add_resource(
        roles.Role(
            "PipelineRole",
            AssumeRolePolicyDocument=trust(
                "codepipeline",
                Condition(StringEquals({"aws:SourceArn": arn("codepipeline", name)})),
            ),
            Policies=[
                roles.Policy(
                    PolicyName="Pipeline",
                    PolicyDocument=PolicyDocument(
                        Version="2012-10-17",
                        Statement=[
                            *_start(env, connection, handed_over, projects),
                            *_bring_into_service(env, service),
                            *(_ask_for_approval(base) if settings.approval else []),
                        ],
                    ),
                )
            ],
        )
    )
    pipeline = t.add_resource(
        codepipeline.Pipeline(
            "Pipeline",
            Name=name,
            PipelineType="V2",
            ExecutionMode="SUPERSEDED",  # What waits behind a stage gives way to what is newer.
            RoleArn=role.get_att("Arn"),
            ArtifactStore=codepipeline.ArtifactStore(Type="S3", Location=handed_over.ref()),
            Triggers=[_on_push(settings.branch)],
            Stages=_stages(env, settings, base, connection, projects, service=service),
        )
    )
    return Pipeline(name=pipeline.ref(), connection=connection.ref())


def _handed_over(t: Template, env: Env, days: int) -> s3.Bucket:
    """What one stage leaves for the next; all of it can be made again from the repository.

    Of the roles of this environment only the pipeline's own may change the source, whatever their
    policies allow: it is what was approved.
    """
    source = objects(bucket_arn(env, "pipeline"), f"{artifact_path(env, SOURCE)}/*")
    all_roles = arn("iam", f"role/{env.stack_name('*')}")
    of_pipeline = arn("iam", f"role/{env.stack_name('pipeline')}-PipelineRole-*")
    only_the_pipeline = Statement(
        Sid="OnlyThePipelineWritesTheSource",
        Effect=Deny,
        Principal=Principal("*"),
        Action=[storage.DeleteObject, storage.DeleteObjectVersion, storage.PutObject],
        Resource=[source],
        Condition=Condition(
            [
                ArnLike({"aws:PrincipalArn": all_roles}),
                ArnNotLike({"aws:PrincipalArn": of_pipeline}),
            ]
        ),
    )
    bucket, _ = private_bucket(
        t,
        "HandedOver",
        env=env,
        name="pipeline",
        versioned=True,
        lifecycle=[
            s3.LifecycleRule(Id="handed-over", Status="Enabled", ExpirationInDays=days),
            expire_replaced(1, rule="replaced"),
        ],
        statements=[only_the_pipeline],
    )
    return bucket


def _on_push(branch: str) -> codepipeline.PipelineTriggerDeclaration:
    return codepipeline.PipelineTriggerDeclaration(
        ProviderType="CodeStarSourceConnection",
        GitConfiguration=codepipeline.GitConfiguration(
            SourceActionName=SOURCE,
            Push=[
                codepipeline.GitPushFilter(
                    Branches=codepipeline.GitBranchFilterCriteria(Includes=[branch])
                )
            ],
        ),
    )


def _stages(
    env: Env,
    settings: Settings,
    base: Foundation,
    connection: codeconnections.Connection,
    projects: Projects,
    *,
    service: str,
) -> list[codepipeline.Stages]:
    """From the source to the service.

    All that changes something is one stage, since CodePipeline lets one execution into a stage at
    a time: nobody else's change comes between a release's infrastructure and its service.
    """
    source = _action(
        SOURCE,
        "Source",
        "CodeStarSourceConnection",
        {
            "ConnectionArn": connection.ref(),
            "FullRepositoryId": settings.repository,
            "BranchName": settings.branch,
            "OutputArtifactFormat": "CODE_ZIP",
            "DetectChanges": "false",  # The trigger does.
        },
        gives=SOURCE,
    )
    test = _build("Test", projects.test)
    image = _build("Image", projects.image, COMMIT=f"#{{{SOURCE}.CommitId}}", gives=IMAGE)
    plan = [_build("Diff", projects.diff), _build("Plan", projects.plan)]
    approve = _action(
        "Approve",
        "Approval",
        "Manual",
        {
            "NotificationArn": base.alerts,
            "CustomData": f"Release commit #{{{SOURCE}.CommitId}} to {env.domain}? Diff compares its"
            " templates with the deployed ones. Plan is code of the commit itself.",
            "ExternalEntityLink": _page_of_execution(env),
        },
    )
    digest = f"#{{{IMAGE}.IMAGE_DIGEST}}"
    release = [
        _build("Infrastructure", projects.infrastructure),
        _build("Migrate", projects.migrate),
        _action(
            "Service",
            "Deploy",
            "ECS",
            {
                "ClusterName": env.stack_name("cluster"),
                "ServiceName": service,
                "FileName": "imagedefinitions.json",
                "DeploymentTimeout": str(DEPLOYMENT_MINUTES),
            },
            takes=IMAGE,
        ),
        _build("Record", projects.record, IMAGE_DIGEST=digest),
        _build("Settle", projects.settle),
    ]
    return [
        _stage("Source", source),
        _stage("Test", test),  # Only tested commits are built.
        _stage("Build", image),
        _stage("Plan", *plan),
        *([_stage("Approve", approve)] if settings.approval else []),
        _stage("Release", *release),
    ]


def _page_of_execution(env: Env) -> Value:
    """Return the URL of an execution in the console, which shows the log of each action.

    CodePipeline fills in the id. The URL contains no exported variable of a build.
    """
    return Sub(
        "https://${AWS::Region}.console.aws.amazon.com/codesuite/codepipeline/pipelines/"
        f"{own(env, 'pipeline')}/executions/#{{codepipeline.PipelineExecutionId}}/timeline"
        "?region=${AWS::Region}"
    )


def _stage(name: str, *actions: codepipeline.Actions) -> codepipeline.Stages:
    """A stage of *actions*, one after the other."""
    for number, action in enumerate(actions, 1):
        action.RunOrder = number
    return codepipeline.Stages(Name=name, Actions=list(actions))


def _action(
    name: str,
    category: str,
    provider: str,
    configuration: dict[str, Any],
    *,
    takes: str = "",
    gives: str = "",
) -> codepipeline.Actions:
    """Something that AWS itself does; its variables are known by its *name*."""
    wired: dict[str, Any] = {}
    if takes:
        wired["InputArtifacts"] = [codepipeline.InputArtifacts(Name=takes)]
    if gives:
        wired["OutputArtifacts"] = [codepipeline.OutputArtifacts(Name=gives)]
    if category in {"Source", "Build"}:
        wired["Namespace"] = name
    return codepipeline.Actions(
        Name=name,
        ActionTypeId=codepipeline.ActionTypeId(
            Category=category, Owner="AWS", Provider=provider, Version="1"
        ),
        Configuration=configuration,
        **wired,
    )


def _build(name: str, project: Value, *, gives: str = "", **variables: str) -> codepipeline.Actions:
    """Run *project* on the source of this execution, told *variables*."""
    told = [{"name": key, "value": value} for key, value in variables.items()]
    environment = {"EnvironmentVariables": json.dumps(told)} if told else {}
    return _action(
        name,
        "Build",
        "CodeBuild",
        {"ProjectName": project, **environment},
        takes=SOURCE,
        gives=gives,
    )


def _start(
    env: Env, connection: codeconnections.Connection, handed_over: s3.Bucket, projects: Projects
) -> list[Statement]:
    """Fetch the source, hand it over, start the machines and wait for them."""
    bucket = handed_over.get_att("Arn")
    look = [storage.GetBucketAcl, storage.GetBucketLocation, storage.GetBucketVersioning]
    # The last four are from reports of source actions that were refused (aws/aws-cdk#13557).
    hand_over = [
        storage.GetObject,
        storage.GetObjectVersion,
        storage.PutObject,
        storage.GetObjectTagging,
        storage.GetObjectVersionTagging,
        storage.PutObjectAcl,
        storage.PutObjectTagging,
    ]
    artifacts = [objects(bucket, f"{artifact_path(env, one)}/*") for one in (SOURCE, IMAGE)]
    project = "arn:${AWS::Partition}:codebuild:${AWS::Region}:${AWS::AccountId}:project/${Name}"
    return [
        allow("FetchSource", [connecting.UseConnection], connection.ref()),
        allow("LookAtHandedOver", look, bucket),
        allow("HandOver", hand_over, *artifacts),
        allow(
            "StartMachines",
            [builds.BatchGetBuilds, builds.StartBuild],
            *(
                Sub(project, Name=getattr(projects, field.name))
                for field in dataclasses.fields(projects)
            ),
        ),
    ]


def _bring_into_service(env: Env, service: str) -> list[Statement]:
    """What the ECS action does: the service's task with another image.

    The roles of the task are the service stack's, and their names end in letters of AWS's choice.
    """
    where = f"service/{env.stack_name('cluster')}/{service}"
    family = arn("ecs", f"task-definition/{own(env, service)}:*")
    stack = env.stack_name("service")
    task_roles = [arn("iam", f"role/{stack}-{title}-*") for title in ("ExecutionRole", "TaskRole")]
    to_tasks = Condition(StringEquals({"iam:PassedToService": "ecs-tasks.amazonaws.com"}))
    as_made = Condition(StringEquals({"ecs:CreateAction": "RegisterTaskDefinition"}))
    return [
        allow("UpdateService", [ecs.DescribeServices, ecs.UpdateService], arn("ecs", where)),
        allow("LookAtTask", [ecs.DescribeTaskDefinition], "*"),  # It takes no narrower resource.
        allow("NewTask", [ecs.RegisterTaskDefinition], family),
        allow("TagNewTask", [ecs.TagResource], family, condition=as_made),
        allow("PassTaskRoles", [iam.PassRole], *task_roles, condition=to_tasks),
    ]


def _ask_for_approval(base: Foundation) -> list[Statement]:
    return [allow("AskForApproval", [publishing.Publish], base.alerts)]
