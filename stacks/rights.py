"""What CloudFormation may do for the pipeline, and the most that a role it makes may ever do.

The pipeline hands a change set to CloudFormation, and CloudFormation carries it out with these
rights and no others. They reach what this environment owns: by name where names can be chosen
(`crd-dev-*`), by the tags of the stack where AWS chooses them, and never the foundation and the
pipeline themselves, which a person deploys.

A layer with a new kind of resource adds its actions to a subject below, or a subject; a layer
with a role adds to `boundary` the most its role may do, and to `SERVICES` who takes it.
tests/stacks/test_rights.py compares all of it with what CloudFormation's own registry says that
each type of resource needs: it names what is missing and what is too much.
"""

from __future__ import annotations

from collections.abc import Sequence

from awacs import (
    acm,
    cloudfront,
    dynamodb,
    ec2,
    ecr,
    ecs,
    iam,
    kms,
    logs,
    rds,
    route53,
    s3,
    secretsmanager,
    servicediscovery,
    sns,
)
from awacs import cognito_idp as cognito
from awacs import elasticloadbalancing as elb
from awacs.aws import (
    Action,
    Allow,
    Condition,
    Deny,
    Null,
    PolicyDocument,
    Statement,
    StringEquals,
)
from troposphere import Sub

from deployer.stack import Env, Value
from stacks.parts import arn, own

CLOUDFRONT_REGION = "us-east-1"  # Also where AWS says that IAM and Route 53 are.

# Who may be given the roles of this environment.
SERVICES = ["vpc-flow-logs.amazonaws.com"]


def boundary(env: Env) -> PolicyDocument:
    """The most a role of this environment can do, whatever its own policies say."""
    return PolicyDocument(
        Version="2012-10-17",
        Statement=[
            _on(
                "WriteLogs",
                [
                    logs.CreateLogStream,
                    logs.DescribeLogStreams,
                    logs.PutLogEvents,
                ],
                arn("logs", f"log-group:{own(env, '*')}"),
            ),
            _on("FindLogGroups", [logs.DescribeLogGroups], "*"),  # It takes no narrower resource.
        ],
    )


def of_releases(env: Env, *, boundary: Value, artifacts: Value) -> dict[str, list[Statement]]:
    """The rights by subject: each becomes a managed policy, since one alone would be too long."""
    return {
        "Look": [_on("Look", LOOK, "*")],
        "Network": [_make(env, MAKE_NETWORK), _change(env, CHANGE_NETWORK)],
        "Traffic": [
            _make(env, MAKE_TRAFFIC),
            _change(env, CHANGE_TRAFFIC),
            _on("Records", RECORDS, Sub(f"arn:${{AWS::Partition}}:route53:::{_zone(env)}")),
        ],
        "Tags": [_claim(env, TAG), _change(env, [*TAG, *UNTAG])],
        "Named": [
            _on("Clusters", CLUSTERS, arn("ecs", f"cluster/{own(env, '*')}")),
            _on("Images", IMAGES, arn("ecr", f"repository/{own(env, '*')}")),
            _on(
                "Logs",
                LOGS,
                arn("logs", f"log-group:{own(env, '*')}"),
                arn("logs", f"log-group:/aws/rds/instance/{own(env, '*')}"),
            ),
            _on("Buckets", BUCKETS, Sub(f"arn:${{AWS::Partition}}:s3:::{own(env, '*')}")),
        ],
        "Data": [
            _make(env, MAKE_DATA),
            _change(env, CHANGE_DATA),
            _on(
                "Databases",
                DATABASES,
                *(arn("rds", f"{kind}:{own(env, '*')}") for kind in RDS_KINDS),
            ),
            _on("MasterPasswords", MASTER_PASSWORDS, arn("secretsmanager", "secret:rds!db-*")),
            _on("Tables", TABLES, arn("dynamodb", f"table/{own(env, '*')}")),
            _on("Topics", TOPICS, arn("sns", own(env, "*"))),
        ],
        "Edge": [
            _make(env, MAKE_EDGE),
            _change(env, CHANGE_EDGE),
            _on("EdgeFunctions", EDGE_FUNCTIONS, arn("cloudfront", f"function/{own(env, '*')}")),
            _on("EdgeSettings", EDGE_SETTINGS, *(arn("cloudfront", f"{k}/*") for k in EDGE_KINDS)),
            _on("LogDeliveries", LOG_DELIVERIES, *_deliveries(env)),
        ],
        "Roles": [
            _grant(env, boundary),
            _on("ManageRoles", ROLES, arn("iam", f"role/{own(env, '*')}")),
            _pass_roles(env),
            _service_linked_roles(),
        ],
        "HandsOff": [
            _not_the_foundation(env),
            _not_the_artifacts(artifacts),
            _not_the_alerts(env),
        ],
    }


