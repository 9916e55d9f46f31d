"""The release role has the permissions that CloudFormation's registry lists for its resources."""

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.stacks.templates import text

# The stacks that only an administrator deploys.
MANUAL_STACKS = {"foundation", "pipeline", "site-publisher"}

# Permissions that the registry lists for types of a release, and why a release does not need them.
NOT_NEEDED = {
    "acm-pca:": "certificates are public",
    "apigateway:TagResource": "no such action: it is PUT of the tags",
    "apigateway:UntagResource": "no such action: it is DELETE of the tags",
    "application-autoscaling:DeleteScheduledAction": "no scheduled scaling",
    "application-autoscaling:PutScheduledAction": "no scheduled scaling",
    "autoloop:AllowVendedLogDeliveryForResource": "only distributions deliver logs",
    "autoscaling:DescribeTags": "flow logs of a VPC have no instances",
    "cloudfront:CreateConnectionGroup": "no distribution has tenants",
    "cloudfront:CreateDistributionWithTags": "no such action: it is CreateDistribution",
    "cloudfront:GetConnectionGroup": "no distribution has tenants",
    "cloudfront:GetVpcOrigin": "origins are buckets",
    "cloudfront:UpdateDistributionWithStagingConfig": "no distribution is for staging",
    "cloudwatch:GetMetricData": "no scaling policy has a customized metric",
    "codewhisperer:AllowVendedLogDeliveryForResource": "only distributions deliver logs",
    "cognito-idp:AddCustomAttributes": "attributes are standard",
    "dynamodb:AssociateTableReplica": "no replicas",
    "dynamodb:BatchWriteItem": "no replicas: CloudFormation reads and writes no items",
    "dynamodb:CreateTableReplica": "no replicas",
    "dynamodb:DeleteItem": "no replicas: CloudFormation reads and writes no items",
    "dynamodb:DeleteResourcePolicy": "no resource policy",
    "dynamodb:DescribeImport": "no table is imported",
    "dynamodb:DisableKinesisStreamingDestination": "no Kinesis stream",
    "dynamodb:EnableKinesisStreamingDestination": "no Kinesis stream",
    "dynamodb:GetItem": "no replicas: CloudFormation reads and writes no items",
    "dynamodb:ImportTable": "no table is imported",
    "dynamodb:PutItem": "no replicas: CloudFormation reads and writes no items",
    "dynamodb:PutResourcePolicy": "no resource policy",
    "dynamodb:Query": "no replicas: CloudFormation reads and writes no items",
    "dynamodb:Scan": "no replicas: CloudFormation reads and writes no items",
    "dynamodb:UpdateContributorInsights": "never set",
    "dynamodb:UpdateItem": "no replicas: CloudFormation reads and writes no items",
    "dynamodb:UpdateKinesisStreamingDestination": "no Kinesis stream",
    "ec2:AcceptAddressTransfer": "addresses are allocated, not taken over",
    "ec2:AllocateIpamPoolCidr": "no IPAM",
    "ec2:AssignPrivateNatGatewayAddress": "a NAT gateway keeps its address",
    "ec2:AssociateAddress": "addresses belong to NAT gateways",
    "ec2:AssociateNatGatewayAddress": "a NAT gateway keeps its address",
    "ec2:AttachVpnGateway": "no VPN",
    "ec2:CreateVpcEncryptionControl": "not used",
    "ec2:DetachVpnGateway": "no VPN",
    "ec2:DisassociateNatGatewayAddress": "a NAT gateway keeps its address",
    "ec2:ModifyVpcTenancy": "tenancy stays the default",
    "ec2:UnassignPrivateNatGatewayAddress": "a NAT gateway keeps its address",
    "ecr:DeleteRepositoryPolicy": "no repository policy",
    "ecr:SetRepositoryPolicy": "no repository policy",
    "ecs:PutAccountSetting": "account settings are not part of a release",
    "elasticfilesystem:": "functions have no file system",
    "elasticloadbalancing:DeregisterTargets": "ECS registers its tasks",
    "elasticloadbalancing:ModifyCapacityReservation": "no reservation",
    "elasticloadbalancing:ModifyIpPools": "no IPAM",
    "elasticloadbalancing:RegisterTargets": "ECS registers its tasks",
    "firehose:": "logs stay in their log group",
    "iam:AttachRolePolicy": "roles have inline policies only",
    "iam:DeleteRolePermissionsBoundary": "a boundary is never removed",
    "iam:DetachRolePolicy": "roles have inline policies only",
    "iam:ListRoles": "a database has no roles",
    "kinesis:": "no Kinesis stream",
    "kms:CreateGrant": "keys are managed by AWS",
    "kms:Decrypt": "keys are managed by AWS",
    "kms:Encrypt": "keys are managed by AWS",
    "kms:GenerateDataKey": "keys are managed by AWS",
    "kms:ListAliases": "keys are managed by AWS",
    "kms:ReEncrypt": "keys are managed by AWS",
    "kms:RetireGrant": "keys are managed by AWS",
    "kms:RevokeGrant": "keys are managed by AWS",
    "lambda:AssociateRuntimeAlias": "a runtime is updated by AWS",
    "lambda:DeleteFunctionCodeSigningConfig": "code is not signed",
    "lambda:DeleteProvisionedConcurrencyConfig": "no provisioned concurrency",
    "lambda:GetCodeSigningConfig": "code is not signed",
    "lambda:GetLayerVersion": "no Lambda layers",
    "lambda:GetProvisionedConcurrencyConfig": "no provisioned concurrency",
    "lambda:PassCapacityProvider": "no capacity provider",
    "lambda:PublishVersion": "no versions are published",
    "lambda:PutFunctionCodeSigningConfig": "code is not signed",
    "lambda:PutFunctionRecursionConfig": "recursive loops are stopped by default",
    "lambda:PutFunctionScalingConfig": "no capacity provider",
    "lambda:PutProvisionedConcurrencyConfig": "no provisioned concurrency",
    "lambda:PutRuntimeManagementConfig": "a runtime is updated by AWS",
    "logs:AllowVendedLogDeliveryForResource": "only distributions deliver logs",
    "logs:AssociateKmsKey": "keys are managed by AWS",
    "logs:CreateLogStream": "no table is imported",
    "logs:DeleteDataProtectionPolicy": "no data protection policy",
    "logs:DeleteDeliveryDestinationPolicy": "no logs from other accounts",
    "logs:DeleteIndexPolicy": "no index",
    "logs:DeleteResourcePolicy": "no resource policy",
    "logs:DescribeLogStreams": "no table is imported",
    "logs:DisassociateKmsKey": "keys are managed by AWS",
    "logs:PutBearerTokenAuthentication": "not used",
    "logs:PutDataProtectionPolicy": "no data protection policy",
    "logs:PutDeliveryDestinationPolicy": "no logs from other accounts",
    "logs:PutIndexPolicy": "no index",
    "logs:PutLogEvents": "no table is imported",
    "logs:PutLogGroupDeletionProtection": "retained by its deletion policy",
    "rds:AddRoleToDBInstance": "a database has no roles",
    "rds:CreateDBInstanceReadReplica": "no read replica",
    "rds:PromoteReadReplica": "no read replica",
    "rds:RemoveRoleFromDBInstance": "a database has no roles",
    "rds:RestoreDBInstanceFromDBSnapshot": "an administrator restores",
    "rds:RestoreDBInstanceToPointInTime": "an administrator restores",
    "rds:StartDBInstanceAutomatedBackupsReplication": "backups stay in their region",
    "rds:StopDBInstanceAutomatedBackupsReplication": "backups stay in their region",
    "s3:CreateBucketMetadataTableConfiguration": "no metadata table",
    "s3:DeleteBucketAnalyticsConfiguration": "never set",
    "s3:DeleteBucketCors": "the permission is s3:PutBucketCORS",
    "s3:DeleteBucketEncryption": "never set",
    "s3:DeleteBucketLifecycle": "a bucket always has a lifecycle",
    "s3:DeleteBucketMetadataTableConfiguration": "no metadata table",
    "s3:DeleteBucketMetricsConfiguration": "never set",
    "s3:DeleteBucketReplication": "never set",
    "s3:DeleteBucketTagging": "the permission is s3:PutBucketTagging",
    "s3:DeleteBucketWebsite": "never set",
    "s3:DeleteObject": "CloudFormation does not empty buckets",
    "s3:GetBucketAbac": "not used",
    "s3:GetBucketAcl": "ACLs are disabled",
    "s3:GetBucketMetadataTableConfiguration": "no metadata table",
    "s3:GetObjectMetadata": "no table is imported",
    "s3:GetObjectVersion": "keys contain a digest, so there is one version",
    "s3:PutAccelerateConfiguration": "never set",
    "s3:PutAnalyticsConfiguration": "never set",
    "s3:PutBucketAbac": "not used",
    "s3:PutBucketAcl": "ACLs are disabled",
    "s3:PutBucketLogging": "never set",
    "s3:PutBucketObjectLockConfiguration": "never set",
    "s3:PutBucketReplication": "never set",
    "s3:PutBucketWebsite": "never set",
    "s3:PutEncryptionConfiguration": "S3 encrypts by default",
    "s3:PutIntelligentTieringConfiguration": "never set",
    "s3:PutInventoryConfiguration": "never set",
    "s3:PutMetricsConfiguration": "never set",
    "s3:PutObjectAcl": "ACLs are disabled",
    "s3:PutObjectLockConfiguration": "never set",
    "s3:PutReplicationConfiguration": "never set",
    "s3:REST.PUT.OBJECT": "no such action",
    "s3:UpdateBucketMetadata": "no metadata table",
    "s3:getObject": "no API is imported from a document",
    "s3files:": "functions have no file system",
    "s3tables:": "no metadata table",
    "sns:PutDataProtectionPolicy": "no data protection policy",
    "vpc-lattice:": "no service network",
    "vpce:AllowMultiRegion": "endpoints of this region only",
    "workmail:AllowVendedLogDeliveryForResource": "only distributions deliver logs",
}

