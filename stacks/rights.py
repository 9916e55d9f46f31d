"""What CloudFormation may do for the pipeline, and the most that a role it makes may ever do.

The pipeline hands a change set to CloudFormation, and CloudFormation carries it out with these
rights and no others. They reach what this environment owns: by name where names can be chosen
(`crd-dev-*`), by the tags of the stack where AWS chooses them, and never the foundation and the
pipeline themselves, which an administrator deploys. Resources of other environments are denied by
their tags (see `siblings`); if IAM gets no tags from a service, whole names are listed.

A layer with a new kind of resource adds its actions to a subject below, or a subject; a layer
with a role adds to `boundary` the most its role may do, and to `SERVICES` who takes it.
tests/stacks/test_rights.py compares all of it with what CloudFormation's own registry says that
each type of resource needs: it names what is missing and what is too much.
"""

from __future__ import annotations

from collections.abc import Sequence

from awacs import (
    acm,
    apigateway,
    application_autoscaling,
    awslambda,
    billing,
    budgets,
    cloudfront,
    cloudwatch,
    dynamodb,
    ec2,
    ecr,
    ecs,
    iam,
    kms,
    logs,
    rds,
    rds_db,
    route53,
    s3,
    secretsmanager,
    servicediscovery,
    sns,
    sqs,
    ssm,
    xray,
)
from awacs import cognito_idp as cognito
from awacs import elasticloadbalancing as elb
from awacs.aws import (
    Action,
    Allow,
    ArnLike,
    Bool,
    Condition,
    Deny,
    ForAllValuesStringEquals,
    ForAllValuesStringLike,
    ForAnyValueStringNotLike,
    Null,
    PolicyDocument,
    Statement,
    StringEquals,
)
from troposphere import Sub

from deployer.stack import Env, Value
from stacks.buckets import bucket_arn, objects
from stacks.containers import OPEN_SHELL, SEND_TRACES
from stacks.parts import allow, arn, image_parameter, join_network, own
from stacks.siblings import deny_other_owners

CLOUDFRONT_REGION = "us-east-1"  # Also where AWS says that IAM and Route 53 are.

# Who may be given the roles of this environment.
SERVICES = ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com", "vpc-flow-logs.amazonaws.com"]

# The services that call functions.
CALLERS = ["apigateway.amazonaws.com", "cognito-idp.amazonaws.com", "s3.amazonaws.com"]

# A person deploys these: they say what a release may do, and who publishes the site.
BY_HAND = ["foundation", "pipeline", "sync"]

DATABASE_USERS = ["application", "migrator"]

# Layers that a release deploys, with what is known to IAM by its name only.
ROLE_LAYERS = ["avatars", "messages", "network", "service", "users", "verifier"]
TOPIC_LAYERS = ["assets"]
BUCKET_NAMES = ["access-logs", "avatars", "pictures", "site", "uploads", "visits"]
DASHBOARD = "overview"


def boundary(env: Env) -> PolicyDocument:
    """The most a role of this environment can do, whatever its own policies say.

    A release may write any role under it, so what it leaves out nobody gets: neither the
    artifacts, which are the code of the functions, nor the files of the site.
    """
    return PolicyDocument(
        Version="2012-10-17",
        Statement=[
            allow(
                "WriteLogs",
                [logs.CreateLogStream, logs.PutLogEvents],
                *(_log_groups(env, layer) for layer in ROLE_LAYERS),
            ),
            allow("FindLogStreams", [logs.DescribeLogStreams], _log_groups(env, "network")),
            allow("FindLogGroups", [logs.DescribeLogGroups], "*"),  # It takes no narrower resource.
            _deny_pipeline_logs(env),
            allow("ReadUploads", [s3.GetObject], _objects(env, "uploads")),
            allow("SeeWhatIsGone", [s3.ListBucket], bucket_arn(env, "uploads")),
            allow(
                "WritePictures",
                [s3.PutObject],
                *(_objects(env, name) for name in ("avatars", "uploads")),
            ),
            allow("Messages", MESSAGES, arn("dynamodb", f"table/{own(env, 'messages-*')}")),
            allow("LeaveFailures", [sqs.SendMessage], arn("sqs", own(env, "*"))),
            allow(
                "Connect",
                [rds_db.connect],
                *(arn("rds-db", f"dbuser:*/{user}") for user in DATABASE_USERS),
            ),
            allow(
                "PullImages",
                [ecr.BatchCheckLayerAvailability, ecr.BatchGetImage, ecr.GetDownloadUrlForLayer],
                arn("ecr", f"repository/{own(env, '*')}"),
            ),
            # None of these takes a narrower resource.
            allow("SignInToRegistry", [ecr.GetAuthorizationToken], "*"),
            allow("SendTraces", SEND_TRACES, "*"),
            allow("OpenShell", OPEN_SHELL, "*"),
            allow("ReadSecrets", [ssm.GetParameters], arn("ssm", f"parameter{_parameters(env)}/*")),
            *join_network(),
            *deny_other_owners(env),
        ],
    )


