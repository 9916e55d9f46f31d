"""The CodeBuild projects of the pipeline: the commands and the permissions of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from awacs import awslambda, cloudformation, ecr, iam, logs, ssm
from awacs import s3 as storage
from awacs.aws import (
    Condition,
    Deny,
    Null,
    PolicyDocument,
    Statement,
    StringEquals,
    StringLike,
)
from troposphere import Sub, codebuild
from troposphere import iam as roles
from troposphere.logs import LogGroup

from deployer.artifacts import RELEASES
from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks import buildspecs
from stacks.buckets import objects
from stacks.parts import allow, arn, image_parameter, keep, own, trust
from stacks.permissions.ownership import deny_other_owners
from stacks.permissions.resources import CLOUDFRONT_REGION, MANUAL_STACKS

Architecture = Literal["ARM64", "X86_64"]

# The newest of AWS's images that have Python 3.13: github.com/aws/aws-codebuild-docker-images, al/.
# A machine builds images for the processor it has, so it has that of the service.
MACHINES: Mapping[Architecture, tuple[str, str]] = {
    "ARM64": ("ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:4.0"),
    "X86_64": ("LINUX_CONTAINER", "aws/codebuild/amazonlinux-x86_64-standard:6.0"),
}

QUEUED_MINUTES = 30  # What finds no machine by then fails.
TEST_MINUTES = 60  # All checks and all tests.
IMAGE_MINUTES = 30
PLAN_MINUTES = 20
DEPLOY_MINUTES = 180  # A first deploy waits for a database, and for a distribution.
RELEASE_MINUTES = 20  # Migrations have 15, the longest that a function runs.

# Artifacts: folders in the bucket of the pipeline, below one for the pipeline itself.
SOURCE, IMAGE = "Source", "Image"


@dataclass(frozen=True)
class Choices:
    """What config says of the machines, and of what they release: an *image* for a *service*."""

    service: str
    image: str
    architecture: Architecture
    log_retention_days: fields.LogRetentionDays


@dataclass(frozen=True)
class Given:
    """What the machines take from and give to.

    *artifacts_arn* is the bucket of code and templates, *handed_over_arn* the one in which the
    pipeline hands something from one machine to the next, *change_role* what CloudFormation takes
    to change stacks.
    """

    images: Value
    images_arn: Value
    artifacts_arn: Value
    change_role: Value
    handed_over_arn: Value


@dataclass(frozen=True)
class Projects:
    """The names of the projects that the pipeline starts, one for each action that is a build."""

    test: Value
    image: Value
    diff: Value
    plan: Value
    infrastructure: Value
    migrate: Value
    record: Value
    settle: Value


def define(t: Template, env: Env, choices: Choices, given: Given) -> Projects:
    """Add a project, a role and a log group for each action of the pipeline that is a build.

    Before the approval, code of the commit runs in Test and Plan only, and their roles change
    nothing. After it, each role allows the calls of its action.
    """
    add = partial(_project, t, env, choices, given)
    inv: dict[str, Value] = {"CRUDDUR_ENV": env.name, "CRUDDUR_LOCK": "deploy"}
    return Projects(
        test=add(
            "Test",
            buildspec=buildspecs.buildspec(buildspecs.TEST, python=True),
            minutes=TEST_MINUTES,
            size="BUILD_GENERAL1_MEDIUM",  # Tests have processes of their own.
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
            variables={"IMAGES": given.images, "CONTAINER": choices.service},
            statements=[_give(env, given, IMAGE), *_push(given)],
        ),
        diff=add(
            "Diff",
            buildspec=buildspecs.buildspec(buildspecs.DIFF, script=buildspecs.DIFF_SCRIPT),
            minutes=PLAN_MINUTES,
            variables=_all_stacks(env),
            statements=_read_stacks(env),
        ),
        plan=add(
            "Plan",
            buildspec=buildspecs.buildspec(
                buildspecs.PLAN, script=buildspecs.PLAN_SCRIPT, python=True
            ),
            minutes=PLAN_MINUTES,
            variables=inv,
            statements=[*_read_stacks(env), _read_releases(env)],
        ),
        infrastructure=add(
            "Infrastructure",
            buildspec=buildspecs.buildspec(buildspecs.INFRASTRUCTURE, python=True),
            minutes=DEPLOY_MINUTES,
            variables=inv,
            statements=[
                *_read_stacks(env),
                _read_releases(env),
                *_change_stacks(env, given, "*"),
                *_upload(given),
            ],
        ),
        migrate=add(
            "Migrate",
            buildspec=buildspecs.buildspec(buildspecs.MIGRATE, python=True),
            minutes=RELEASE_MINUTES,
            variables=inv,
            statements=_migrate(env),
        ),
        record=add(
            "Record",
            buildspec=buildspecs.buildspec(buildspecs.RECORD, python=True),
            minutes=RELEASE_MINUTES,
            variables=inv,
            statements=[_record(env, choices.image)],
        ),
        settle=add(
            "Settle",
            buildspec=buildspecs.buildspec(buildspecs.SETTLE, python=True),
            minutes=RELEASE_MINUTES,
            variables=inv,
            statements=[
                *_read_stacks(env),
                _read_releases(env),
                *_change_stacks(env, given, "service"),
            ],
        ),
    )


def project_name(env: Env, title: str) -> str:
    """Return the name of the project *title*."""
    return own(env, f"pipeline-{title.lower()}")


def artifact_path(env: Env, artifact: str) -> str:
    """Return the folder of an artifact: CodePipeline truncates both names, to 20 and 10 letters."""
    return f"{own(env, 'pipeline')[:20]}/{artifact[:10]}"


def _project(
    t: Template,
    env: Env,
    choices: Choices,
    given: Given,
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

    The role reads the source, writes to this log group, and has the permissions in *statements*.
    Only a project with *docker* is privileged. No role has the boundary: that is for roles which
    releases create, and these are deployed by an administrator.
    """
    name = project_name(env, title)
    group = t.add_resource(
        LogGroup(f"{title}Logs", RetentionInDays=choices.log_retention_days, **keep(env))
    )
    write = [logs.CreateLogStream, logs.PutLogEvents]
    role = t.add_resource(
        roles.Role(
            f"{title}Role",
            AssumeRolePolicyDocument=trust(
                "codebuild",
                Condition(StringEquals({"aws:SourceArn": arn("codebuild", f"project/{name}")})),
            ),
            Policies=[
                roles.Policy(
                    PolicyName=title,
                    PolicyDocument=PolicyDocument(
                        Version="2012-10-17",
                        Statement=[
                            allow("WriteLogs", write, group.get_att("Arn")),
                            *_take(env, given, SOURCE),
                            *statements,
                        ],
                    ),
                )
            ],
        )
    )
    type_, image = MACHINES[choices.architecture]
    project = t.add_resource(
        codebuild.Project(
            title,
            Name=name,
            Source=codebuild.Source(Type="CODEPIPELINE", BuildSpec=buildspec),
            Artifacts=codebuild.Artifacts(Type="CODEPIPELINE"),
            Environment=codebuild.Environment(
                Type=type_,
                Image=image,
                ComputeType=size,
                PrivilegedMode=docker,
                EnvironmentVariables=[
                    codebuild.EnvironmentVariable(Name=name, Value=value)
                    for name, value in (variables or {}).items()
                ],
            ),
            ServiceRole=role.get_att("Arn"),
            TimeoutInMinutes=minutes,
            QueuedTimeoutInMinutes=QUEUED_MINUTES,
            LogsConfig=codebuild.LogsConfig(
                CloudWatchLogs=codebuild.CloudWatchLogs(Status="ENABLED", GroupName=group.ref())
            ),
        )
    )
    return project.ref()


