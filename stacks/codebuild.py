"""The CodeBuild projects of the pipeline: the commands, machine and permissions of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from awacs import logs
from awacs.aws import Condition, Statement, StringEquals
from troposphere import codebuild
from troposphere.logs import LogGroup

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks import buildspecs
from stacks.parts.iam import allow, role
from stacks.parts.names import arn, resource_name
from stacks.parts.retention import retention_policies
from stacks.permissions import build_roles
from stacks.permissions.resources import MANUAL_STACKS, regions

Architecture = Literal["ARM64", "X86_64"]

# The newest of AWS's images that have Python 3.13: github.com/aws/aws-codebuild-docker-images, al/.
# A build machine has the architecture of the service: docker builds for that of its machine.
MACHINES: Mapping[Architecture, tuple[str, str]] = {
    "ARM64": ("ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:4.0"),
    "X86_64": ("LINUX_CONTAINER", "aws/codebuild/amazonlinux-x86_64-standard:6.0"),
}

QUEUED_MINUTES = 30  # A build fails if it gets no machine in this time.
TEST_MINUTES = 60  # All checks and all tests.
IMAGE_MINUTES = 30
PLAN_MINUTES = 20
DEPLOY_MINUTES = 180  # The first deploy creates a database and distributions.
RELEASE_MINUTES = 20  # A migration has at most 15 minutes, the maximum timeout of a function.

SOURCE, IMAGE = "Source", "Image"  # The names of the pipeline's artifacts.


@dataclass(frozen=True)
class Settings:
    """The machines, and the release: *image* is the image of the ECS service *service*."""

    service: str
    image: str
    architecture: Architecture
    log_retention_days: fields.LogRetentionDays


@dataclass(frozen=True)
class Resources:
    """The resources of other stacks that the projects use.

    *artifacts_arn* is the bucket of code and templates, *artifact_store_arn* the bucket in which
    the pipeline stores its own artifacts.
    """

    repository_uri: Value
    repository_arn: Value
    artifacts_arn: Value
    release_role_arn: Value
    artifact_store_arn: Value


@dataclass(frozen=True)
class Projects:
    """The names of the projects, one for each build action of the pipeline."""

    test: Value
    image: Value
    diff: Value
    plan: Value
    infrastructure: Value
    migrate: Value
    record_image: Value
    update_service_stack: Value
    verify_service: Value


def define(t: Template, env: Env, settings: Settings, resources: Resources) -> Projects:
    """Add a project, a role and a log group for each build action of the pipeline.

    Before the approval, code of the commit runs in Test and Plan only, and their roles allow no
    changes. After the approval, each role allows the calls that its action needs.
    """
    add = partial(_project, t, env, settings, resources)
    inv: dict[str, Value] = {"CRUDDUR_ENV": env.name, "CRUDDUR_LOCK": "deploy"}
    return Projects(
        test=add(
            "Test",
            buildspec=buildspecs.buildspec(buildspecs.TEST, python=True),
            minutes=TEST_MINUTES,
            size="BUILD_GENERAL1_MEDIUM",  # The tests run in parallel processes.
        ),
        image=add(
            "Image",
            buildspec=buildspecs.buildspec(
                buildspecs.IMAGE,
                script=buildspecs.IMAGE_SCRIPT,
                exported="IMAGE_DIGEST",
                artifact="imagedefinitions.json",
            ),
            minutes=IMAGE_MINUTES,
            docker=True,
            variables={"REPOSITORY_URI": resources.repository_uri, "CONTAINER": settings.service},
            statements=[
                build_roles.write_artifact(env, resources.artifact_store_arn, IMAGE),
                *build_roles.push_images(resources.repository_arn),
            ],
        ),
        diff=add(
            "Diff",
            buildspec=buildspecs.buildspec(buildspecs.DIFF, script=buildspecs.DIFF_SCRIPT),
            minutes=PLAN_MINUTES,
            variables=_diff_variables(env),
            statements=build_roles.read_stacks(env),
        ),
        plan=add(
            "Plan",
            buildspec=buildspecs.buildspec(
                buildspecs.PLAN, script=buildspecs.PLAN_SCRIPT, python=True
            ),
            minutes=PLAN_MINUTES,
            variables=inv,
            statements=[*build_roles.read_stacks(env), build_roles.read_released_images(env)],
        ),
        infrastructure=add(
            "Infrastructure",
            buildspec=buildspecs.buildspec(buildspecs.INFRASTRUCTURE, python=True),
            minutes=DEPLOY_MINUTES,
            variables=inv,
            statements=[
                *build_roles.read_stacks(env),
                build_roles.read_released_images(env),
                *build_roles.change_stacks(env, resources.release_role_arn, "*"),
                *build_roles.add_artifacts(resources.artifacts_arn),
            ],
        ),
        migrate=add(
            "Migrate",
            buildspec=buildspecs.buildspec(buildspecs.MIGRATE, python=True),
            minutes=RELEASE_MINUTES,
            variables=inv,
            statements=build_roles.invoke_migration(env),
        ),
        record_image=add(
            "RecordImage",
            buildspec=buildspecs.buildspec(buildspecs.RECORD_IMAGE, python=True),
            minutes=RELEASE_MINUTES,
            variables=inv,
            statements=build_roles.record_image(env, settings.image, resources.repository_arn),
        ),
        update_service_stack=add(
            "UpdateServiceStack",
            buildspec=buildspecs.buildspec(buildspecs.UPDATE_SERVICE_STACK, python=True),
            minutes=RELEASE_MINUTES,
            variables=inv,
            statements=[
                *build_roles.read_stacks(env),
                build_roles.read_released_images(env),
                *build_roles.change_stacks(env, resources.release_role_arn, "service"),
            ],
        ),
        verify_service=add(
            "VerifyService",
            buildspec=buildspecs.buildspec(buildspecs.VERIFY_SERVICE, python=True),
            minutes=RELEASE_MINUTES,
            variables=inv,
            statements=build_roles.verify_service(env),
        ),
    )


def project_name(env: Env, title: str) -> str:
    """Return the name of the project *title*, such as `crd-prod-pipeline-record-image`."""
    kebab_case = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in title)
    return resource_name(env, f"pipeline{kebab_case}")


def _diff_variables(env: Env) -> dict[str, Value]:
    """Return the variables of `buildspecs.DIFF_SCRIPT`."""
    tags = {"project": env.project, "env": env.name}
    owned = " && ".join(f"Tags[?Key=='{key}' && Value=='{value}']" for key, value in tags.items())
    return {
        "CRUDDUR_ENV": env.name,
        "STACK_PREFIX": env.stack_name(""),
        "REGIONS": " ".join(regions(env)),
        "MANUAL_STACKS": " ".join(MANUAL_STACKS),
        "STACK_QUERY": f"Stacks[?!ParentId && {owned}].StackName",
    }


def _project(
    t: Template,
    env: Env,
    settings: Settings,
    resources: Resources,
    title: str,
    *,
    buildspec: str,
    minutes: int,
    variables: Mapping[str, Value] | None = None,
    statements: Sequence[Statement] = (),
    size: str = "BUILD_GENERAL1_SMALL",
    docker: bool = False,
) -> Value:
    """Add a project that runs *buildspec*, with a role and a log group; return its name.

    Only a project with *docker* is privileged.
    """
    name = project_name(env, title)
    log_group = t.add_resource(
        LogGroup(
            f"{title}LogGroup",
            RetentionInDays=settings.log_retention_days,
            **retention_policies(env),
        )
    )
    read_source = build_roles.read_artifact(env, resources.artifact_store_arn, SOURCE)
    write_logs = [logs.CreateLogStream, logs.PutLogEvents]
    project_arn = arn("codebuild", f"project/{name}")
    project_role = role(
        t,
        f"{title}Role",
        service="codebuild",
        boundary=None,
        statements=[
            allow("WriteLogs", write_logs, log_group.get_att("Arn")),
            *read_source,
            *statements,
        ],
        condition=Condition(StringEquals({"aws:SourceArn": project_arn})),
    )
    machine, image = MACHINES[settings.architecture]
    project = t.add_resource(
        codebuild.Project(
            title,
            Name=name,
            Source=codebuild.Source(Type="CODEPIPELINE", BuildSpec=buildspec),
            Artifacts=codebuild.Artifacts(Type="CODEPIPELINE"),
            Environment=codebuild.Environment(
                Type=machine,
                Image=image,
                ComputeType=size,
                PrivilegedMode=docker,
                EnvironmentVariables=[
                    codebuild.EnvironmentVariable(Name=variable, Value=value)
                    for variable, value in (variables or {}).items()
                ],
            ),
            ServiceRole=project_role.get_att("Arn"),
            TimeoutInMinutes=minutes,
            QueuedTimeoutInMinutes=QUEUED_MINUTES,
            LogsConfig=codebuild.LogsConfig(
                CloudWatchLogs=codebuild.CloudWatchLogs(Status="ENABLED", GroupName=log_group.ref())
            ),
        )
    )
    return project.ref()