def of_releases(env: Env, *, boundary: Value, artifacts: Value) -> dict[str, list[Statement]]:
    """The rights by subject: each becomes a managed policy, since one alone would be too long."""
    return {
        "Look": [allow("Look", LOOK, "*")],
        "Network": [_make(env, MAKE_NETWORK), _change(env, CHANGE_NETWORK)],
        "Traffic": [
            _make(env, MAKE_TRAFFIC),
            _change(env, CHANGE_TRAFFIC),
            allow("ScalingAlarms", SCALING_ALARMS, arn("cloudwatch", f"alarm:{_scaling(env)}")),
            *_records(env),
        ],
        "Tags": [_claim(env, TAG), _change(env, [*TAG, *UNTAG])],
        "Named": [
            allow("Containers", CONTAINERS, *(arn("ecs", path) for path in _containers(env))),
            allow("Releases", RELEASES, arn("ssm", f"parameter{image_parameter(env, '*')}")),
            allow("Images", IMAGES, arn("ecr", f"repository/{own(env, '*')}")),
            allow(
                "Logs",
                LOGS,
                arn("logs", f"log-group:{own(env, '*')}"),
                arn("logs", f"log-group:/aws/rds/instance/{own(env, '*')}"),
            ),
            allow("Buckets", BUCKETS, *(_bucket(env, name) for name in BUCKET_NAMES)),
            allow("Alarms", ALARMS, arn("cloudwatch", f"alarm:{own(env, '*')}")),
            allow(
                "Dashboards",
                DASHBOARDS,
                _everywhere("cloudwatch", f"dashboard/{own(env, DASHBOARD)}"),
            ),
            allow("Traces", TRACES, *(arn("xray", f"{k}/{own(env, '*')}") for k in TRACE_KINDS)),
            allow("Budgets", BUDGETS, _everywhere("budgets", f"budget/{own(env, '*')}")),
        ],
        "Data": [
            _make(env, MAKE_DATA),
            _change(env, CHANGE_DATA),
            allow(
                "Databases",
                DATABASES,
                *(arn("rds", f"{kind}:{own(env, '*')}") for kind in RDS_KINDS),
            ),
            allow("MasterPasswords", MASTER_PASSWORDS, arn("secretsmanager", "secret:rds!db-*")),
            allow("Tables", TABLES, arn("dynamodb", f"table/{own(env, '*')}")),
            allow("Topics", TOPICS, *(arn("sns", own(env, f"{name}-*")) for name in TOPIC_LAYERS)),
        ],
        "Functions": [
            _make(env, MAKE_API_LOGS),
            allow("Functions", FUNCTIONS, arn("lambda", f"function:{own(env, '*')}")),
            _let_services_call(env),
            allow("Code", [s3.GetObject], objects(artifacts)),
            _event_sources(env),
            allow("Queues", QUEUES, arn("sqs", own(env, "*"))),
            allow("Apis", APIS, *(_of_api_gateway(path) for path in API_PATHS)),
        ],
        "Edge": [
            _make(env, MAKE_EDGE),
            _change(env, CHANGE_EDGE),
            allow(
                "EdgeFunctions", EDGE_FUNCTIONS, arn("cloudfront", f"function/{own(env, 'site')}")
            ),
            allow(
                "EdgeSettings", EDGE_SETTINGS, *(arn("cloudfront", f"{k}/*") for k in EDGE_KINDS)
            ),
            allow("LogDeliveries", LOG_DELIVERIES, *_deliveries(env)),
        ],
        "Roles": [
            _grant(env, boundary),
            allow("ManageRoles", ROLES, *_roles(env)),
            _pass_roles(env),
            _service_linked_roles(),
        ],
        "HandsOff": [
            _not_the_foundation(env),
            _not_the_artifacts(env, artifacts),
            _not_the_alerts(env),
            _deny_pipeline_logs(env),
            _alarms_only_notify(env),
            *_not_an_open_database(),
            *deny_other_owners(env),
        ],
    }