def _take(env: Env, given: Given, artifact: str) -> list[Statement]:
    """Read an artifact, and the owner and region of the bucket, which CodeBuild checks."""
    return [
        allow(
            "LookAtHandedOver",
            [storage.GetBucketAcl, storage.GetBucketLocation],
            given.handed_over_arn,
        ),
        allow(
            f"Take{artifact}",
            [storage.GetObject, storage.GetObjectVersion],
            objects(given.handed_over_arn, f"{artifact_path(env, artifact)}/*"),
        ),
    ]


def _give(env: Env, given: Given, artifact: str) -> Statement:
    """Write one artifact: the build of the image cannot change the source of later actions."""
    return allow(
        f"Give{artifact}",
        [storage.PutObject],
        objects(given.handed_over_arn, f"{artifact_path(env, artifact)}/*"),
    )


def _push(given: Given) -> list[Statement]:
    """Push to one repository."""
    push = [
        ecr.BatchCheckLayerAvailability,
        ecr.CompleteLayerUpload,
        ecr.InitiateLayerUpload,
        ecr.PutImage,
        ecr.UploadLayerPart,
    ]
    return [
        allow(
            "SignInToRegistry", [ecr.GetAuthorizationToken], "*"
        ),  # It takes no narrower resource.
        allow("PushImage", push, given.images_arn),
    ]


# A stack is deleted only if its creation failed, to create it again: it never had other resources.
CHANGE = [cloudformation.DeleteStack, cloudformation.UpdateTerminationProtection]
CHANGE_SETS = [
    cloudformation.DeleteChangeSet,
    cloudformation.DescribeChangeSet,
    cloudformation.ExecuteChangeSet,
]