LOOK = [
    acm.DescribeCertificate,
    acm.ListTagsForCertificate,
    ec2.DescribeAccountAttributes,
    ec2.DescribeAddresses,
    ec2.DescribeAvailabilityZones,
    ec2.DescribeFlowLogs,
    ec2.DescribeInstances,
    ec2.DescribeInternetGateways,
    ec2.DescribeIpamPools,
    ec2.DescribeNatGateways,
    ec2.DescribeNetworkAcls,
    ec2.DescribeNetworkInterfaces,
    ec2.DescribeRouteTables,
    ec2.DescribeSecurityGroups,
    ec2.DescribeSubnets,
    ec2.DescribeTags,
    ec2.DescribeVpcAttribute,
    ec2.DescribeVpcEncryptionControls,
    ec2.DescribeVpcEndpoints,
    ec2.DescribeVpcs,
    ec2.DescribeVpnGateways,
    elb.DescribeCapacityReservation,
    elb.DescribeListenerAttributes,
    elb.DescribeListeners,
    elb.DescribeLoadBalancerAttributes,
    elb.DescribeLoadBalancers,
    elb.DescribeRules,
    elb.DescribeTags,
    elb.DescribeTargetGroupAttributes,
    elb.DescribeTargetGroups,
    elb.DescribeTargetHealth,
    kms.DescribeKey,
    logs.DescribeDeliveries,
    logs.DescribeIndexPolicies,
    logs.DescribeLogGroups,
    logs.DescribeResourcePolicies,
    rds.DescribeDBClusterSnapshots,
    rds.DescribeDBClusters,
    rds.DescribeDBEngineVersions,
    rds.DescribeDBInstanceAutomatedBackups,
    rds.DescribeDBInstances,
    rds.DescribeDBParameterGroups,
    rds.DescribeDBParameters,
    rds.DescribeDBSnapshots,
    rds.DescribeDBSubnetGroups,
    rds.DescribeEngineDefaultParameters,
    rds.DescribeEvents,
    route53.GetChange,
    route53.ListHostedZones,
    servicediscovery.GetNamespace,
    servicediscovery.GetOperation,
    servicediscovery.ListTagsForResource,
]

MAKE_NETWORK = [
    ec2.AllocateAddress,
    ec2.CreateFlowLogs,
    ec2.CreateInternetGateway,
    ec2.CreateNatGateway,
    ec2.CreateRouteTable,
    ec2.CreateSecurityGroup,
    ec2.CreateSubnet,
    ec2.CreateVpc,
    ec2.CreateVpcEndpoint,
]

CHANGE_NETWORK = [
    ec2.AssociateRouteTable,
    ec2.AssociateSubnetCidrBlock,
    ec2.AssociateVpcCidrBlock,
    ec2.AttachInternetGateway,
    ec2.AuthorizeSecurityGroupEgress,
    ec2.AuthorizeSecurityGroupIngress,
    ec2.CreateRoute,
    ec2.DeleteFlowLogs,
    ec2.DeleteInternetGateway,
    ec2.DeleteNatGateway,
    ec2.DeleteRoute,
    ec2.DeleteRouteTable,
    ec2.DeleteSecurityGroup,
    ec2.DeleteSubnet,
    ec2.DeleteVpc,
    ec2.DeleteVpcEndpoints,
    ec2.DetachInternetGateway,
    ec2.DisassociateAddress,
    ec2.DisassociateRouteTable,
    ec2.DisassociateSubnetCidrBlock,
    ec2.DisassociateVpcCidrBlock,
    ec2.ModifySubnetAttribute,
    ec2.ModifyVpcAttribute,
    ec2.ModifyVpcEndpoint,
    ec2.ReleaseAddress,
    ec2.ReplaceRoute,
    ec2.ReplaceRouteTableAssociation,
    ec2.RevokeSecurityGroupEgress,
    ec2.RevokeSecurityGroupIngress,
    ec2.UpdateSecurityGroupRuleDescriptionsEgress,
    ec2.UpdateSecurityGroupRuleDescriptionsIngress,
]

