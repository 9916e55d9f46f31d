"""Chains by which a stranger or a malicious commit could extend its permissions.

An expert reading of the roles numbered the findings; docs/abuse-chains.md has the answers. A chain is
a call that one role must not be able to make. If a statement denies the call, or allows it only under
a condition, the chain has the statement's id: without that denial or condition the call is possible.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.scanners.policies import ACCOUNT, REGION
from tests.stacks.permissions.access import ARTIFACTS, PREFIX, ROLE_CREATED_BY_RELEASE, arn_of
from tests.stacks.permissions.examples import (
    BOUNDARY,
    CHANGES_STACKS,
    DATABASE,
    FUNCTION,
    RELEASE_ROLE,
    REPOSITORY,
    ZIP_KEY,
    ZONE,
    change_set,
    stack,
)

OTHER = "999999999999"
RELEASE, STREAM = "ReleaseRole", "messages/MessagingStreamRole"
MADE = ROLE_CREATED_BY_RELEASE
IN_VPC = ("users/MigrateRole", "users/PostConfirmationRole", "posts/ExpirePostsRole")
UPLOADS = f"arn:aws:s3:::{PREFIX}-uploads-{ACCOUNT}-{REGION}-an"
AVATARS = f"arn:aws:s3:::{PREFIX}-avatars-{ACCOUNT}-{REGION}-an"
NETWORK_INTERFACE = f"arn:aws:ec2:{REGION}:{ACCOUNT}:network-interface/eni-1"
PIPELINE_LOG = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{PREFIX}-pipeline-x:log-stream:s"
TABLE = arn_of(f"{PREFIX}-messages", "MessageTable")


@dataclass(frozen=True)
class Chain:
    """A call of a *role* that must be denied.

    *closed_by* is the id of the statement whose denial or condition closes it; empty if no statement
    of the role allows the call at all.
    """

    finding: str
    role: str
    closed_by: str
    action: str
    resource: str
    context: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The name of the chain in results of tests."""
        role = self.role.rpartition("/")[2]
        return f"{self.finding}-{role}-{self.closed_by or 'not allowed'}-{self.action}"


def chains() -> Iterator[Chain]:
    """Yield all chains, by finding."""
    yield from _artifacts_and_approval()
    yield from _other_accounts()
    yield from _database()
    yield from _domain()
    yield from _images()
    yield from _environments()
    yield from _messages()
    yield from _alarms_and_logs()
    yield from _tags_and_trusts()
    yield from _roles()


def _artifacts_and_approval() -> Iterator[Chain]:
    template = f"{ARTIFACTS}/templates/CodeBuild/0123.yaml"
    yield Chain("1", "Infrastructure", "", "s3:PutObject", template, {"s3__if_none_match": "*"})
    zip_ = f"{ARTIFACTS}/releases/{ZIP_KEY}"
    yield Chain("1", "Infrastructure", "AddArtifacts", "s3:PutObject", zip_)
    yield Chain("2", "Plan", "", "cloudformation:CreateChangeSet", stack("service"), change_set())
    for role in sorted(CHANGES_STACKS):
        name = "service" if role == "UpdateServiceStack" else "network"
        yield Chain(
            "1",
            role,
            "DenyManualStacks",
            "cloudformation:DeleteStack",
            stack("pipeline"),
        )
        yield Chain(
            "2",
            role,
            "CreateChangeSets",
            "cloudformation:CreateChangeSet",
            stack(name),
            change_set(role=f"arn:aws:iam::{ACCOUNT}:role/Administrator"),
        )
        yield Chain(
            "low",
            role,
            "ExecuteChangeSets",
            "cloudformation:ExecuteChangeSet",
            stack(name),
            change_set("deploy-1"),
        )
        yield Chain(
            "3",
            role,
            "PassReleaseRole",
            "iam:PassRole",
            RELEASE_ROLE,
            {"iam__PassedToService": "lambda.amazonaws.com"},
        )


