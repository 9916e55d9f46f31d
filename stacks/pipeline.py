"""The pipeline, which tests, builds, plans and, after approval, releases each push to one branch."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Annotated, Any

from awacs import s3 as s3_actions
from awacs.aws import (
    ArnLike,
    ArnNotLike,
    Condition,
    Deny,
    Principal,
    Statement,
    StringEquals,
)
from troposphere import Sub, codeconnections, codepipeline, iam, s3

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks import codebuild
from stacks.codebuild import IMAGE, SOURCE, Projects
from stacks.foundation import Foundation
from stacks.parts.buckets import bucket_arn, expire_noncurrent, objects, private_bucket
from stacks.parts.iam import role
from stacks.parts.names import arn, resource_name
from stacks.permissions import pipeline_role
from stacks.permissions.build_roles import artifact_key_prefix
from stacks.registry import repository_arn, repository_uri

DEPLOYMENT_MINUTES = 20  # The time to replace all tasks, or to roll back to the previous ones.


class Settings(fields.Settings, frozen=True):
    """The `[pipeline]` table."""

    repository: fields.GitHubRepository
    branch: fields.Branch
    approval: bool
    artifact_retention_days: Annotated[
        int, fields.described("a number of days, 1 to 3650", ge=1, le=3650)
    ]
    log_retention_days: fields.LogRetentionDays


@dataclass(frozen=True)
class Pipeline:
    """The name of the pipeline, and the connection, which an administrator completes at GitHub."""

    name: Value
    connection: Value


def define(
    t: Template,
    env: Env,
    settings: Settings,
    foundation: Foundation,
    *,
    service: str,
    image: str,
    architecture: codebuild.Architecture,
) -> Pipeline:
    """Add the pipeline, its build projects and its artifact store.

    An administrator deploys this stack, because it defines the permissions of a release. The
    repository, the cluster, the *service* and the migration function are referenced by name, so
    they can be deleted and created again. The stack imports from the foundation only. A
    release can change the exports of the stacks that it deploys: if this stack imported one of
    them, a release could change which resources the roles can access.
    """
    connection = t.add_resource(
        codeconnections.Connection(
            "GitHubConnection", ConnectionName=resource_name(env, "github"), ProviderType="GitHub"
        )
    )
    store = _artifact_store(t, env, settings.artifact_retention_days)
    projects = t.nest(
        "CodeBuild",
        codebuild.define,
        env,
        codebuild.Settings(service, image, architecture, settings.log_retention_days),
        codebuild.Resources(
            repository_uri=repository_uri(env),
            repository_arn=repository_arn(env),
            artifacts_arn=foundation.artifacts_arn,
            release_role_arn=foundation.release_role,
            artifact_store_arn=store.get_att("Arn"),
        ),
        store=foundation.artifacts,
    )
    statements = [
        *pipeline_role.start_builds(
            env,
            connection=connection.ref(),
            store_arn=store.get_att("Arn"),
            artifacts=[SOURCE, IMAGE],
            projects=[getattr(projects, field.name) for field in dataclasses.fields(projects)],
        ),
        *pipeline_role.deploy_service(env, service),
        *([pipeline_role.notify_approvers(foundation.alerts)] if settings.approval else []),
    ]
    service_role = _service_role(t, env, statements)
    pipeline = t.add_resource(
        codepipeline.Pipeline(
            "Pipeline",
            Name=resource_name(env, "pipeline"),
            PipelineType="V2",
            ExecutionMode="SUPERSEDED",  # A newer execution replaces one that waits for a stage.
            RoleArn=service_role.get_att("Arn"),
            ArtifactStore=codepipeline.ArtifactStore(Type="S3", Location=store.ref()),
            Triggers=[_on_push(settings.branch)],
            Stages=_stages(env, settings, foundation, connection, projects, service=service),
        )
    )
    return Pipeline(name=pipeline.ref(), connection=connection.ref())


def _service_role(t: Template, env: Env, statements: list[Statement]) -> iam.Role:
    """Add the service role of the pipeline, which only this pipeline can assume."""
    pipeline_arn = arn("codepipeline", resource_name(env, "pipeline"))
    return role(
        t,
        "PipelineRole",
        service="codepipeline",
        boundary=None,
        statements=statements,
        condition=Condition(StringEquals({"aws:SourceArn": pipeline_arn})),
    )


def _artifact_store(t: Template, env: Env, retention_days: int) -> s3.Bucket:
    """Add the bucket with the artifacts of the actions, all of which can be created again.

    Of all roles of this environment, only the pipeline's own can write the source artifact, because
    the source is what was approved. The bucket policy denies it to the other roles, even if their
    own policies allow it.
    """
    source = objects(bucket_arn(env, "pipeline"), f"{artifact_key_prefix(env, SOURCE)}/*")
    roles = arn("iam", f"role/{env.stack_name('*')}")
    pipeline_role_arn = arn("iam", f"role/{env.stack_name('pipeline')}-PipelineRole-*")
    deny_other_roles = Statement(
        Sid="DenySourceWritesByOtherRoles",
        Effect=Deny,
        Principal=Principal("*"),
        Action=[s3_actions.DeleteObject, s3_actions.DeleteObjectVersion, s3_actions.PutObject],
        Resource=[source],
        Condition=Condition(
            [
                ArnLike({"aws:PrincipalArn": roles}),
                ArnNotLike({"aws:PrincipalArn": pipeline_role_arn}),
            ]
        ),
    )
    bucket, _ = private_bucket(
        t,
        "ArtifactStore",
        env=env,
        name="pipeline",
        versioned=True,
        lifecycle=[
            s3.LifecycleRule(
                Id="expire-artifacts", Status="Enabled", ExpirationInDays=retention_days
            ),
            expire_noncurrent(1, rule="expire-replaced"),
        ],
        statements=[deny_other_roles],
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
    foundation: Foundation,
    connection: codeconnections.Connection,
    projects: Projects,
    *,
    service: str,
) -> list[codepipeline.Stages]:
    """Return the stages from the source to the release.

    All actions that change something are in one stage, because a stage runs one execution at a
    time: no other execution can deploy between the infrastructure and the service of a release.
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
            "DetectChanges": "false",  # The trigger starts the pipeline.
        },
        output=SOURCE,
    )
    test = _build("Test", projects.test)
    image = _build("Image", projects.image, COMMIT=f"#{{{SOURCE}.CommitId}}", output=IMAGE)
    plan = [_build("Diff", projects.diff), _build("Plan", projects.plan)]
    approve = _action(
        "Approve",
        "Approval",
        "Manual",
        {
            "NotificationArn": foundation.alerts,
            "CustomData": f"Approve the release of commit #{{{SOURCE}.CommitId}} to {env.domain}?"
            " The log of Diff compares its templates with the deployed ones. Code of the commit"
            " writes the log of Plan: do not approve by that log alone.",
            "ExternalEntityLink": _execution_url(env),
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
            input_=IMAGE,
        ),
        _build("RecordImage", projects.record_image, IMAGE_DIGEST=digest),
        _build("UpdateServiceStack", projects.update_service_stack),
        _build("VerifyService", projects.verify_service),
    ]
    return [
        _stage("Source", source),
        _stage("Test", test),
        _stage("Build", image),
        _stage("Plan", *plan),
        *([_stage("Approve", approve)] if settings.approval else []),
        _stage("Release", *release),
    ]