# What reads and writes messages, and what follows their stream, for Lambda and in the function.
MESSAGES = [
    dynamodb.ConditionCheckItem,
    dynamodb.DeleteItem,
    dynamodb.DescribeStream,
    dynamodb.GetItem,
    dynamodb.GetRecords,
    dynamodb.GetShardIterator,
    dynamodb.ListStreams,
    dynamodb.PutItem,
    dynamodb.Query,
]

LOOK = [
    acm.DescribeCertificate,
    acm.ListTagsForCertificate,
    application_autoscaling.DescribeScalableTargets,
    application_autoscaling.DescribeScalingPolicies,
    application_autoscaling.DescribeScheduledActions,
    awslambda.ListTags,
    billing.GetBillingViewData,
    cloudwatch.DescribeAlarms,
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
    ec2.DescribeSecurityGroupRules,
    ec2.DescribeSecurityGroups,
    ec2.DescribeSubnets,
    ec2.DescribeTags,
    ec2.DescribeVpcAttribute,
    ec2.DescribeVpcEncryptionControls,
    ec2.DescribeVpcEndpoints,
    ec2.DescribeVpcs,
    ec2.DescribeVpnGateways,
    ecs.DescribeTaskDefinition,
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
    xray.GetSamplingRules,
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

# To let go of a task definition AWS takes no narrower resource either.
MAKE_TRAFFIC = [
    acm.RequestCertificate,
    application_autoscaling.RegisterScalableTarget,
    ecs.CreateCluster,
    ecs.DeregisterTaskDefinition,
    elb.CreateListener,
    elb.CreateLoadBalancer,
    elb.CreateRule,
    elb.CreateTargetGroup,
    servicediscovery.CreateHttpNamespace,
]

CHANGE_TRAFFIC = [
    acm.DeleteCertificate,
    acm.UpdateCertificateOptions,
    application_autoscaling.DeleteScalingPolicy,
    application_autoscaling.DeregisterScalableTarget,
    application_autoscaling.ListTagsForResource,
    application_autoscaling.PutScalingPolicy,
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

# To log its calls, an API asks CloudWatch Logs for a delivery, in the name of whoever makes it.
MAKE_API_LOGS = [
    logs.CreateLogDelivery,
    logs.DeleteLogDelivery,
    logs.GetLogDelivery,
    logs.ListLogDeliveries,
    logs.PutResourcePolicy,
    logs.UpdateLogDelivery,
]

FUNCTIONS = [
    awslambda.CreateFunction,
    awslambda.DeleteFunction,
    awslambda.DeleteFunctionConcurrency,
    awslambda.DeleteFunctionEventInvokeConfig,
    awslambda.GetFunction,
    awslambda.GetFunctionCodeSigningConfig,
    awslambda.GetFunctionEventInvokeConfig,
    awslambda.GetFunctionRecursionConfig,
    awslambda.Action("GetFunctionScalingConfig"),
    awslambda.GetPolicy,
    awslambda.GetRuntimeManagementConfig,
    awslambda.PutFunctionConcurrency,
    awslambda.PutFunctionEventInvokeConfig,
    awslambda.RemovePermission,
    awslambda.UpdateFunctionCode,
    awslambda.UpdateFunctionConfiguration,
    awslambda.UpdateFunctionEventInvokeConfig,
]

EVENT_SOURCES = [
    awslambda.CreateEventSourceMapping,
    awslambda.DeleteEventSourceMapping,
    awslambda.GetEventSourceMapping,
    awslambda.UpdateEventSourceMapping,
]

QUEUES = [
    sqs.CreateQueue,
    sqs.DeleteQueue,
    sqs.GetQueueAttributes,
    sqs.GetQueueUrl,
    sqs.ListQueueTags,
    sqs.SetQueueAttributes,
    sqs.TagQueue,
    sqs.UntagQueue,
]

# AWS names APIs, and what is in one does not inherit its tags (API Gateway developer guide,
# resources that can be tagged), so every environment of an account may change them all.
API_PATHS = ["/apis", "/apis/*", "/tags/*"]
APIS = [
    apigateway.DELETE,
    apigateway.GET,
    apigateway.PATCH,
    apigateway.POST,
    apigateway.PUT,
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

# Application Auto Scaling makes two for each policy, in the name of whoever makes the policy.
SCALING_ALARMS = [cloudwatch.DeleteAlarms, cloudwatch.PutMetricAlarm]

TAG = [
    acm.AddTagsToCertificate,
    application_autoscaling.TagResource,
    awslambda.TagResource,
    cloudfront.TagResource,
    cognito.TagResource,
    ec2.CreateTags,
    elb.AddTags,
    servicediscovery.TagResource,
]

UNTAG = [
    acm.RemoveTagsFromCertificate,
    application_autoscaling.UntagResource,
    awslambda.UntagResource,
    cloudfront.UntagResource,
    cognito.UntagResource,
    ec2.DeleteTags,
    elb.RemoveTags,
    servicediscovery.UntagResource,
]

READ_RECORDS = [route53.GetHostedZone, route53.ListResourceRecordSets]
RECORD_TYPES = ["A", "AAAA", "CNAME"]

# The hosts of the distributions and of the load balancer, before the domain.
HOSTS = ["", "www.", "assets.", "api."]

CONTAINERS = [
    ecs.CreateService,
    ecs.DeleteCluster,
    ecs.DeleteService,
    ecs.DescribeClusters,
    ecs.DescribeServiceDeployments,
    ecs.DescribeServices,
    ecs.ListServiceDeployments,
    ecs.ListTagsForResource,
    ecs.PutClusterCapacityProviders,
    ecs.RegisterTaskDefinition,
    ecs.StopServiceDeployment,
    ecs.TagResource,
    ecs.UntagResource,
    ecs.UpdateCluster,
    ecs.UpdateClusterSettings,
    ecs.UpdateService,
]

# Which image was released last; what else lies in Parameter Store is secret.
RELEASES = [
    ssm.AddTagsToResource,
    ssm.DeleteParameter,
    ssm.GetParameters,
    ssm.ListTagsForResource,
    ssm.PutParameter,
    ssm.RemoveTagsFromResource,
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
    s3.PutBucketCORS,
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

ALARMS = [
    cloudwatch.DeleteAlarms,
    cloudwatch.ListTagsForResource,
    cloudwatch.PutMetricAlarm,
    cloudwatch.TagResource,
    cloudwatch.UntagResource,
]

DASHBOARDS = [
    cloudwatch.DeleteDashboards,
    cloudwatch.GetDashboard,
    cloudwatch.ListTagsForResource,
    cloudwatch.PutDashboard,
    cloudwatch.TagResource,
    cloudwatch.UntagResource,
]

TRACE_KINDS = ["group", "sampling-rule"]
TRACES = [
    xray.CreateGroup,
    xray.CreateSamplingRule,
    xray.DeleteGroup,
    xray.DeleteSamplingRule,
    xray.GetGroup,
    xray.ListTagsForResource,
    xray.TagResource,
    xray.UntagResource,
    xray.UpdateGroup,
    xray.UpdateSamplingRule,
]

BUDGETS = [
    budgets.ListTagsForResource,
    budgets.ModifyBudget,
    budgets.TagResource,
    budgets.UntagResource,
    budgets.ViewBudget,
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
    sns.GetSubscriptionAttributes,
    sns.GetTopicAttributes,
    sns.ListSubscriptionsByTopic,
    sns.ListTagsForResource,
    sns.SetSubscriptionAttributes,
    sns.SetTopicAttributes,
    sns.Subscribe,
    sns.TagResource,
    sns.Unsubscribe,
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

GRANT = [
    iam.CreateRole,
    iam.PutRolePermissionsBoundary,
    iam.PutRolePolicy,
    iam.UpdateAssumeRolePolicy,
]

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
    iam.UpdateRole,
    iam.UpdateRoleDescription,
]


def _objects(env: Env, bucket: str) -> Value:
    return objects(bucket_arn(env, bucket))


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


def _event_sources(env: Env) -> Statement:
    """AWS names what feeds a function, but the function that is fed has our name."""
    functions = arn("lambda", f"function:{own(env, 'messages-*')}")
    return Statement(
        Sid="EventSources",
        Effect=Allow,
        Action=EVENT_SOURCES,
        Resource=["*"],
        Condition=Condition(ArnLike({"lambda:FunctionArn": functions})),
    )


def _log_groups(env: Env, layer: str) -> Value:
    """Return the ARN of the log groups of a layer, which CloudFormation names."""
    return arn("logs", f"log-group:{own(env, f'{layer}-*')}")


def _roles(env: Env) -> list[Value]:
    """Return the ARNs of a release's roles: AWS advises against using tags for iam:PassRole."""
    return [arn("iam", f"role/{own(env, f'{layer}-*')}") for layer in ROLE_LAYERS]


def _bucket(env: Env, name: str) -> Value:
    """Return the ARN of a bucket in any region: its tags are only evaluated if ABAC is enabled."""
    return Sub(f"arn:${{AWS::Partition}}:s3:::{own(env, name)}-${{AWS::AccountId}}-*-an")


def _everywhere(service: str, resource: str) -> Sub:
    """The ARN of what this account has once, for all regions."""
    return Sub(f"arn:${{AWS::Partition}}:{service}::${{AWS::AccountId}}:{resource}")


def _of_api_gateway(path: str) -> Sub:
    """Its ARNs are those of its own addresses, and name no account."""
    return Sub(f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}::{path}")


def _grant(env: Env, boundary: Value) -> Statement:
    """Make a role, or give one more rights: only under the boundary, which nothing here lifts."""
    return Statement(
        Sid="GrantUnderBoundary",
        Effect=Allow,
        Action=GRANT,
        Resource=_roles(env),
        Condition=Condition(StringEquals({"iam:PermissionsBoundary": boundary})),
    )


def _pass_roles(env: Env) -> Statement:
    return Statement(
        Sid="PassRoles",
        Effect=Allow,
        Action=[iam.PassRole],
        Resource=_roles(env),
        Condition=Condition(StringEquals({"iam:PassedToService": SERVICES})),
    )


def _service_linked_roles() -> Statement:
    """AWS makes these once per account, when its service is first used."""
    services = [
        "ecs.amazonaws.com",
        "ecs.application-autoscaling.amazonaws.com",
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
    names = [f"{env.stack_name(layer)}-*" for layer in BY_HAND]
    kinds = ("role", "policy")
    return Statement(
        Sid="NotTheFoundation",
        Effect=Deny,
        Action=[iam.Action("*")],
        Resource=[arn("iam", f"{kind}/{name}") for kind in kinds for name in names],
    )


def _not_the_artifacts(env: Env, bucket: Value) -> Statement:
    """Neither code nor what one stage of the pipeline hands to the next."""
    return Statement(
        Sid="NotTheArtifacts",
        Effect=Deny,
        Action=[s3.Action("Create*"), s3.Action("Delete*"), s3.Action("Put*")],
        Resource=[bucket, bucket_arn(env, "pipeline")],
    )


def _not_the_alerts(env: Env) -> Statement:
    """Who hears of alarms, and who may raise them, is not a release's to change."""
    return Statement(
        Sid="NotTheAlerts",
        Effect=Deny,
        Action=[
            sns.Action(verb)
            for verb in ("Add*", "Create*", "Delete*", "Remove*", "Set*", "Subscribe", "Unsub*")
        ],
        Resource=[arn("sns", f"{env.stack_name('foundation')}-*")],
    )


def _deny_pipeline_logs(env: Env) -> Statement:
    """Deny a release, and every role that it creates, access to the logs for the approver."""
    return Statement(
        Sid="DenyPipelineLogs",
        Effect=Deny,
        Action=[logs.Action("*")],
        Resource=[arn("logs", f"log-group:{env.stack_name('pipeline')}-*")],
    )


def _alarms_only_notify(env: Env) -> Statement:
    """Deny alarms that do more than send an alert or scale a service.

    An alarm can stop or terminate any instance of the account, which the release itself cannot.
    """
    alerts = arn("sns", f"{env.stack_name('foundation')}-*")
    scaling = arn("autoscaling", "scalingPolicy:*")
    return Statement(
        Sid="AlarmsOnlyNotify",
        Effect=Deny,
        Action=[cloudwatch.PutMetricAlarm],
        Resource=["*"],
        Condition=Condition(
            ForAnyValueStringNotLike({"cloudwatch:AlarmActions": [alerts, scaling]})
        ),
    )


def _not_an_open_database() -> list[Statement]:
    """Deny a master password that is not managed by RDS, and a public address.

    IAM evaluates whether a database is public when it is created, but not when it is modified.
    """
    change = [rds.CreateDBInstance, rds.ModifyDBInstance]
    return [
        Statement(
            Sid="OnlyManagedPasswords",
            Effect=Deny,
            Action=change,
            Resource=["*"],
            Condition=Condition(Bool({"rds:ManageMasterUserPassword": "false"})),
        ),
        Statement(
            Sid="NoPublicDatabase",
            Effect=Deny,
            Action=[rds.CreateDBInstance],
            Resource=["*"],
            Condition=Condition(Bool({"rds:PubliclyAccessible": "true"})),
        ),
    ]


def _let_services_call(env: Env) -> Statement:
    """Let AWS services invoke a function, but no other account and no anonymous caller."""
    return Statement(
        Sid="LetServicesCall",
        Effect=Allow,
        Action=[awslambda.AddPermission],
        Resource=[arn("lambda", f"function:{own(env, '*')}")],
        Condition=Condition(StringEquals({"lambda:Principal": CALLERS})),
    )


def _records(env: Env) -> list[Statement]:
    """Change the records of the site's hosts, and ACM's validation records for them.

    Mail and the delegation of the domain are other types of records.
    """
    zone = Sub(f"arn:${{AWS::Partition}}:route53:::{_zone(env)}")
    hosts = [f"{host}{env.domain}" for host in HOSTS]
    validations = [f"_{'?' * 32}.{host}" for host in hosts]  # ACM generates 32 letters.
    key = "route53:ChangeResourceRecordSets"
    return [
        allow("ReadRecords", READ_RECORDS, zone),
        allow(
            "Records",
            [route53.ChangeResourceRecordSets],
            zone,
            condition=Condition(
                [
                    ForAllValuesStringEquals({f"{key}RecordTypes": RECORD_TYPES}),
                    ForAllValuesStringLike({f"{key}NormalizedRecordNames": hosts + validations}),
                    Null({f"{key}RecordTypes": "false", f"{key}NormalizedRecordNames": "false"}),
                ]
            ),
        ),
    ]


def _deliveries(env: Env) -> list[Value]:
    """Where CloudFront's logs come from and go to: always in its own region."""
    logs_there = f"arn:${{AWS::Partition}}:logs:{CLOUDFRONT_REGION}:${{AWS::AccountId}}"
    kinds = ("delivery-destination", "delivery-source")
    return [Sub(f"{logs_there}:{kind}:{own(env, '*')}") for kind in kinds]


def _containers(env: Env) -> list[str]:
    """Services have names of their own, but their cluster has ours."""
    of_cluster = f"{own(env, 'cluster')}/*"
    return [
        f"cluster/{own(env, '*')}",
        f"service/{of_cluster}",
        f"service-deployment/{of_cluster}",
        f"task-definition/{own(env, '*')}",
    ]


def _scaling(env: Env) -> str:
    """What Application Auto Scaling calls its alarms."""
    return f"TargetTracking-service/{own(env, 'cluster')}/*"


def _parameters(env: Env) -> str:
    return f"/{env.prefix}/{env.name}"


def _zone(env: Env) -> str:
    return f"hostedzone/{env.hosted_zone}"