# Permissions that a release needs and the registry does not list, and why.
ALSO_NEEDED = {
    "cloudfront:AllowVendedLogDeliveryForResource": "to create the log delivery of a distribution",
    "logs:GetLogDelivery": "to create the access log of an API",
    "logs:ListLogDeliveries": "to create the access log of an API",
    "logs:UpdateLogDelivery": "to create the access log of an API",
}

REGISTRY = Path(find_spec("cfnlint").origin).parent / "data" / "schemas"


@cache
def provider():
    """Return the schema of each resource type in the region."""
    return json.loads((REGISTRY / "providers" / "ca-central-1.json").read_text())


@cache
def registry(type_):
    """Return the schema of *type_* from cfn-lint's copy of CloudFormation's registry."""
    return json.loads((REGISTRY / "resources" / f"{provider()[type_]}.json").read_text())


def handler_permissions(type_):
    """Return the actions that the handlers of *type_* need."""
    schema = registry(type_)
    actions = {
        action
        for name, handler in schema["handlers"].items()
        if name != "list"
        for action in handler["permissions"]
    }
    return actions | set(schema["tagging"].get("permissions", ()))


def types_of_releases(emitted):
    """Return the types of all resources in the stacks of a release."""
    return {
        resource["Type"]
        for name, stack in emitted.items()
        if name not in MANUAL_STACKS
        for resource in stack.template["Resources"].values()
    }