MAKE_TRAFFIC = [
    acm.RequestCertificate,
    ecs.CreateCluster,
    elb.CreateListener,
    elb.CreateLoadBalancer,
    elb.CreateRule,
    elb.CreateTargetGroup,
    servicediscovery.CreateHttpNamespace,
]

CHANGE_TRAFFIC = [
    acm.DeleteCertificate,
    acm.UpdateCertificateOptions,
    elb.DeleteListener,
    elb.DeleteLoadBalancer,
    elb.DeleteRule,
    elb.DeleteTargetGroup,
    elb.ModifyListener,
    elb.ModifyListenerAttributes,
    elb.ModifyLoadBalancerAttributes,
    elb.ModifyRule,
    elb.ModifyTargetGroup,
    elb.ModifyTargetGroupAttributes,
    elb.SetIpAddressType,
    elb.SetRulePriorities,
    elb.SetSecurityGroups,
    elb.SetSubnets,
    servicediscovery.DeleteNamespace,
    servicediscovery.UpdateHttpNamespace,
]

MAKE_DATA = [cognito.CreateUserPool]

CHANGE_DATA = [
    cognito.CreateUserPoolClient,
    cognito.DeleteUserPool,
    cognito.DeleteUserPoolClient,
    cognito.DescribeUserPool,
    cognito.DescribeUserPoolClient,
    cognito.GetUserPoolMfaConfig,
    cognito.ListTagsForResource,
    cognito.Action("ListUserPoolClientSecrets"),
    cognito.SetUserPoolMfaConfig,
    cognito.UpdateUserPool,
    cognito.UpdateUserPoolClient,
]

MAKE_EDGE = [
    cloudfront.CreateDistribution,
    cloudfront.CreateOriginAccessControl,
    logs.CreateDelivery,
]

CHANGE_EDGE = [
    cloudfront.DeleteDistribution,
    cloudfront.GetDistribution,
    cloudfront.GetDistributionConfig,
    cloudfront.ListTagsForResource,
    cloudfront.UpdateDistribution,
    cloudfront.Action("AllowVendedLogDeliveryForResource"),
    logs.DeleteDelivery,
    logs.GetDelivery,
    logs.UpdateDeliveryConfiguration,
]

TAG = [
    acm.AddTagsToCertificate,
    cloudfront.TagResource,
    cognito.TagResource,
    ec2.CreateTags,
    elb.AddTags,
    servicediscovery.TagResource,
]

UNTAG = [
    acm.RemoveTagsFromCertificate,
    cloudfront.UntagResource,
    cognito.UntagResource,
    ec2.DeleteTags,
    elb.RemoveTags,
    servicediscovery.UntagResource,
]

RECORDS = [
    route53.ChangeResourceRecordSets,
    route53.GetHostedZone,
    route53.ListResourceRecordSets,
]

CLUSTERS = [
    ecs.DeleteCluster,
    ecs.DescribeClusters,
    ecs.ListTagsForResource,
    ecs.PutClusterCapacityProviders,
    ecs.TagResource,
    ecs.UntagResource,
    ecs.UpdateCluster,
    ecs.UpdateClusterSettings,
]

IMAGES = [
    ecr.CreateRepository,
    ecr.DeleteLifecyclePolicy,
    ecr.DeleteRepository,
    ecr.DescribeRepositories,
    ecr.GetLifecyclePolicy,
    ecr.GetRepositoryPolicy,
    ecr.ListTagsForResource,
    ecr.PutImageScanningConfiguration,
    ecr.PutImageTagMutability,
    ecr.PutLifecyclePolicy,
    ecr.TagResource,
    ecr.UntagResource,
]

LOGS = [
    logs.CreateLogGroup,
    logs.DeleteLogGroup,
    logs.DeleteRetentionPolicy,
    logs.GetDataProtectionPolicy,
    logs.ListTagsForResource,
    logs.PutRetentionPolicy,
    logs.TagResource,
    logs.UntagResource,
]

