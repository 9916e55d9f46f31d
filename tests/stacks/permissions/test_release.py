import json
from fnmatch import fnmatchcase
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.stacks.permissions.access import NamedWorld
from tests.stacks.templates import config_of, emit, text

# Layers that a person deploys; whatever else there is, the pipeline has to be able to.
BY_HAND = {"foundation", "pipeline", "site-publisher"}

# What the registry lists for these types, and why a release goes without.
NOT_NEEDED = {
    "acm-pca:": "certificates are public ones",
    "apigateway:TagResource": "no such action: it is PUT of the tags",
    "apigateway:UntagResource": "no such action: it is DELETE of the tags",
    "application-autoscaling:DeleteScheduledAction": "nothing scales by the clock",
    "application-autoscaling:PutScheduledAction": "nothing scales by the clock",
    "autoloop:AllowVendedLogDeliveryForResource": "distributions send logs, and nothing else",
    "autoscaling:DescribeTags": "flow logs of a VPC have no instances",
    "cloudfront:CreateConnectionGroup": "no distribution has tenants",
    "cloudfront:CreateDistributionWithTags": "no such action: it is CreateDistribution",
    "cloudfront:GetConnectionGroup": "no distribution has tenants",
    "cloudfront:GetVpcOrigin": "origins are buckets",
    "cloudfront:UpdateDistributionWithStagingConfig": "no distribution is for staging",
    "cloudwatch:GetMetricData": "no policy has a metric of its own",
    "codewhisperer:AllowVendedLogDeliveryForResource": "distributions send logs, and nothing else",
    "cognito-idp:AddCustomAttributes": "attributes are standard ones",
    "dynamodb:AssociateTableReplica": "no replicas",
    "dynamodb:BatchWriteItem": "no replicas: CloudFormation reads and writes no items",
    "dynamodb:CreateTableReplica": "no replicas",
    "dynamodb:DeleteItem": "no replicas: CloudFormation reads and writes no items",
    "dynamodb:DeleteResourcePolicy": "no resource policy",
    "dynamodb:DescribeImport": "no table is imported",
    "dynamodb:DisableKinesisStreamingDestination": "the stream is DynamoDB's own",
    "dynamodb:EnableKinesisStreamingDestination": "the stream is DynamoDB's own",
    "dynamodb:GetItem": "no replicas: CloudFormation reads and writes no items",
    "dynamodb:ImportTable": "no table is imported",
    "dynamodb:PutItem": "no replicas: CloudFormation reads and writes no items",
    "dynamodb:PutResourcePolicy": "no resource policy",
    "dynamodb:Query": "no replicas: CloudFormation reads and writes no items",
    "dynamodb:Scan": "no replicas: CloudFormation reads and writes no items",
    "dynamodb:UpdateContributorInsights": "never set",
    "dynamodb:UpdateItem": "no replicas: CloudFormation reads and writes no items",
    "dynamodb:UpdateKinesisStreamingDestination": "the stream is DynamoDB's own",
    "dynamodb:UpdateTimeToLive": "messages do not expire",
    "ec2:AcceptAddressTransfer": "addresses are allocated, not taken over",
    "ec2:AllocateIpamPoolCidr": "no IPAM",
    "ec2:AssignPrivateNatGatewayAddress": "a NAT gateway has one address for life",
    "ec2:AssociateAddress": "addresses belong to NAT gateways, not to instances",
    "ec2:AssociateNatGatewayAddress": "a NAT gateway has one address for life",
    "ec2:AttachVpnGateway": "no VPN",
    "ec2:CreateVpcEncryptionControl": "not used",
    "ec2:DetachVpnGateway": "no VPN",
    "ec2:DisassociateNatGatewayAddress": "a NAT gateway has one address for life",
    "ec2:ModifyVpcTenancy": "tenancy stays the default",
    "ec2:UnassignPrivateNatGatewayAddress": "a NAT gateway has one address for life",
    "ecr:DeleteRepositoryPolicy": "no repository policy",
    "ecr:SetRepositoryPolicy": "no repository policy",
    "ecs:PutAccountSetting": "a release does not set up the account",
    "elasticfilesystem:": "functions have no file system",
    "elasticloadbalancing:DeregisterTargets": "ECS registers its tasks",
    "elasticloadbalancing:ModifyCapacityReservation": "no reservation",
    "elasticloadbalancing:ModifyIpPools": "no IPAM",
    "elasticloadbalancing:RegisterTargets": "ECS registers its tasks",
    "firehose:": "logs stay in their group",
    "iam:AttachRolePolicy": "roles have their own policies only",
    "iam:DeleteRolePermissionsBoundary": "a boundary is never lifted",
    "iam:DetachRolePolicy": "roles have their own policies only",
    "iam:ListRoles": "a database has no roles",
    "kinesis:": "the stream is DynamoDB's own",
    "kms:CreateGrant": "keys are those of AWS",
    "kms:Decrypt": "keys are those of AWS",
    "kms:Encrypt": "keys are those of AWS",
    "kms:GenerateDataKey": "keys are those of AWS",
    "kms:ListAliases": "keys are those of AWS",
    "kms:ReEncrypt": "keys are those of AWS",
    "kms:RetireGrant": "keys are those of AWS",
    "kms:RevokeGrant": "keys are those of AWS",
    "lambda:AssociateRuntimeAlias": "a function has the newest runtime of its version",
    "lambda:DeleteFunctionCodeSigningConfig": "code is named by its digest, and not signed",
    "lambda:DeleteProvisionedConcurrencyConfig": "services scale, and no function",
    "lambda:GetCodeSigningConfig": "code is named by its digest, and not signed",
    "lambda:GetLayerVersion": "all that a function needs is in its zip",
    "lambda:GetProvisionedConcurrencyConfig": "services scale, and no function",
    "lambda:PassCapacityProvider": "functions run on Lambda's own machines",
    "lambda:PublishVersion": "the newest code is the only one",
    "lambda:PutFunctionCodeSigningConfig": "code is named by its digest, and not signed",
    "lambda:PutFunctionRecursionConfig": "Lambda stops a loop, which is the default",
    "lambda:PutFunctionScalingConfig": "functions run on Lambda's own machines",
    "lambda:PutProvisionedConcurrencyConfig": "services scale, and no function",
    "lambda:PutRuntimeManagementConfig": "a function has the newest runtime of its version",
    "logs:AllowVendedLogDeliveryForResource": "distributions send logs, and nothing else",
    "logs:AssociateKmsKey": "keys are those of AWS",
    "logs:CreateLogStream": "no table is imported",
    "logs:DeleteDataProtectionPolicy": "no data protection policy",
    "logs:DeleteDeliveryDestinationPolicy": "logs come from this account only",
    "logs:DeleteIndexPolicy": "no index",
    "logs:DeleteResourcePolicy": "no resource policy",
    "logs:DescribeLogStreams": "no table is imported",
    "logs:DisassociateKmsKey": "keys are those of AWS",
    "logs:PutBearerTokenAuthentication": "not used",
    "logs:PutDataProtectionPolicy": "no data protection policy",
    "logs:PutDeliveryDestinationPolicy": "logs come from this account only",
    "logs:PutIndexPolicy": "no index",
    "logs:PutLogEvents": "no table is imported",
    "logs:PutLogGroupDeletionProtection": "retained by its deletion policy",
    "rds:AddRoleToDBInstance": "a database has no roles",
    "rds:CreateDBInstanceReadReplica": "no read replica",
    "rds:PromoteReadReplica": "no read replica",
    "rds:RemoveRoleFromDBInstance": "a database has no roles",
    "rds:RestoreDBInstanceFromDBSnapshot": "a person restores",
    "rds:RestoreDBInstanceToPointInTime": "a person restores",
    "rds:StartDBInstanceAutomatedBackupsReplication": "backups stay in their region",
    "rds:StopDBInstanceAutomatedBackupsReplication": "backups stay in their region",
    "s3:CreateBucketMetadataTableConfiguration": "no metadata table",
    "s3:DeleteBucketAnalyticsConfiguration": "never set",
    "s3:DeleteBucketCors": "the right is that of PutBucketCORS",
    "s3:DeleteBucketEncryption": "never set",
    "s3:DeleteBucketLifecycle": "a bucket always has a lifecycle",
    "s3:DeleteBucketMetadataTableConfiguration": "no metadata table",
    "s3:DeleteBucketMetricsConfiguration": "never set",
    "s3:DeleteBucketReplication": "never set",
    "s3:DeleteBucketTagging": "the right is that of PutBucketTagging",
    "s3:DeleteBucketWebsite": "never set",
    "s3:DeleteObject": "CloudFormation empties nothing",
    "s3:GetBucketAbac": "not used",
    "s3:GetBucketAcl": "access lists are off",
    "s3:GetBucketMetadataTableConfiguration": "no metadata table",
    "s3:GetObjectMetadata": "no table is imported",
    "s3:GetObjectVersion": "code is named by its digest, so there is one version",
    "s3:PutAccelerateConfiguration": "never set",
    "s3:PutAnalyticsConfiguration": "never set",
    "s3:PutBucketAbac": "not used",
    "s3:PutBucketAcl": "access lists are off",
    "s3:PutBucketLogging": "never set",
    "s3:PutBucketObjectLockConfiguration": "never set",
    "s3:PutBucketReplication": "never set",
    "s3:PutBucketWebsite": "never set",
    "s3:PutEncryptionConfiguration": "S3's own, which is the default",
    "s3:PutIntelligentTieringConfiguration": "never set",
    "s3:PutInventoryConfiguration": "never set",
    "s3:PutMetricsConfiguration": "never set",
    "s3:PutObjectAcl": "access lists are off",
    "s3:PutObjectLockConfiguration": "never set",
    "s3:PutReplicationConfiguration": "never set",
    "s3:REST.PUT.OBJECT": "no such action",
    "s3:UpdateBucketMetadata": "no metadata table",
    "s3:getObject": "an API is not read from a document",
    "s3files:": "functions have no file system",
    "s3tables:": "no metadata table",
    "sns:PutDataProtectionPolicy": "no data protection policy",
    "vpc-lattice:": "no service network",
    "vpce:AllowMultiRegion": "endpoints of this region only",
    "workmail:AllowVendedLogDeliveryForResource": "distributions send logs, and nothing else",
}