def release_statements(emitted):
    """Return all statements of the release role."""
    policies = emitted["foundation"].of("AWS::IAM::ManagedPolicy")
    return [
        statement
        for title, policy in policies.items()
        if title.startswith("Release")
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def granted(emitted):
    """Return all actions that the release role is allowed, on any resource."""
    return {
        action
        for statement in release_statements(emitted)
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
    }


@pytest.fixture
def needed(all_stacks):
    """The actions that the registry lists for the resources of a release."""
    types = types_of_releases(all_stacks)
    return {action for type_ in types for action in handler_permissions(type_)}


def test_every_needed_action_is_allowed(all_stacks, needed):
    """An action that the registry lists is allowed, or NOT_NEEDED has a reason."""
    missing = {
        action
        for action in needed - granted(all_stacks)
        if not any(action.startswith(prefix) for prefix in NOT_NEEDED)
    }

    assert not missing


def test_no_other_action_is_allowed(all_stacks, needed):
    """No other action is allowed, so a removed resource type leaves no permission."""
    assert granted(all_stacks) - needed == set(ALSO_NEEDED)


def test_actions_that_are_not_needed_are_not_allowed(all_stacks):
    """No action of NOT_NEEDED is allowed."""
    assert not [
        action
        for action in granted(all_stacks)
        if any(action.startswith(prefix) for prefix in NOT_NEEDED)
    ]


def test_every_reason_is_still_needed(needed):
    """The table has no entry that the registry does not list."""
    assert not [
        prefix for prefix in NOT_NEEDED if not any(action.startswith(prefix) for action in needed)
    ]


def test_resources_that_are_allowed_by_tags_are_tagged_on_creation(all_stacks):
    """The types get their tags on creation; CloudFormation could not change others."""
    allowed_by_name = (
        *("DynamoDB", "ECR", "ECS", "IAM", "Lambda", "Logs", "RDS", "Route53", "S3", "SNS"),
        *("SQS", "SSM"),
    )
    allowed_by_kind = {  # AWS generates their ids, and they have no tags.
        "AWS::ApiGatewayV2::Authorizer",
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
        "AWS::CloudFront::CachePolicy",
        "AWS::CloudFront::OriginAccessControl",
        "AWS::CloudFront::ResponseHeadersPolicy",
    }
    part_of_another = {  # Their actions apply to the resource that contains them.
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::Cognito::UserPoolClient",
        "AWS::EC2::Route",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPCCidrBlock",
        "AWS::EC2::VPCGatewayAttachment",
    }

    untagged = {
        type_
        for type_ in types_of_releases(all_stacks)
        if type_.split("::")[1] not in allowed_by_name
        and not registry(type_)["tagging"].get("tagOnCreate")
    }

    assert part_of_another | allowed_by_kind == untagged


# Limits of the statements ------------------------------------------------------------------------

# Statements on `*` with a condition.
CONDITIONAL = {
    "CreateResources",
    "ManageEventSourceMappings",
    "TagNewResources",
    "UpdateTaggedResources",
}

# Statements on resources whose names do not start with the name of the environment.
OTHER_NAMES = {
    "ChangeDnsRecords",
    "CreateMasterPasswords",
    "CreateServiceLinkedRoles",
    "ManageApis",
    "ManageCloudFrontPolicies",
    "ManageImageParameters",
    "ReadDnsRecords",
    "ReadFunctionCode",
}


def test_every_statement_is_limited(emitted, config):
    """A statement has names or a condition, except for the one that describes resources."""
    for statement in release_statements(emitted):
        if statement["Effect"] == "Allow" and statement["Sid"] != "DescribeResources":
            on_all_resources = "*" in statement["Resource"]
            has_own_names = f"crd-{config.env.name}-" in text(statement)

            assert on_all_resources == (statement["Sid"] in CONDITIONAL)
            assert on_all_resources or has_own_names or statement["Sid"] in OTHER_NAMES
            assert not on_all_resources or statement["Condition"]


def statement_of(emitted, sid):
    """Return the only statement *sid* of the release role."""
    (found,) = (statement for statement in release_statements(emitted) if statement["Sid"] == sid)
    return found


def test_the_unlimited_statement_only_reads(emitted):
    """The only statement without a limit has actions that describe, get or list."""
    names = [
        action.partition(":")[2] for action in statement_of(emitted, "DescribeResources")["Action"]
    ]

    assert all(name.startswith(("Describe", "Get", "List")) for name in names)


def test_only_resources_with_the_tags_of_the_environment_are_changed(emitted, config):
    """Changes need the tags of the environment; resources with tags are not tagged again."""
    tags = {"project": "cruddur", "env": config.env.name}
    conditions = {
        statement["Sid"]: statement.get("Condition") for statement in release_statements(emitted)
    }

    assert {
        "StringEquals": {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    } == conditions["UpdateTaggedResources"]
    assert {
        "StringEquals": {f"aws:RequestTag/{key}": value for key, value in tags.items()},
        "Null": {f"aws:ResourceTag/{key}": "true" for key in tags},
    } == conditions["TagNewResources"]


def test_the_conditions_use_the_tags_of_the_deployer(emitted, config):
    """The deployer adds the tags `project` and `env` to every stack."""
    for stack in emitted.values():
        tags = stack.stack.tags

        assert ("cruddur", config.env.name) == (tags["project"], tags["env"])


def test_roles_are_written_only_with_the_boundary(emitted):
    """Only one statement creates or changes roles, with the boundary; none removes the boundary."""
    grant = statement_of(emitted, "WriteRolesWithBoundary")

    boundary = {"iam:PermissionsBoundary": {"Ref": "PermissionsBoundary"}}
    assert {"StringEquals": boundary} == grant["Condition"]
    assert set(grant["Action"]) == {
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "iam:PutRolePermissionsBoundary",
        "iam:UpdateAssumeRolePolicy",
    }
    assert not [
        statement["Sid"]
        for statement in release_statements(emitted)
        if statement is not grant
        and statement["Effect"] == "Allow"
        and {*grant["Action"]} & {*statement["Action"]}
    ]
    assert not {
        "iam:AttachRolePolicy",
        "iam:CreatePolicyVersion",
        "iam:DeleteRolePermissionsBoundary",
    } & granted(emitted)


def test_roles_are_passed_only_to_services_that_they_trust(all_stacks):
    """A release passes roles to exactly the services in the trust policies."""
    passing = statement_of(all_stacks, "PassRoles")

    trusted = {
        statement["Principal"]["Service"]
        for name, stack in all_stacks.items()
        if name not in MANUAL_STACKS
        for role in stack.of("AWS::IAM::Role").values()
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
    }

    assert trusted == set(passing["Condition"]["StringEquals"]["iam:PassedToService"])


def test_manual_stacks_are_denied(emitted, config):
    """Statements deny changes of manual stacks, which define the limits of a release."""
    roles, artifacts, alerts, logs = (
        statement_of(emitted, sid)
        for sid in (
            "DenyRolesOfManualStacks",
            "DenyArtifactBuckets",
            "DenyAlertTopic",
            "DenyPipelineLogs",
        )
    )

    prefix = f"crd-{config.env.name}"
    assert {statement["Effect"] for statement in (roles, artifacts, alerts, logs)} == {"Deny"}
    assert roles["Action"] == ["iam:*"]
    for kind in ("role", "policy"):
        for name in sorted(MANUAL_STACKS):
            assert f":{kind}/{prefix}-{name}-*" in text(roles["Resource"])
    assert artifacts["Resource"][0] == {"Fn::GetAtt": ["Artifacts", "Arn"]}
    assert f":{prefix}-pipeline-" in text(artifacts["Resource"][1])
    assert f":{prefix}-foundation-*" in text(alerts["Resource"])
    assert {"sns:Set*", "sns:Subscribe", "sns:Unsub*"} <= set(alerts["Action"])
    assert logs["Action"] == ["logs:*"]
    assert f":log-group:{prefix}-pipeline-*" in text(logs["Resource"])


def test_only_cloudformation_assumes_the_role(emitted):
    """The pipeline passes the role to CloudFormation; no user and no build can assume it."""
    role = emitted["foundation"].one("AWS::IAM::Role")

    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Principal"] == {"Service": "cloudformation.amazonaws.com"}
    assert "Policies" not in role


def test_a_release_cannot_read_the_master_password(all_stacks):
    """A release may create the secret of the master user, as RDS requires, but not read it."""
    passwords = statement_of(all_stacks, "CreateMasterPasswords")

    assert set(passwords["Action"]) == {"secretsmanager:CreateSecret", "secretsmanager:TagResource"}
    assert text(passwords["Resource"]).endswith(':secret:rds!db-*"}]')
    assert not [
        action
        for action in granted(all_stacks) - set(passwords["Action"])
        if action.startswith("secretsmanager:")
    ]


def test_policies_are_within_the_quotas_of_iam(emitted):
    """A managed policy has at most 6144 characters, and a role at most ten policies."""
    policies = emitted["foundation"].of("AWS::IAM::ManagedPolicy").values()
    role = emitted["foundation"].one("AWS::IAM::Role")

    assert all(
        len(json.dumps(policy["PolicyDocument"], separators=(",", ":"))) < 6144
        for policy in policies
    )
    assert len(role["ManagedPolicyArns"]) <= 10


def test_event_source_mappings_are_for_functions_of_the_environment(emitted, config):
    """A condition limits mappings, whose ids AWS generates, to functions of the environment."""
    mappings = statement_of(emitted, "ManageEventSourceMappings")

    function = (
        f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}"
        f":function:crd-{config.env.name}-messages-*"
    )
    assert {"ArnLike": {"lambda:FunctionArn": {"Fn::Sub": function}}} == mappings["Condition"]


def test_a_release_reads_objects_of_the_artifact_bucket_only(emitted):
    """A release can read objects of one bucket, from which Lambda reads code as the caller."""
    readers = [
        statement
        for statement in release_statements(emitted)
        if "s3:GetObject" in statement.get("Action", ())
    ]

    artifacts = {"Fn::Sub": ["${Bucket}/*", {"Bucket": {"Fn::GetAtt": ["Artifacts", "Arn"]}}]}
    assert [(["s3:GetObject"], [artifacts])] == [
        (statement["Action"], statement["Resource"]) for statement in readers
    ]
