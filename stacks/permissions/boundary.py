"""The permissions boundary of all roles that a release creates."""

from __future__ import annotations

from awacs import awslambda, cognito_idp, dynamodb, ecr, logs, rds_db, s3, sns, sqs, ssm
from awacs.aws import PolicyDocument

from deployer.model import Env
from stacks.parts.buckets import bucket_arn
from stacks.parts.containers import SEND_TRACES, USE_ECS_EXEC
from stacks.parts.iam import allow, vpc_access
from stacks.parts.names import arn, resource_name
from stacks.permissions import actions, resources
from stacks.permissions.denials import deny_pipeline_logs
from stacks.permissions.ownership import deny_other_owners


def boundary(env: Env) -> PolicyDocument:
    """Return the permissions boundary: no role of a release has more permissions.

    A release can write any policy for a role, so only the boundary limits the role. The boundary does
    not allow access to the artifacts, which contain the code of the functions, or to the files of the
    site.
    """
    return PolicyDocument(
        Version="2012-10-17",
        Statement=[
            allow(
                "WriteLogs",
                [logs.CreateLogStream, logs.PutLogEvents],
                *(resources.log_groups(env, stack) for stack in resources.STACKS_WITH_ROLES),
            ),
            allow(
                "DescribeLogStreams",
                [logs.DescribeLogStreams],
                resources.log_groups(env, "network"),
            ),
            # The action supports no narrower resource.
            allow("DescribeLogGroups", [logs.DescribeLogGroups], "*"),
            deny_pipeline_logs(env),
            allow("ReadUploads", [s3.GetObject], resources.bucket_objects(env, "uploads")),
            allow("ListUploads", [s3.ListBucket], bucket_arn(env, "uploads")),
            allow(
                "WriteAvatarsAndUploads",
                [s3.PutObject],
                *(resources.bucket_objects(env, name) for name in ("avatars", "uploads")),
            ),
            allow(
                "ReadAndWriteMessages",
                actions.MESSAGE_ITEMS,
                arn("dynamodb", f"table/{resource_name(env, 'messages-*')}"),
            ),
            allow(
                "ConfirmAvatarSubscription",
                [sns.ConfirmSubscription],
                arn("sns", resource_name(env, "assets-*")),
            ),
            allow("SendToDeadLetterQueues", [sqs.SendMessage], arn("sqs", resource_name(env, "*"))),
            allow(
                "ConnectToDatabase",
                [rds_db.connect],
                *(arn("rds-db", f"dbuser:*/{user}") for user in resources.DATABASE_USERS),
            ),
            allow(
                "PullImages",
                [ecr.BatchCheckLayerAvailability, ecr.BatchGetImage, ecr.GetDownloadUrlForLayer],
                arn("ecr", f"repository/{resource_name(env, '*')}"),
            ),
            allow(
                "InvokePostConfirmation",
                [awslambda.InvokeFunction],
                arn("lambda", f"function:{resource_name(env, 'users-PostConfirmation-*')}"),
            ),
            # AWS chooses the name of a pool; other environments have other tags.
            allow("ListUsers", [cognito_idp.ListUsers], arn("cognito-idp", "userpool/*")),
            # The actions of the next four statements support no narrower resource.
            allow("ListStreams", [dynamodb.ListStreams], "*"),
            allow("GetRegistryToken", [ecr.GetAuthorizationToken], "*"),
            allow("SendTraces", SEND_TRACES, "*"),
            allow("UseEcsExec", USE_ECS_EXEC, "*"),
            allow("ReadSecrets", [ssm.GetParameters], resources.secrets(env)),
            *vpc_access(),
            *deny_other_owners(env),
        ],
    )