def _execution_url(env: Env) -> Value:
    """Return the URL of an execution in the console, which links to the log of each action.

    CodePipeline inserts the execution id. The URL contains no variable that a build exports,
    because code of the commit would choose its value.
    """
    return Sub(
        "https://${AWS::Region}.console.aws.amazon.com/codesuite/codepipeline/pipelines/"
        f"{resource_name(env, 'pipeline')}/executions/#{{codepipeline.PipelineExecutionId}}/timeline"
        "?region=${AWS::Region}"
    )


def _stage(name: str, *actions: codepipeline.Actions) -> codepipeline.Stages:
    """Return a stage that runs *actions* one after the other."""
    for number, action in enumerate(actions, 1):
        action.RunOrder = number
    return codepipeline.Stages(Name=name, Actions=list(actions))


def _action(
    name: str,
    category: str,
    provider: str,
    configuration: dict[str, Any],
    *,
    input_: str = "",
    output: str = "",
) -> codepipeline.Actions:
    """Return an action with one input or output artifact; *name* is its variable namespace."""
    properties: dict[str, Any] = {}
    if input_:
        properties["InputArtifacts"] = [codepipeline.InputArtifacts(Name=input_)]
    if output:
        properties["OutputArtifacts"] = [codepipeline.OutputArtifacts(Name=output)]
    if category in {"Source", "Build"}:
        properties["Namespace"] = name
    return codepipeline.Actions(
        Name=name,
        ActionTypeId=codepipeline.ActionTypeId(
            Category=category, Owner="AWS", Provider=provider, Version="1"
        ),
        Configuration=configuration,
        **properties,
    )


def _build(
    name: str, project: Value, *, output: str = "", **variables: str
) -> codepipeline.Actions:
    """Return an action that runs *project* on the source artifact, with *variables*."""
    pairs = [{"name": key, "value": value} for key, value in variables.items()]
    environment = {"EnvironmentVariables": json.dumps(pairs)} if pairs else {}
    return _action(
        name,
        "Build",
        "CodeBuild",
        {"ProjectName": project, **environment},
        input_=SOURCE,
        output=output,
    )