# What a release needs that the registry does not list.
ALSO_NEEDED = {
    "cloudfront:AllowVendedLogDeliveryForResource": "asked of whoever has a distribution logged",
    "logs:GetLogDelivery": "asked of whoever has an API logged",
    "logs:ListLogDeliveries": "asked of whoever has an API logged",
    "logs:UpdateLogDelivery": "asked of whoever has an API logged",
}

REGISTRY = Path(find_spec("cfnlint").origin).parent / "data" / "schemas"


@cache
def provider():
    """Which schema each type has."""
    return json.loads((REGISTRY / "providers" / "ca-central-1.json").read_text())


@cache
def registry(type_):
    """What CloudFormation's registry says of *type_*; cfn-lint carries a copy."""
    return json.loads((REGISTRY / "resources" / f"{provider()[type_]}.json").read_text())


def wanted(type_):
    """The actions that the handlers of *type_* call."""
    schema = registry(type_)
    called = {
        action
        for name, handler in schema["handlers"].items()
        if name != "list"
        for action in handler["permissions"]
    }
    return called | set(schema["tagging"].get("permissions", ()))


def types_of_releases(emitted):
    """Every type of resource that a release may have to make."""
    return {
        resource["Type"]
        for layer, one in emitted.items()
        if layer not in BY_HAND
        for resource in one.template["Resources"].values()
    }


