"""IAM statements for the CodeBuild roles of the pipeline."""

from __future__ import annotations

from awacs import (
    application_autoscaling,
    awslambda,
    cloudformation,
    ecr,
    ecs,
    elasticloadbalancing,
    iam,
    sns,
    ssm,
)
from awacs import s3 as s3_actions
from awacs.aws import (
    ArnEquals,
    Condition,
    Deny,
    Null,
    Statement,
    StringEquals,
    StringLike,
)
from troposphere import Sub

from deployer.artifacts import RELEASES
from deployer.model import Env, Value
from stacks.parts.buckets import objects
from stacks.parts.iam import allow
from stacks.parts.names import arn, image_parameter, resource_name, webhook_url
from stacks.permissions import resources
from stacks.permissions.ownership import deny_other_owners

# A release deletes a stack only if the creation of the stack failed, in order to create it again.
DELETE_OR_PROTECT = [cloudformation.DeleteStack, cloudformation.UpdateTerminationProtection]
EXECUTE_CHANGE_SETS = [
    cloudformation.DeleteChangeSet,
    cloudformation.DescribeChangeSet,
    cloudformation.ExecuteChangeSet,
]


def artifact_key_prefix(env: Env, artifact: str) -> str:
    """Return the key prefix of an artifact in the artifact store.

    CodePipeline truncates the name of the pipeline to 20 characters, the artifact's name to 10.
    """
    return f"{resource_name(env, 'pipeline')[:20]}/{artifact[:10]}"


def read_artifact(env: Env, store_arn: Value, artifact: str) -> list[Statement]:
    """Allow reading an artifact, and the owner and region of the bucket, which CodeBuild checks."""
    return [
        allow(
            "DescribeArtifactStore",
            [s3_actions.GetBucketAcl, s3_actions.GetBucketLocation],
            store_arn,
        ),
        allow(
            f"Read{artifact}Artifact",
            [s3_actions.GetObject, s3_actions.GetObjectVersion],
            objects(store_arn, f"{artifact_key_prefix(env, artifact)}/*"),
        ),
    ]


def write_artifact(env: Env, store_arn: Value, artifact: str) -> Statement:
    """Allow writing one artifact, so that the image build cannot change the source artifact."""
    return allow(
        f"Write{artifact}Artifact",
        [s3_actions.PutObject],
        objects(store_arn, f"{artifact_key_prefix(env, artifact)}/*"),
    )


def push_images(repository_arn: Value) -> list[Statement]:
    """Allow pushing images to one repository."""
    push = [
        ecr.BatchCheckLayerAvailability,
        ecr.CompleteLayerUpload,
        ecr.InitiateLayerUpload,
        ecr.PutImage,
        ecr.UploadLayerPart,
    ]
    return [
        # The action supports no narrower resource.
        allow("GetRegistryToken", [ecr.GetAuthorizationToken], "*"),
        allow("PushImage", push, repository_arn),
    ]


def read_stacks(env: Env) -> list[Statement]:
    """Allow listing the stacks and reading their templates; deny other environments' stacks."""
    return [
        # Stacks are listed to find orphaned stacks: the action supports no narrower resource.
        allow("DescribeStacks", [cloudformation.DescribeStacks], "*"),
        allow(
            "ReadTemplates",
            [
                cloudformation.GetTemplate,
                cloudformation.ListChangeSets,
                cloudformation.ListStackResources,
            ],
            *_stacks(env, "*"),
        ),
        *deny_other_owners(env),
    ]


def read_released_images(env: Env) -> Statement:
    """Allow reading the parameters with the last released image of each service."""
    return allow(
        "ReadReleasedImages",
        [ssm.GetParameters],
        arn("ssm", f"parameter{image_parameter(env, '*')}"),
    )


def change_stacks(env: Env, release_role_arn: Value, stack: str) -> list[Statement]:
    """Allow changing *stack* (or `*`) by change sets of a release, with the release role.

    A change set without a role would have the permissions of the caller. So IAM denies change sets
    without a role, with another role, or with a name that does not begin with `release-`.
    """
    stacks = _stacks(env, stack)
    change_sets = _in_all_regions(env, "changeSet/release-*")
    with_release_role = Condition(
        [
            StringEquals({"cloudformation:RoleArn": release_role_arn}),
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
            "DescribeStackEvents",
            [cloudformation.DescribeEvents, cloudformation.DescribeStackEvents],
            *stacks,
            *change_sets,
        ),
        allow(
            "CreateChangeSets",
            [cloudformation.CreateChangeSet],
            *stacks,
            condition=with_release_role,
        ),
        # A change set sets the tags of the stack. AWS does not document whether that needs the action.
        allow("TagStacks", [cloudformation.TagResource], *stacks),
        # AWS documents the stack as the resource. According to reports, it can be the change set.
        allow(
            "ExecuteChangeSets",
            EXECUTE_CHANGE_SETS,
            *stacks,
            *change_sets,
            condition=of_releases,
        ),
        allow("DeleteOrProtectStacks", DELETE_OR_PROTECT, *stacks),
        _deny_manual_stacks(env),
        allow("PassReleaseRole", [iam.PassRole], release_role_arn, condition=to_cloudformation),
    ]


