"""The AWS prices that are charged without any use, each with its source.

AWS's price pages load their prices by JavaScript. So each price here is from an article that quotes
such a page: *page* is the page of AWS, *quoted_by* the article, *as_of* the month of the article.
Prices are those of us-east-1; other regions differ. No price was compared with an AWS bill.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Properties: TypeAlias = Mapping[str, Any]
Resources: TypeAlias = Mapping[str, Mapping[str, Any]]

HOURS_PER_MONTH = 730  # As AWS calculates.


@dataclass(frozen=True)
class Source:
    """The price page of AWS, and an article of the month *as_of* that quotes it."""

    page: str
    quoted_by: str
    as_of: str


def _count_one(_: Properties, __: Resources) -> float:
    return 1


@dataclass(frozen=True)
class Price:
    """A price that is charged without any use: *usd_per_month* for each *unit*.

    *count* returns how many units a resource of *type* has; it receives the properties of the
    resource and all resources of the stack.
    """

    type: str
    unit: str
    usd_per_month: float
    source: Source
    count: Callable[[Properties, Resources], float] = _count_one


def _instances(instance_class: str) -> Callable[[Properties, Resources], float]:
    def count(database: Properties, _: Resources) -> float:
        return _instance_count(database) if database["DBInstanceClass"] == instance_class else 0

    return count


def _instance_count(database: Properties) -> int:
    """Return the number of instances, each with its own storage."""
    return 2 if database["MultiAZ"] else 1


def _storage_gibibytes(database: Properties, _: Resources) -> float:
    return int(database["AllocatedStorage"]) * _instance_count(database)


def _vcpus(architecture: str) -> Callable[[Properties, Resources], float]:
    def count(task: Properties, resources: Resources) -> float:
        if task["RuntimePlatform"]["CpuArchitecture"] != architecture:
            return 0
        return _min_tasks(resources) * int(task["Cpu"]) / 1024

    return count


def _memory_gibibytes(architecture: str) -> Callable[[Properties, Resources], float]:
    def count(task: Properties, resources: Resources) -> float:
        if task["RuntimePlatform"]["CpuArchitecture"] != architecture:
            return 0
        return _min_tasks(resources) * int(task["Memory"]) / 1024

    return count


def _min_tasks(resources: Resources) -> int:
    """Return the minimum number of tasks of all scalable targets."""
    return sum(
        int(resource["Properties"]["MinCapacity"])
        for resource in resources.values()
        if resource["Type"] == "AWS::ApplicationAutoScaling::ScalableTarget"
    )


_VPC = Source(
    "https://aws.amazon.com/vpc/pricing/",
    "https://cloudburn.io/blog/aws-nat-gateway-pricing",
    "2026-02",
)
_RDS = Source(
    "https://aws.amazon.com/rds/postgresql/pricing/",
    "https://infratally.com/articles/aws-rds-pricing-explained-2026.html",
    "2026",
)
_RDS_STORAGE = Source(
    "https://aws.amazon.com/rds/postgresql/pricing/",
    "https://www.usage.ai/blogs/aws/reserved-instances/rds/pricing-calculator/",
    "2026-06",
)
_FARGATE = Source(
    "https://aws.amazon.com/fargate/pricing/",
    "https://www.vantage.sh/blog/fargate-pricing",
    "2021-04",
)
_SECRETS = Source(
    "https://aws.amazon.com/secrets-manager/pricing/",
    "https://hivebook.wiki/wiki/aws-secrets-manager-rotated-secrets-dynamic-db-credentials-kms",
    "undated",
)
_CLOUDWATCH = Source(
    "https://aws.amazon.com/cloudwatch/pricing/",
    "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/",
    "2026-06",
)

_DATABASE = "AWS::RDS::DBInstance"
_TASK = "AWS::ECS::TaskDefinition"
_IPV4_ADDRESS = "public IPv4 address"

PRICES = (
    Price("AWS::EC2::NatGateway", "NAT gateway", 0.045 * HOURS_PER_MONTH, _VPC),
    Price("AWS::EC2::EIP", _IPV4_ADDRESS, 0.005 * HOURS_PER_MONTH, _VPC),
    Price(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        _IPV4_ADDRESS,
        0.005 * HOURS_PER_MONTH,
        _VPC,
        lambda load_balancer, _: len(load_balancer["Subnets"]),
    ),
    Price(_DATABASE, "db.t4g.micro", 0.016 * HOURS_PER_MONTH, _RDS, _instances("db.t4g.micro")),
    Price(_DATABASE, "db.t4g.small", 0.032 * HOURS_PER_MONTH, _RDS, _instances("db.t4g.small")),
    Price(_DATABASE, "db.t4g.medium", 0.065 * HOURS_PER_MONTH, _RDS, _instances("db.t4g.medium")),
    Price(_DATABASE, "GiB of gp3 storage", 0.115, _RDS_STORAGE, _storage_gibibytes),
    Price(_DATABASE, "secret of the master user", 0.40, _SECRETS),
    Price(_TASK, "Fargate vCPU (Arm)", 0.03238 * HOURS_PER_MONTH, _FARGATE, _vcpus("ARM64")),
    Price(
        _TASK,
        "GiB of Fargate memory (Arm)",
        0.00356 * HOURS_PER_MONTH,
        _FARGATE,
        _memory_gibibytes("ARM64"),
    ),
    Price(_TASK, "Fargate vCPU (x86)", 0.04048 * HOURS_PER_MONTH, _FARGATE, _vcpus("X86_64")),
    Price(
        _TASK,
        "GiB of Fargate memory (x86)",
        0.004445 * HOURS_PER_MONTH,
        _FARGATE,
        _memory_gibibytes("X86_64"),
    ),
    Price("AWS::CloudWatch::Dashboard", "dashboard", 3, _CLOUDWATCH),
)


@dataclass(frozen=True)
class Usage:
    """The units that AWS charges for by use, and the page with their prices."""

    units: str
    page: str


def _usage(units: str, page: str) -> Usage:
    return Usage(units, f"https://aws.amazon.com/{page}/pricing/")


USAGE = {
    "AWS::ApiGatewayV2::Api": _usage("requests", "api-gateway"),
    "AWS::CloudFront::Distribution": _usage(
        "transferred data, requests, invalidated paths", "cloudfront"
    ),
    "AWS::CloudFront::Function": _usage("invocations", "cloudfront"),
    "AWS::CloudWatch::Alarm": _usage("metrics with an alarm, by the month", "cloudwatch"),
    "AWS::CodeBuild::Project": _usage("build minutes", "codebuild"),
    "AWS::CodePipeline::Pipeline": _usage("minutes of actions", "codepipeline"),
    "AWS::Cognito::UserPool": _usage("users who sign in in a month", "cognito"),
    "AWS::DynamoDB::Table": _usage("reads, writes, storage, backups", "dynamodb"),
    "AWS::EC2::FlowLog": _usage("ingested logs", "cloudwatch"),
    "AWS::EC2::NatGateway": _usage("processed data", "vpc"),
    "AWS::ECR::Repository": _usage("storage", "ecr"),
    "AWS::ECS::Cluster": _usage("metrics of Container Insights, if enabled", "cloudwatch"),
    "AWS::ECS::TaskDefinition": _usage(
        "tasks above the minimum, and public IPv4 addresses of tasks without NAT", "fargate"
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _usage(
        "hours of the load balancer, capacity units (LCU)", "elasticloadbalancing"
    ),
    "AWS::Events::Rule": _usage("events, except for events of AWS services", "eventbridge"),
    "AWS::Lambda::Function": _usage("requests, GB-seconds", "lambda"),
    "AWS::Logs::Delivery": _usage("delivered logs", "cloudwatch"),
    "AWS::Logs::LogGroup": _usage("ingested and stored logs", "cloudwatch"),
    "AWS::RDS::DBInstance": _usage("backups above the size of the storage", "rds/postgresql"),
    "AWS::S3::Bucket": _usage("storage, requests", "s3"),
    "AWS::SNS::Topic": _usage("messages, emails", "sns"),
    "AWS::SQS::Queue": _usage("requests", "sqs"),
}

FREE = frozenset(
    f"AWS::{name}"
    for name in (
        "ApiGatewayV2::Authorizer",
        "ApiGatewayV2::Integration",
        "ApiGatewayV2::Route",
        "ApiGatewayV2::Stage",
        "ApplicationAutoScaling::ScalableTarget",
        "ApplicationAutoScaling::ScalingPolicy",
        "Budgets::Budget",
        "CertificateManager::Certificate",
        "CloudFormation::Stack",
        "CloudFront::CachePolicy",
        "CloudFront::OriginAccessControl",
        "CloudFront::ResponseHeadersPolicy",
        "CodeConnections::Connection",
        "Cognito::UserPoolClient",
        "EC2::InternetGateway",
        "EC2::Route",
        "EC2::RouteTable",
        "EC2::SecurityGroup",
        "EC2::SecurityGroupIngress",
        "EC2::Subnet",
        "EC2::SubnetRouteTableAssociation",
        "EC2::VPC",
        "EC2::VPCCidrBlock",
        "EC2::VPCEndpoint",
        "EC2::VPCGatewayAttachment",
        "ECS::Service",
        "ElasticLoadBalancingV2::Listener",
        "ElasticLoadBalancingV2::ListenerRule",
        "ElasticLoadBalancingV2::TargetGroup",
        "IAM::ManagedPolicy",
        "IAM::OIDCProvider",
        "IAM::Role",
        "Lambda::EventInvokeConfig",
        "Lambda::EventSourceMapping",
        "Lambda::Permission",
        "Logs::DeliveryDestination",
        "Logs::DeliverySource",
        "RDS::DBParameterGroup",
        "RDS::DBSubnetGroup",
        "Route53::RecordSet",
        "S3::BucketPolicy",
        "SNS::Subscription",
        "SNS::TopicPolicy",
        "SQS::QueuePolicy",
        "SSM::Parameter",
        "ServiceDiscovery::HttpNamespace",
        "XRay::Group",
    )
)