def release_statements(emitted):
    """Every statement of the release role's policies."""
    policies = emitted["foundation"].of("AWS::IAM::ManagedPolicy")
    return [
        statement
        for title, policy in policies.items()
        if title.startswith("Release")
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def granted(emitted):
    """Every action that a release may do, one way or another."""
    return {
        action
        for statement in release_statements(emitted)
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
    }


@pytest.fixture
def everything():
    """The environment with every kind of resource in it: prod, with all logs, and a shell.

    A shell is refused where the environment is protected.
    """
    config = config_of("prod")
    env = replace(config.env, protect=False)
    cluster = replace(config.cluster, access_logs=True)
    cdn = replace(config.cdn, access_logs=True)
    service = replace(config.service, exec=True, secrets=("ROLLBAR_ACCESS_TOKEN",))
    verifier = replace(service, name="verifier", image="verifier", port=5555)
    changes = {"env": env, "cluster": cluster, "cdn": cdn, "service": service}
    return emit(replace(config, **changes, verifier=verifier))


def test_a_release_may_do_all_that_its_resources_need(everything):
    """Whatever the registry lists is granted, or there is a reason why not."""
    needed = {action for type_ in types_of_releases(everything) for action in wanted(type_)}

    missing = {
        action
        for action in needed - granted(everything)
        if not any(action.startswith(prefix) for prefix in NOT_NEEDED)
    }

    assert not missing


def test_a_release_may_do_nothing_else(everything):
    """What no resource needs is granted to nobody."""
    needed = {action for type_ in types_of_releases(everything) for action in wanted(type_)}

    assert granted(everything) - needed == set(ALSO_NEEDED)


def test_what_has_a_reason_to_be_left_out_is_left_out(everything):
    """The registry lists more than we use, so being listed there is not enough."""
    assert not [
        action
        for action in granted(everything)
        if any(action.startswith(prefix) for prefix in NOT_NEEDED)
    ]


def test_what_is_not_needed_is_still_listed_by_the_registry(everything):
    """A reason that nothing needs any more has to go."""
    needed = {action for type_ in types_of_releases(everything) for action in wanted(type_)}

    assert not [
        prefix for prefix in NOT_NEEDED if not any(action.startswith(prefix) for action in needed)
    ]


def test_whatever_a_release_changes_by_its_tags_has_tags(everything):
    """A type that cannot be tagged when it is made would be out of reach right after."""
    by_name = ("DynamoDB", "ECR", "ECS", "IAM", "Lambda", "Logs", "RDS", "Route53", "S3", "SNS")
    by_name += ("SQS", "SSM")
    by_kind = {  # AWS names them, and they cannot be tagged: the kind is all that limits.
        "AWS::ApiGatewayV2::Authorizer",
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
        "AWS::CloudFront::CachePolicy",
        "AWS::CloudFront::OriginAccessControl",
        "AWS::CloudFront::ResponseHeadersPolicy",
    }
    part_of_another = {  # Its actions are on what it is part of, which is tagged.
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::Cognito::UserPoolClient",
        "AWS::EC2::Route",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPCCidrBlock",
        "AWS::EC2::VPCGatewayAttachment",
    }

    untagged = {
        type_
        for type_ in types_of_releases(everything)
        if type_.split("::")[1] not in by_name and not registry(type_)["tagging"].get("tagOnCreate")
    }

    assert part_of_another | by_kind == untagged


def test_every_right_has_a_limit(emitted, config):
    """A name or a condition; only looking around has neither."""
    own = f"crd-{config.env.name}-"

    for statement in release_statements(emitted):
        if statement["Effect"] == "Allow" and statement["Sid"] != "DescribeResources":
            everywhere = "*" in statement["Resource"]
            assert everywhere == (
                statement["Sid"]
                in {
                    "CreateResources",
                    "UpdateTaggedResources",
                    "TagNewResources",
                    "ManageEventSourceMappings",
                }
            )
            assert (
                everywhere
                or own in text(statement)
                or statement["Sid"]
                in {
                    "ManageApis",
                    "ReadFunctionCode",
                    "ManageCloudFrontPolicies",
                    "CreateMasterPasswords",
                    "ReadDnsRecords",
                    "ChangeDnsRecords",
                    "ManageImageParameters",
                    "CreateServiceLinkedRoles",
                }
            )
            assert not everywhere or statement["Condition"]


def test_looking_around_changes_nothing(emitted):
    """The one statement without a limit reads."""
    (look,) = (one for one in release_statements(emitted) if one["Sid"] == "DescribeResources")

    assert all(
        action.partition(":")[2].startswith(("Describe", "Get", "List"))
        for action in look["Action"]
    )


def test_only_what_carries_the_tags_of_the_environment_is_changed(emitted, config):
    """And nothing that carries those of another one can be given them."""
    ours = {"project": "cruddur", "env": config.env.name}
    conditions = {one["Sid"]: one.get("Condition") for one in release_statements(emitted)}

    assert {
        "StringEquals": {f"aws:ResourceTag/{key}": value for key, value in ours.items()}
    } == conditions["UpdateTaggedResources"]
    assert {
        "StringEquals": {f"aws:RequestTag/{key}": value for key, value in ours.items()},
        "Null": {f"aws:ResourceTag/{key}": "true" for key in ours},
    } == conditions["TagNewResources"]


def test_the_tags_are_those_the_deployer_gives(emitted, config):
    """A condition on another word would lock every release out."""
    for layer in emitted.values():
        assert ("cruddur", config.env.name) == (
            layer.stack.tags["project"],
            layer.stack.tags["env"],
        )


def test_roles_are_made_under_the_boundary_only(emitted):
    """And nothing lifts it again."""
    (grant,) = (
        one for one in release_statements(emitted) if one["Sid"] == "WriteRolesWithBoundary"
    )

    assert {"StringEquals": {"iam:PermissionsBoundary": {"Ref": "PermissionsBoundary"}}} == grant[
        "Condition"
    ]
    assert {
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "iam:PutRolePermissionsBoundary",
        "iam:UpdateAssumeRolePolicy",
    } == set(grant["Action"])
    assert not [
        one["Sid"]
        for one in release_statements(emitted)
        if one is not grant and one["Effect"] == "Allow" and {*grant["Action"]} & {*one["Action"]}
    ]
    assert not {
        "iam:AttachRolePolicy",
        "iam:CreatePolicyVersion",
        "iam:DeleteRolePermissionsBoundary",
    } & granted(emitted)


def roles_of_releases(emitted):
    """Every role that a release may have to make."""
    return [
        role
        for layer, one in emitted.items()
        if layer not in BY_HAND
        for role in one.of("AWS::IAM::Role").values()
    ]


def test_every_role_has_the_boundary(everything):
    """Else a release could not make it."""
    roles = roles_of_releases(everything)

    assert roles
    for role in roles:
        assert {"Fn::ImportValue": "crd-prod-foundation-Boundary"} == role["PermissionsBoundary"]


def test_no_role_is_named_by_us(emitted):
    """CloudFormation names them: two of one name would be in each other's way (defect 22)."""
    named = [
        (layer, title)
        for layer, stack in emitted.items()
        for type_ in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy")
        for title, properties in stack.of(type_).items()
        if {"RoleName", "ManagedPolicyName"} & properties.keys()
    ]

    assert [] == named


def rights(world, stack, found):
    """Each action and resource that *found* statements allow, and on what condition."""
    return {
        (action, resource, json.dumps(statement.get("Condition")))
        for statement in world.resolved(found, stack)
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
        for resource in statement["Resource"]
    }


@pytest.fixture
def most_and_given(everything):
    """The rights of the boundary, and those of all roles under it."""
    world = NamedWorld({one.stack.name: one.template for one in everything.values()})
    limit = everything["foundation"].of("AWS::IAM::ManagedPolicy")["PermissionsBoundary"]
    given = [
        right
        for layer, one in everything.items()
        if layer not in BY_HAND
        for role in one.of("AWS::IAM::Role").values()
        for policy in role["Policies"]
        for right in rights(world, one.stack.name, policy["PolicyDocument"]["Statement"])
    ]
    return rights(world, "crd-prod-foundation", limit["PolicyDocument"]["Statement"]), given


def covers(most, given):
    """Whether the right *most* of the boundary lets the right *given* of a role through."""
    action, pattern, condition = most
    allowed = given[0] == action and fnmatchcase(given[1], pattern)
    return allowed and condition in {"null", given[2]}


def test_the_boundary_is_no_tighter_than_the_roles(most_and_given):
    """What a role is given and its boundary forbids would fail only when it runs."""
    most, given = most_and_given

    assert given
    assert not [right for right in given if not any(covers(one, right) for one in most)]


def test_the_boundary_is_no_wider_than_the_roles(most_and_given):
    """What no role needs, none can be given."""
    most, given = most_and_given

    assert not [one for one in most if not any(covers(one, right) for right in given)]


def test_no_role_reaches_the_artifacts(most_and_given):
    """They are the code of the functions, and a release could not tell who had changed it."""
    most, _ = most_and_given

    artifacts = "arn:aws:s3:::crd-prod-artifacts-123456789012-eu-central-1-an/code.zip"

    assert not [
        pattern for _, pattern, _ in most if pattern != "*" and fnmatchcase(artifacts, pattern)
    ]


def test_a_role_is_passed_only_to_a_service_that_may_take_it(everything):
    """As many services as there are in the trust of roles, and no other."""
    (passing,) = (one for one in release_statements(everything) if one["Sid"] == "PassRoles")

    trusted = {
        statement["Principal"]["Service"]
        for role in roles_of_releases(everything)
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
    }

    assert trusted == set(passing["Condition"]["StringEquals"]["iam:PassedToService"])


def test_a_release_leaves_the_foundation_and_the_pipeline_alone(emitted, config):
    """Their names match, and they are its limits."""
    denied = [one for one in release_statements(emitted) if one["Effect"] == "Deny"]

    roles, artifacts, alerts, logs = denied[:4]

    assert ["iam:*"] == roles["Action"]
    for kind in ("role", "policy"):
        for layer in sorted(BY_HAND):
            assert f":{kind}/crd-{config.env.name}-{layer}-*" in text(roles["Resource"])
    assert {"Fn::GetAtt": ["Artifacts", "Arn"]} == artifacts["Resource"][0]
    assert f":crd-{config.env.name}-pipeline-" in text(artifacts["Resource"][1])
    assert f":crd-{config.env.name}-foundation-*" in text(alerts["Resource"])
    assert {"sns:Set*", "sns:Subscribe", "sns:Unsub*"} <= set(alerts["Action"])
    assert ["logs:*"] == logs["Action"]
    assert f":log-group:crd-{config.env.name}-pipeline-*" in text(logs["Resource"])


def test_only_cloudformation_takes_the_role(emitted):
    """The pipeline passes it; nobody can be it."""
    role = emitted["foundation"].one("AWS::IAM::Role")

    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]

    assert {"Service": "cloudformation.amazonaws.com"} == trust["Principal"]
    assert "Policies" not in role