def _deny_manual_stacks(env: Env) -> Statement:
    """Deny changes of the stacks that only an administrator deploys, and of their nested stacks."""
    return Statement(
        Sid="DenyManualStacks",
        Effect=Deny,
        Action=[
            cloudformation.CreateChangeSet,
            cloudformation.TagResource,
            *EXECUTE_CHANGE_SETS,
            *DELETE_OR_PROTECT,
        ],
        Resource=[
            resource
            for stack in resources.MANUAL_STACKS
            for name in (stack, f"{stack}-*")  # The second pattern matches nested stacks.
            for resource in _stacks(env, name)
        ],
    )


def add_artifacts(artifacts_arn: Value) -> list[Statement]:
    """Allow adding templates and code below the prefix of releases, without replacing objects.

    CloudFormation reads a template with the permissions of the caller.
    """
    released = objects(artifacts_arn, f"{RELEASES}*")
    if_new = Condition(Null({"s3:if-none-match": "false"}))
    return [
        allow("ListArtifacts", [s3_actions.ListBucket], artifacts_arn),
        allow("ReadArtifacts", [s3_actions.GetObject, s3_actions.GetObjectVersion], released),
        allow("AddArtifacts", [s3_actions.PutObject], released, condition=if_new),
    ]


def invoke_migration(env: Env) -> list[Statement]:
    """Allow invoking the migration function, whose name is an output of the stack `users`."""
    stack = arn("cloudformation", f"stack/{env.stack_name('users')}/*")
    function = arn("lambda", f"function:{env.stack_name('users')}-Migrate-*")
    return [
        allow("DescribeUsersStack", [cloudformation.DescribeStacks], stack),
        allow("InvokeMigration", [awslambda.InvokeFunction], function),
    ]


def record_image(env: Env, image: str, repository_arn: Value) -> list[Statement]:
    """Allow checking that the repository has an image, and writing the parameter with its digest.

    The name of the repository is an output of the stack `registry`.
    """
    stack = arn("cloudformation", f"stack/{env.stack_name('registry')}/*")
    parameter = arn("ssm", f"parameter{image_parameter(env, image)}")
    return [
        allow("DescribeRegistryStack", [cloudformation.DescribeStacks], stack),
        allow("DescribeImages", [ecr.DescribeImages], repository_arn),
        allow("RecordImage", [ssm.PutParameter], parameter),
    ]


def verify_service(env: Env) -> list[Statement]:
    """Allow reading the tasks and targets of the services, and subscribing the webhook again.

    The names of cluster, service and topic are outputs of stacks.
    """
    in_cluster = f"{env.stack_name('cluster')}/*"
    topics = resources.topics(env)
    webhook = Condition(StringEquals({"sns:Protocol": "https", "sns:Endpoint": webhook_url(env)}))
    cluster = Condition(
        ArnEquals({"ecs:cluster": arn("ecs", f"cluster/{env.stack_name('cluster')}")})
    )
    return [
        allow(
            "DescribeServiceStacks",
            [cloudformation.DescribeStacks],
            *(
                arn("cloudformation", f"stack/{env.stack_name(stack)}/*")
                for stack in ("assets", "cluster", "service")
            ),
        ),
        allow("DescribeServices", [ecs.DescribeServices], arn("ecs", f"service/{in_cluster}")),
        allow("DescribeTasks", [ecs.DescribeTasks], arn("ecs", f"task/{in_cluster}")),
        # The actions below support no narrower resource.
        allow("ListTasks", [ecs.ListTasks], "*", condition=cluster),
        allow(
            "DescribeTargets",
            [
                application_autoscaling.DescribeScalableTargets,
                elasticloadbalancing.DescribeTargetHealth,
            ],
            "*",
        ),
        allow("ListSubscriptions", [sns.ListSubscriptionsByTopic], *topics),
        allow("SubscribeWebhook", [sns.Subscribe], *topics, condition=webhook),
    ]


def _stacks(env: Env, stack: str) -> list[Value]:
    return _in_all_regions(env, f"stack/{env.stack_name(stack)}/*")


def _in_all_regions(env: Env, resource: str) -> list[Value]:
    """Return the ARN of a CloudFormation resource in each region."""
    return [
        Sub(f"arn:${{AWS::Partition}}:cloudformation:{region}:${{AWS::AccountId}}:{resource}")
        for region in resources.regions(env)
    ]
