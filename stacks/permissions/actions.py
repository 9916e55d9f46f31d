"""The actions that a release needs, by kind of resource.

tests/stacks/permissions/test_release.py compares these tables with the permissions that
CloudFormation's registry lists for each resource type: it reports missing and unneeded actions.
"""

from __future__ import annotations

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
    events,
    iam,
    kms,
    logs,
    rds,
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

# The items and the stream of the message table.
MESSAGE_ITEMS = [
    dynamodb.ConditionCheckItem,
    dynamodb.DeleteItem,
    dynamodb.DescribeStream,
    dynamodb.GetItem,
    dynamodb.GetRecords,
    dynamodb.GetShardIterator,
    dynamodb.PutItem,
    dynamodb.Query,
]

DESCRIBE = [
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
]

CREATE_NETWORK = [
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

UPDATE_NETWORK = [
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

# DeregisterTaskDefinition supports no narrower resource than `*`, like the actions that create.
CREATE_CLUSTER = [
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

UPDATE_CLUSTER = [
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

CREATE_USER_POOLS = [cognito.CreateUserPool]

UPDATE_USER_POOLS = [
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

# API Gateway creates the log delivery of an API with the permissions of the caller.
API_ACCESS_LOGS = [
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

EVENT_SOURCE_MAPPINGS = [
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

APIS = [
    apigateway.DELETE,
    apigateway.GET,
    apigateway.PATCH,
    apigateway.POST,
    apigateway.PUT,
]

CREATE_DISTRIBUTIONS = [
    cloudfront.CreateCachePolicy,
    cloudfront.CreateDistribution,
    cloudfront.CreateFunction,
    cloudfront.CreateOriginAccessControl,
    cloudfront.CreateResponseHeadersPolicy,
    logs.CreateDelivery,
]

UPDATE_DISTRIBUTIONS = [
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

# Application Auto Scaling creates two alarms per scaling policy with the permissions of the caller.
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

READ_DNS_RECORDS = [route53.GetHostedZone, route53.ListResourceRecordSets]

ECS_RESOURCES = [
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

# The parameters with released images. All other parameters of the environment are secrets.
IMAGE_PARAMETERS = [
    ssm.AddTagsToResource,
    ssm.DeleteParameter,
    ssm.GetParameters,
    ssm.ListTagsForResource,
    ssm.PutParameter,
    ssm.RemoveTagsFromResource,
]

REPOSITORIES = [
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

LOG_GROUPS = [
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

TRACING = [
    xray.CreateGroup,
    xray.DeleteGroup,
    xray.GetGroup,
    xray.ListTagsForResource,
    xray.TagResource,
    xray.UntagResource,
    xray.UpdateGroup,
]

BUDGETS = [
    budgets.ListTagsForResource,
    budgets.ModifyBudget,
    budgets.TagResource,
    budgets.UntagResource,
    budgets.ViewBudget,
]

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

# RDS creates and names the secret. No role of a release may read it.
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
    dynamodb.UpdateTimeToLive,
]

# EventBridge rules and their targets. The targets are Lambda functions, which need no role for that.
SCHEDULES = [
    events.DeleteRule,
    events.DescribeRule,
    events.ListTagsForResource,
    events.ListTargetsByRule,
    events.PutRule,
    events.PutTargets,
    events.RemoveTargets,
    events.TagResource,
    events.UntagResource,
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

CLOUDFRONT_FUNCTIONS = [
    cloudfront.DeleteFunction,
    cloudfront.DescribeFunction,
    cloudfront.GetFunction,
    cloudfront.PublishFunction,
    cloudfront.UpdateFunction,
]

CLOUDFRONT_POLICIES = [
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

GRANT_UNDER_BOUNDARY = [
    iam.CreateRole,
    iam.PutRolePermissionsBoundary,
    iam.PutRolePolicy,
    iam.UpdateAssumeRolePolicy,
]

MANAGE_ROLES = [
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