def _other_accounts() -> Iterator[Chain]:
    trusted = f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-users-x"
    yield Chain(
        "3",
        RELEASE,
        "GrantInvokeToServices",
        "lambda:AddPermission",
        FUNCTION,
        {"lambda__Principal": OTHER},
    )
    for action in ("iam:CreateRole", "iam:UpdateAssumeRolePolicy"):
        yield Chain("3", RELEASE, "WriteRolesWithBoundary", action, trusted)
    yield Chain(
        "3",
        RELEASE,
        "DenyArtifactBuckets",
        "s3:PutBucketPolicy",
        f"arn:aws:s3:::{PREFIX}-pipeline-{ACCOUNT}-{REGION}-an",
    )
    yield Chain("3", RELEASE, "", "s3:PutReplicationConfiguration", UPLOADS)
    for statement, action, resource in (
        ("ReadUploads", "s3:GetObject", f"{UPLOADS}/originals/x"),
        ("ListUploads", "s3:ListBucket", UPLOADS),
        ("WriteAvatars", "s3:PutObject", f"{AVATARS}/avatars/x"),
    ):
        foreign = {"aws__ResourceAccount": OTHER}
        yield Chain("3", "avatars/ThumbnailRole", statement, action, resource, foreign)
    yield Chain(
        "3",
        "avatars/UploadUrlRole",
        "WriteUploads",
        "s3:PutObject",
        f"{UPLOADS}/originals/x",
        {"aws__ResourceAccount": OTHER},
    )


def _database() -> Iterator[Chain]:
    for action in ("rds:CreateDBInstance", "rds:ModifyDBInstance"):
        unmanaged = {"rds__ManageMasterUserPassword": "false"}
        yield Chain("4", RELEASE, "DenyUnmanagedPasswords", action, DATABASE, unmanaged)
    public = {"rds__PubliclyAccessible": "true", "rds__ManageMasterUserPassword": "true"}
    yield Chain("4", RELEASE, "DenyPublicDatabases", "rds:CreateDBInstance", DATABASE, public)
    snapshot = f"arn:aws:rds:{REGION}:{ACCOUNT}:snapshot:{PREFIX}-x"
    yield Chain("4", RELEASE, "", "rds:ModifyDBSnapshotAttribute", snapshot)


def _domain() -> Iterator[Chain]:
    key = "route53__ChangeResourceRecordSets"
    for types, name in (("MX", "cruddur.example"), ("TXT", "cruddur.example"), ("A", "mail.x")):
        records = {f"{key}RecordTypes": [types], f"{key}NormalizedRecordNames": [name]}
        yield Chain(
            "5", RELEASE, "ChangeDnsRecords", "route53:ChangeResourceRecordSets", ZONE, records
        )


def _images() -> Iterator[Chain]:
    for role in ("Test", "Plan", "Infrastructure"):
        yield Chain("6", role, "", "ecr:PutImage", REPOSITORY)
    yield Chain("6", "Image", "", "ecr:PutImage", REPOSITORY.replace("backend", "other"))


def _environments() -> Iterator[Chain]:
    """Yield calls for resources of another environment or project in the account."""
    for role in (RELEASE, MADE, "Diff", "Plan", "Infrastructure", "UpdateServiceStack"):
        action, resource = {
            RELEASE: ("lambda:UpdateFunctionCode", FUNCTION),
            MADE: ("sqs:SendMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{PREFIX}-two-x"),
        }.get(role, ("cloudformation:GetTemplate", stack("service")))
        for key, sid in (("env", "DenyOtherEnvironments"), ("project", "DenyOtherProjects")):
            yield Chain("7", role, sid, action, resource, {f"aws__ResourceTag/{key}": "other"})
    yield Chain(
        "7",
        RELEASE,
        "CreateResources",
        "cognito-idp:CreateUserPool",
        "*",
        {"aws__RequestedRegion": "ap-south-1"},
    )
    yield Chain(
        "7",
        RELEASE,
        "ManageEventSourceMappings",
        "lambda:CreateEventSourceMapping",
        "*",
        {"lambda__FunctionArn": FUNCTION.replace(PREFIX, "crd-dev")},
    )
    for role in (*IN_VPC, MADE):
        for sid, action, resource in (
            ("ManageNetworkInterfaces", "ec2:DeleteNetworkInterface", NETWORK_INTERFACE),
            ("DescribeNetwork", "ec2:DescribeSubnets", "*"),
        ):
            yield Chain("7", role, sid, action, resource, {"lambda__SourceFunctionArn": FUNCTION})