BUCKETS = [
    s3.CreateBucket,
    s3.DeleteBucket,
    s3.DeleteBucketPolicy,
    s3.GetAccelerateConfiguration,
    s3.GetAnalyticsConfiguration,
    s3.GetBucketCORS,
    s3.GetBucketLogging,
    s3.GetBucketNotification,
    s3.GetBucketObjectLockConfiguration,
    s3.GetBucketOwnershipControls,
    s3.GetBucketPolicy,
    s3.GetBucketPublicAccessBlock,
    s3.GetBucketTagging,
    s3.GetBucketVersioning,
    s3.GetBucketWebsite,
    s3.GetEncryptionConfiguration,
    s3.GetIntelligentTieringConfiguration,
    s3.GetInventoryConfiguration,
    s3.GetLifecycleConfiguration,
    s3.GetMetricsConfiguration,
    s3.GetReplicationConfiguration,
    s3.ListBucket,
    s3.ListTagsForResource,
    s3.PutBucketNotification,
    s3.PutBucketOwnershipControls,
    s3.PutBucketPolicy,
    s3.PutBucketPublicAccessBlock,
    s3.PutBucketTagging,
    s3.PutBucketVersioning,
    s3.PutLifecycleConfiguration,
    s3.TagResource,
    s3.UntagResource,
]

RDS_KINDS = ["db", "pg", "snapshot", "subgrp"]

DATABASES = [
    rds.AddTagsToResource,
    rds.CreateDBInstance,
    rds.CreateDBParameterGroup,
    rds.CreateDBSnapshot,
    rds.CreateDBSubnetGroup,
    rds.DeleteDBInstance,
    rds.DeleteDBParameterGroup,
    rds.DeleteDBSubnetGroup,
    rds.ListTagsForResource,
    rds.ModifyDBInstance,
    rds.ModifyDBParameterGroup,
    rds.ModifyDBSubnetGroup,
    rds.RebootDBInstance,
    rds.RemoveTagsFromResource,
    rds.ResetDBParameterGroup,
]

# RDS names them; nobody is allowed to read one.
MASTER_PASSWORDS = [secretsmanager.CreateSecret, secretsmanager.TagResource]

TABLES = [
    dynamodb.CreateTable,
    dynamodb.DeleteTable,
    dynamodb.DescribeContinuousBackups,
    dynamodb.DescribeContributorInsights,
    dynamodb.DescribeKinesisStreamingDestination,
    dynamodb.DescribeTable,
    dynamodb.DescribeTimeToLive,
    dynamodb.GetResourcePolicy,
    dynamodb.ListTagsOfResource,
    dynamodb.TagResource,
    dynamodb.UntagResource,
    dynamodb.UpdateContinuousBackups,
    dynamodb.UpdateTable,
]

TOPICS = [
    sns.CreateTopic,
    sns.DeleteTopic,
    sns.GetDataProtectionPolicy,
    sns.GetTopicAttributes,
    sns.ListSubscriptionsByTopic,
    sns.ListTagsForResource,
    sns.SetTopicAttributes,
    sns.TagResource,
    sns.UntagResource,
]

EDGE_FUNCTIONS = [
    cloudfront.CreateFunction,
    cloudfront.DeleteFunction,
    cloudfront.DescribeFunction,
    cloudfront.GetFunction,
    cloudfront.PublishFunction,
    cloudfront.UpdateFunction,
]

# AWS names these and they have no tags, so every environment of an account may change them all.
EDGE_KINDS = ["cache-policy", "origin-access-control", "response-headers-policy"]
EDGE_SETTINGS = [
    cloudfront.CreateCachePolicy,
    cloudfront.CreateResponseHeadersPolicy,
    cloudfront.DeleteCachePolicy,
    cloudfront.DeleteOriginAccessControl,
    cloudfront.DeleteResponseHeadersPolicy,
    cloudfront.GetCachePolicy,
    cloudfront.GetOriginAccessControl,
    cloudfront.GetResponseHeadersPolicy,
    cloudfront.UpdateCachePolicy,
    cloudfront.UpdateOriginAccessControl,
    cloudfront.UpdateResponseHeadersPolicy,
]

LOG_DELIVERIES = [
    logs.DeleteDeliveryDestination,
    logs.DeleteDeliverySource,
    logs.GetDeliveryDestination,
    logs.GetDeliveryDestinationPolicy,
    logs.GetDeliverySource,
    logs.PutDeliveryDestination,
    logs.PutDeliverySource,
]

GRANT = [iam.CreateRole, iam.PutRolePermissionsBoundary, iam.PutRolePolicy]

ROLES = [
    iam.DeleteRole,
    iam.DeleteRolePolicy,
    iam.GetRole,
    iam.GetRolePolicy,
    iam.ListAttachedRolePolicies,
    iam.ListRolePolicies,
    iam.ListRoleTags,
    iam.TagRole,
    iam.UntagRole,
    iam.UpdateAssumeRolePolicy,
    iam.UpdateRole,
    iam.UpdateRoleDescription,
]