def test_a_release_reads_no_password(everything):
    """RDS makes the master's, in the name of whoever makes the database; nobody is shown it."""
    (passwords,) = (
        one for one in release_statements(everything) if one["Sid"] == "CreateMasterPasswords"
    )

    assert {"secretsmanager:CreateSecret", "secretsmanager:TagResource"} == set(passwords["Action"])
    assert text(passwords["Resource"]).endswith(':secret:rds!db-*"}]')
    assert not [
        action
        for action in granted(everything) - set(passwords["Action"])
        if action.startswith("secretsmanager:")
    ]


def test_policies_are_as_long_as_iam_takes(emitted):
    """6144 characters a policy, ten policies a role."""
    policies = emitted["foundation"].of("AWS::IAM::ManagedPolicy").values()
    role = emitted["foundation"].one("AWS::IAM::Role")

    assert all(
        len(json.dumps(one["PolicyDocument"], separators=(",", ":"))) < 6144 for one in policies
    )
    assert len(role["ManagedPolicyArns"]) <= 10


def test_a_release_feeds_its_own_functions_only(emitted, config):
    """AWS names what feeds a function; the function has the name of its stack."""
    (sources,) = (
        one for one in release_statements(emitted) if one["Sid"] == "ManageEventSourceMappings"
    )

    function = (
        f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}"
        f":function:crd-{config.env.name}-messages-*"
    )
    assert {"ArnLike": {"lambda:FunctionArn": {"Fn::Sub": function}}} == sources["Condition"]


def test_a_release_reads_artifacts_and_nothing_else(emitted):
    """Lambda fetches the code of a function in the name of whoever makes it."""
    readers = [
        one for one in release_statements(emitted) if "s3:GetObject" in one.get("Action", ())
    ]

    artifacts = {"Fn::Sub": ["${Bucket}/*", {"Bucket": {"Fn::GetAtt": ["Artifacts", "Arn"]}}]}
    assert [(["s3:GetObject"], [artifacts])] == [
        (one["Action"], one["Resource"]) for one in readers
    ]
