"""The machines that the pipeline works with: what each of them runs, and what it may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from awacs import awslambda, cloudformation, ecr, iam, logs, ssm
from awacs import s3 as storage
from awacs.aws import Condition, Deny, PolicyDocument, Statement, StringEquals
from troposphere import Sub, codebuild
from troposphere import iam as roles
from troposphere.logs import LogGroup

from deployer import fields
from deployer.stack import Env, Template, Value
from stacks.buckets import objects
from stacks.parts import allow, arn, image_parameter, keep, own, trust
from stacks.rights import BY_HAND, CLOUDFRONT_REGION

Architecture = Literal["ARM64", "X86_64"]

# The newest of AWS's images that have Python 3.13: github.com/aws/aws-codebuild-docker-images, al/.
# A machine builds images for the processor it has, so it has that of the service.
MACHINES: Mapping[Architecture, tuple[str, str]] = {
    "ARM64": ("ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:4.0"),
    "X86_64": ("LINUX_CONTAINER", "aws/codebuild/amazonlinux-x86_64-standard:6.0"),
}

QUEUED_MINUTES = 30  # What finds no machine by then fails.
IMAGE_MINUTES = 60  # All checks, all tests and an image.
DEPLOY_MINUTES = 180  # A first deploy waits for a database, and for a distribution.
RELEASE_MINUTES = 20  # Migrations have 15, the longest that a function runs.

# Folders in the bucket of the pipeline, each an artifact; CodePipeline cuts off after ten letters.
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
    """What the pipeline starts, by name."""

    image: Value
    deploy: Value
    release: Value


def define(t: Template, env: Env, choices: Choices, given: Given) -> Projects:
    """One tests and builds, one asks CloudFormation, one calls the migration and takes notes.

    Tests, and all that they bring along, run with the rights of the first one only.
    """
    group = t.add_resource(
        LogGroup("Logs", RetentionInDays=choices.log_retention_days, **keep(env))
    )
    project = partial(_project, t, env, group=group, machine=MACHINES[choices.architecture])
    told = {"CRUDDUR_ENV": env.name, "CRUDDUR_LOCK": "deploy"}
    note = arn("ssm", f"parameter{image_parameter(env, choices.image)}")
    return Projects(
        image=project(
            "Image",
            minutes=IMAGE_MINUTES,
            size="BUILD_GENERAL1_MEDIUM",  # Tests have processes of their own.
            docker=True,
            variables={"IMAGES": given.images, "CONTAINER": choices.service},
            may=[*_take(given, SOURCE), *_give(given, IMAGE), *_push(given)],
        ),
        deploy=project(
            "Deploy",
            minutes=DEPLOY_MINUTES,
            variables=told,
            may=[*_take(given, SOURCE), *_change_stacks(env, given)],
        ),
        release=project(
            "Release",
            minutes=RELEASE_MINUTES,
            variables=told,
            may=[*_take(given, SOURCE), *_migrate_and_note(env, note)],
        ),
    )


def project_name(env: Env, title: str) -> str:
    """What the project *title* is called."""
    return own(env, f"pipeline-{title.lower()}")


def _project(
    t: Template,
    env: Env,
    title: str,
    *,
    group: LogGroup,
    machine: tuple[str, str],
    minutes: int,
    variables: Mapping[str, Value],
    may: Sequence[Statement],
    size: str = "BUILD_GENERAL1_SMALL",
    docker: bool = False,
) -> Value:
    """A project that runs buildspecs/TITLE.yml, with a role of its own; its name.

    Only what has *docker* is privileged. No role is under the boundary: that is for roles which
    releases make, and a person deploys these.
    """
    name = project_name(env, title)
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
                        Statement=[allow("WriteLogs", write, group.get_att("Arn")), *may],
                    ),
                )
            ],
        )
    )
    type_, image = machine
    project = t.add_resource(
        codebuild.Project(
            title,
            Name=name,
            Source=codebuild.Source(
                Type="CODEPIPELINE", BuildSpec=f"buildspecs/{title.lower()}.yml"
            ),
            Artifacts=codebuild.Artifacts(Type="CODEPIPELINE"),
            Environment=codebuild.Environment(
                Type=type_,
                Image=image,
                ComputeType=size,
                PrivilegedMode=docker,
                EnvironmentVariables=[
                    codebuild.EnvironmentVariable(Name=name, Value=value)
                    for name, value in variables.items()
                ],
            ),
            ServiceRole=role.get_att("Arn"),
            TimeoutInMinutes=minutes,
            QueuedTimeoutInMinutes=QUEUED_MINUTES,
            LogsConfig=codebuild.LogsConfig(
                CloudWatchLogs=codebuild.CloudWatchLogs(
                    Status="ENABLED", GroupName=group.ref(), StreamName=title.lower()
                )
            ),
        )
    )
    return project.ref()


def _take(given: Given, artifact: str) -> list[Statement]:
    """Read an artifact; of the bucket, CodeBuild wants to know whose it is and where."""
    return [
        allow(
            "LookAtHandedOver",
            [storage.GetBucketAcl, storage.GetBucketLocation],
            given.handed_over_arn,
        ),
        allow(
            f"Take{artifact}",
            [storage.GetObject, storage.GetObjectVersion],
            objects(given.handed_over_arn, f"*/{artifact}/*"),
        ),
    ]


def _give(given: Given, artifact: str) -> list[Statement]:
    """Write one artifact: what built the image cannot change the source of what comes after it."""
    return [
        allow(
            f"Give{artifact}",
            [storage.PutObject],
            objects(given.handed_over_arn, f"*/{artifact}/*"),
        )
    ]


def _push(given: Given) -> list[Statement]:
    """Push to one repository, and ask it what it has."""
    push = [
        ecr.BatchCheckLayerAvailability,
        ecr.BatchGetImage,
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


LOOK = [
    cloudformation.DescribeChangeSet,
    cloudformation.DescribeEvents,
    cloudformation.DescribeStackEvents,
    cloudformation.GetTemplate,
    cloudformation.ListChangeSets,
]

# To delete is to begin anew where a creation failed: nothing else ever was in such a stack.
CHANGE = [
    cloudformation.DeleteChangeSet,
    cloudformation.DeleteStack,
    cloudformation.ExecuteChangeSet,
    cloudformation.UpdateTerminationProtection,
]


def _change_stacks(env: Env, given: Given) -> list[Statement]:
    """Ask CloudFormation for changes that it makes with the rights of a release, no others.

    IAM refuses to ask with another role, or with none, which would be with the rights of the asker.
    What was released last, of whichever service, is a parameter of its template.
    """
    layers = _stacks(env, "*")
    proposals = _in_our_regions(env, "changeSet/deploy-*")
    as_release = Condition(StringEquals({"cloudformation:RoleArn": given.change_role}))
    to_cloudformation = Condition(
        StringEquals({"iam:PassedToService": "cloudformation.amazonaws.com"})
    )
    templates = objects(given.artifacts_arn, "templates/*")
    released = arn("ssm", f"parameter{image_parameter(env, '*')}")
    return [
        # Listed, to find what is deployed and no longer wanted: that takes no narrower resource.
        allow("FindStacks", [cloudformation.DescribeStacks], "*"),
        allow("LookAtStacks", LOOK, *layers, *proposals),
        allow("Propose", [cloudformation.CreateChangeSet], *layers, condition=as_release),
        allow("CarryOut", CHANGE, *layers),
        Statement(
            Sid="NotItsOwnLimits",
            Effect=Deny,
            Action=[cloudformation.CreateChangeSet, *CHANGE],
            Resource=[
                one
                for layer in BY_HAND
                for name in (layer, f"{layer}-*")  # The second are those nested in the first.
                for one in _stacks(env, name)
            ],
        ),
        allow("PassChangeRole", [iam.PassRole], given.change_role, condition=to_cloudformation),
        allow("FindArtifacts", [storage.ListBucket], given.artifacts_arn),
        allow("UploadArtifacts", [storage.PutObject], objects(given.artifacts_arn)),
        allow("ReadTemplates", [storage.GetObject], templates),  # CloudFormation, for whoever asks.
        allow("ReadImages", [ssm.GetParameters], released),
    ]


def _migrate_and_note(env: Env, note: Value) -> list[Statement]:
    """Call one function, which an output names, and write one parameter."""
    users = arn("cloudformation", f"stack/{env.stack_name('users')}/*")
    function = arn("lambda", f"function:{env.stack_name('users')}-Migrate-*")
    return [
        allow("FindMigration", [cloudformation.DescribeStacks], users),
        allow("Migrate", [awslambda.InvokeFunction], function),
        allow("NoteImage", [ssm.PutParameter], note),
    ]


def _stacks(env: Env, layer: str) -> list[Value]:
    return _in_our_regions(env, f"stack/{env.stack_name(layer)}/*")


def _in_our_regions(env: Env, resource: str) -> list[Value]:
    """The ARNs of something of CloudFormation's, which also has stacks of ours for CloudFront."""
    return [
        Sub(f"arn:${{AWS::Partition}}:cloudformation:{region}:${{AWS::AccountId}}:{resource}")
        for region in sorted({env.region, CLOUDFRONT_REGION})
    ]