def _all_stacks(env: Env) -> dict[str, Value]:
    """Return the variables of the comparison of templates: see `buildspecs.DIFF_SCRIPT`."""
    tags = {"project": env.project, "env": env.name}
    owned = " && ".join(f"Tags[?Key=='{key}' && Value=='{value}']" for key, value in tags.items())
    return {
        "CRUDDUR_ENV": env.name,
        "PREFIX": env.stack_name(""),
        "REGIONS": " ".join(_regions(env)),
        "MANUAL": " ".join(MANUAL_STACKS),
        "STACKS": f"Stacks[?!ParentId && {owned}].StackName",
    }


def _read_stacks(env: Env) -> list[Statement]:
    """Find the stacks, and read their templates; deny those of other environments."""
    return [
        # Stacks are listed to find orphans: the action supports no narrower resource.
        allow("FindStacks", [cloudformation.DescribeStacks], "*"),
        allow(
            "ReadTemplates",
            [cloudformation.GetTemplate, cloudformation.ListChangeSets],
            *_stacks(env, "*"),
        ),
        *deny_other_owners(env),
    ]


def _read_releases(env: Env) -> Statement:
    """Read the parameters with the last released image of each service, which templates use."""
    return allow(
        "ReadImages", [ssm.GetParameters], arn("ssm", f"parameter{image_parameter(env, '*')}")
    )


def _change_stacks(env: Env, given: Given, layer: str) -> list[Statement]:
    """Change the stacks of *layer* by change sets that CloudFormation executes as a release.

    IAM denies a change set with another role, or with none, which would have the permissions of the
    caller; and every change set that a release did not create.
    """
    stacks = _stacks(env, layer)
    change_sets = _in_our_regions(env, "changeSet/release-*")
    as_release = Condition(
        [
            StringEquals({"cloudformation:RoleArn": given.change_role}),
            StringLike({"cloudformation:ChangeSetName": "release-*"}),
        ]
    )
    of_releases = Condition(
        StringLike({"cloudformation:ChangeSetName": ["release-*", *change_sets]})
    )
    to_cloudformation = Condition(
        StringEquals({"iam:PassedToService": "cloudformation.amazonaws.com"})
    )
    return [
        allow(
            "FollowChanges",
            [cloudformation.DescribeEvents, cloudformation.DescribeStackEvents],
            *stacks,
            *change_sets,
        ),
        allow("Propose", [cloudformation.CreateChangeSet], *stacks, condition=as_release),
        # AWS documents the stack as the resource; by reports it can be the change set's own ARN.
        allow("CarryOut", CHANGE_SETS, *stacks, *change_sets, condition=of_releases),
        allow("ChangeStacks", CHANGE, *stacks),
        Statement(
            Sid="NotItsOwnLimits",
            Effect=Deny,
            Action=[cloudformation.CreateChangeSet, *CHANGE_SETS, *CHANGE],
            Resource=[
                stack
                for manual in MANUAL_STACKS
                for name in (manual, f"{manual}-*")  # The latter are nested stacks.
                for stack in _stacks(env, name)
            ],
        ),
        allow("PassChangeRole", [iam.PassRole], given.change_role, condition=to_cloudformation),
    ]


def _upload(given: Given) -> list[Statement]:
    """Add templates and code to one folder, without replacing objects.

    CloudFormation reads a template with the permissions of the caller.
    """
    released = objects(given.artifacts_arn, f"{RELEASES}*")
    new = Condition(Null({"s3:if-none-match": "false"}))
    return [
        allow("FindArtifacts", [storage.ListBucket], given.artifacts_arn),
        allow("ReadArtifacts", [storage.GetObject, storage.GetObjectVersion], released),
        allow("AddArtifacts", [storage.PutObject], released, condition=new),
    ]


def _migrate(env: Env) -> list[Statement]:
    """Invoke the migration function, whose name is an output."""
    users = arn("cloudformation", f"stack/{env.stack_name('users')}/*")
    function = arn("lambda", f"function:{env.stack_name('users')}-Migrate-*")
    return [
        allow("FindMigration", [cloudformation.DescribeStacks], users),
        allow("Migrate", [awslambda.InvokeFunction], function),
    ]


def _record(env: Env, image: str) -> Statement:
    """Write the parameter with the released image."""
    return allow(
        "NoteImage", [ssm.PutParameter], arn("ssm", f"parameter{image_parameter(env, image)}")
    )


def _stacks(env: Env, layer: str) -> list[Value]:
    return _in_our_regions(env, f"stack/{env.stack_name(layer)}/*")


def _in_our_regions(env: Env, resource: str) -> list[Value]:
    """Return the ARNs of a CloudFormation resource in each region, including CloudFront's."""
    return [
        Sub(f"arn:${{AWS::Partition}}:cloudformation:{region}:${{AWS::AccountId}}:{resource}")
        for region in _regions(env)
    ]


def _regions(env: Env) -> list[str]:
    return sorted({env.region, CLOUDFRONT_REGION})