def _messages() -> Iterator[Chain]:
    for action in ("dynamodb:PutItem", "dynamodb:DeleteItem"):
        message = {"dynamodb__LeadingKeys": ["MSG#1"]}
        yield Chain("9", STREAM, "ReplaceConversations", action, TABLE, message)
    yield Chain("10", "service/TaskRole", "", "dynamodb:DeleteItem", TABLE)
    yield Chain("10", "service/TaskRole", "", "dynamodb:Scan", TABLE)


def _alarms_and_logs() -> Iterator[Chain]:
    alarm = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{PREFIX}-x"
    stop = {"cloudwatch__AlarmActions": [f"arn:aws:automate:{REGION}:ec2:terminate"]}
    yield Chain("12", RELEASE, "DenyOtherAlarmActions", "cloudwatch:PutMetricAlarm", alarm, stop)
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:{PREFIX}-foundation-Alerts-1A2B"
    yield Chain("12", RELEASE, "DenyAlertTopic", "sns:Subscribe", topic)
    group = PIPELINE_LOG.partition(":log-stream")[0]
    yield Chain("12", RELEASE, "DenyPipelineLogs", "logs:DeleteLogGroup", group)
    yield Chain("12", MADE, "DenyPipelineLogs", "logs:PutLogEvents", PIPELINE_LOG)
    yield Chain(
        "12",
        "VerifyService",
        "SubscribeWebhook",
        "sns:Subscribe",
        f"arn:aws:sns:{REGION}:{ACCOUNT}:{PREFIX}-assets-AvatarTopic-1A2B",
        {"sns__Protocol": "https", "sns__Endpoint": "https://attacker.example"},
    )
    yield Chain(
        "12",
        "VerifyService",
        "ListTasks",
        "ecs:ListTasks",
        "*",
        {"ecs__cluster": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/other"},
    )


def _tags_and_trusts() -> Iterator[Chain]:
    tagged = {
        "aws__RequestTag/project": "cruddur",
        "aws__RequestTag/env": "prod",
        "aws__ResourceTag/project": "cruddur",
    }
    yield Chain("low", RELEASE, "TagNewResources", "ec2:CreateTags", "*", tagged)
    untagged = {"aws__RequestedRegion": "ca-central-1"}
    yield Chain("low", RELEASE, "UpdateTaggedResources", "ec2:DeleteVpc", "*", untagged)
    definition = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{PREFIX}-backend-flask:1"
    created = {"ecs__CreateAction": "CreateService"}
    yield Chain(
        "low", "PipelineRole", "TagNewTaskDefinition", "ecs:TagResource", definition, created
    )


def _roles() -> Iterator[Chain]:
    to_builds = {"iam__PassedToService": "codebuild.amazonaws.com"}
    yield Chain(
        "3",
        RELEASE,
        "PassRoles",
        "iam:PassRole",
        f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-users-x",
        to_builds,
    )
    yield Chain(
        "3",
        "PipelineRole",
        "PassTaskRoles",
        "iam:PassRole",
        arn_of(f"{PREFIX}-service", "ExecutionRole"),
        to_builds,
    )
    yield Chain(
        "3",
        RELEASE,
        "CreateServiceLinkedRoles",
        "iam:CreateServiceLinkedRole",
        f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.amazonaws.com/x",
        {"iam__AWSServiceName": "organizations.amazonaws.com"},
    )
    # The names of roles of `users` also match a stack such as `users-foundation`.
    yield Chain(
        "3",
        RELEASE,
        "DenyRolesOfManualStacks",
        "iam:UpdateAssumeRolePolicy",
        RELEASE_ROLE,
        {"iam__PermissionsBoundary": BOUNDARY},
    )