def _on(sid: str, actions: Sequence[Action], *resources: Value) -> Statement:
    return Statement(Sid=sid, Effect=Allow, Action=list(actions), Resource=list(resources))


def _make(env: Env, actions: Sequence[Action]) -> Statement:
    """Nothing is there yet that could have a name or a tag: only the region can be asked for."""
    regions = sorted({env.region, CLOUDFRONT_REGION})
    return Statement(
        Sid="Make",
        Effect=Allow,
        Action=list(actions),
        Resource=["*"],
        Condition=Condition(StringEquals({"aws:RequestedRegion": regions})),
    )


def _change(env: Env, actions: Sequence[Action]) -> Statement:
    """Only what carries the tags that the deployer gives every stack of this environment."""
    return Statement(
        Sid="Change",
        Effect=Allow,
        Action=list(actions),
        Resource=["*"],
        Condition=Condition(StringEquals(_ours("aws:ResourceTag", env))),
    )


def _claim(env: Env, actions: Sequence[Action]) -> Statement:
    """Give this environment's tags to what is new; never to what another one already has."""
    return Statement(
        Sid="Claim",
        Effect=Allow,
        Action=list(actions),
        Resource=["*"],
        Condition=Condition(
            [
                StringEquals(_ours("aws:RequestTag", env)),
                Null({"aws:ResourceTag/project": "true", "aws:ResourceTag/env": "true"}),
            ]
        ),
    )


def _ours(key: str, env: Env) -> dict[str, str]:
    return {f"{key}/project": env.project, f"{key}/env": env.name}


def _grant(env: Env, boundary: Value) -> Statement:
    """Make a role, or give one more rights: only under the boundary, which nothing here lifts."""
    return Statement(
        Sid="GrantUnderBoundary",
        Effect=Allow,
        Action=GRANT,
        Resource=[arn("iam", f"role/{own(env, '*')}")],
        Condition=Condition(StringEquals({"iam:PermissionsBoundary": boundary})),
    )


def _pass_roles(env: Env) -> Statement:
    return Statement(
        Sid="PassRoles",
        Effect=Allow,
        Action=[iam.PassRole],
        Resource=[arn("iam", f"role/{own(env, '*')}")],
        Condition=Condition(StringEquals({"iam:PassedToService": SERVICES})),
    )


def _service_linked_roles() -> Statement:
    """AWS makes these once per account, when its service is first used."""
    services = [
        "ecs.amazonaws.com",
        "elasticloadbalancing.amazonaws.com",
        "rds.amazonaws.com",
    ]
    return Statement(
        Sid="ServiceLinkedRoles",
        Effect=Allow,
        Action=[iam.CreateServiceLinkedRole],
        Resource=[arn("iam", f"role/aws-service-role/{service}/*") for service in services],
        Condition=Condition(StringEquals({"iam:AWSServiceName": services})),
    )


def _not_the_foundation(env: Env) -> Statement:
    """Their names match ours, and whoever could change them would have no limits left."""
    names = [f"{env.stack_name(layer)}-*" for layer in ("foundation", "pipeline")]
    kinds = ("role", "policy")
    return Statement(
        Sid="NotTheFoundation",
        Effect=Deny,
        Action=[iam.Action("*")],
        Resource=[arn("iam", f"{kind}/{name}") for kind in kinds for name in names],
    )


def _not_the_artifacts(bucket: Value) -> Statement:
    return Statement(
        Sid="NotTheArtifacts",
        Effect=Deny,
        Action=[s3.Action("Create*"), s3.Action("Delete*"), s3.Action("Put*")],
        Resource=[bucket],
    )


def _not_the_alerts(env: Env) -> Statement:
    """Who hears of alarms, and who may raise them, is not a release's to change."""
    return Statement(
        Sid="NotTheAlerts",
        Effect=Deny,
        Action=[sns.Action(verb) for verb in ("Add*", "Create*", "Delete*", "Remove*", "Set*")],
        Resource=[arn("sns", f"{env.stack_name('foundation')}-*")],
    )


def _deliveries(env: Env) -> list[Value]:
    """Where CloudFront's logs come from and go to: always in its own region."""
    logs_there = f"arn:${{AWS::Partition}}:logs:{CLOUDFRONT_REGION}:${{AWS::AccountId}}"
    kinds = ("delivery-destination", "delivery-source")
    return [Sub(f"{logs_there}:{kind}:{own(env, '*')}") for kind in kinds]


def _zone(env: Env) -> str:
    return f"hostedzone/{env.hosted_zone}"
