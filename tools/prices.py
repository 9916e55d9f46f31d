"""What AWS asks a month for what our stacks make: about, and kept by hand, for docs/layers.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

AS_OF = "November 2026"  # When somebody last wrote these down; nobody compared them with a bill.

Properties: TypeAlias = Mapping[str, Any]
Resources: TypeAlias = Mapping[str, Mapping[str, Any]]

HOURS = 730  # In a month, as AWS counts.


def _one(_: Properties, __: Resources) -> float:
    return 1


@dataclass(frozen=True)
class Price:
    """What is paid for although nobody uses it: *usd* a month for each *what*.

    *count* says how many of them a resource of *type* is; it sees the others of its template.
    """

    type: str
    what: str
    usd: float
    count: Callable[[Properties, Resources], float] = _one


def _machine(instance_class: str) -> Callable[[Properties, Resources], float]:
    def count(properties: Properties, _: Resources) -> float:
        return _copies(properties) if properties["DBInstanceClass"] == instance_class else 0

    return count


def _copies(database: Properties) -> int:
    """In how many zones a database stands."""
    return 2 if database["MultiAZ"] else 1


def _gibibytes(database: Properties, _: Resources) -> float:
    return int(database["AllocatedStorage"]) * _copies(database)


def _cpus(architecture: str) -> Callable[[Properties, Resources], float]:
    def count(task: Properties, others: Resources) -> float:
        if task["RuntimePlatform"]["CpuArchitecture"] != architecture:
            return 0
        return _fewest(others) * int(task["Cpu"]) / 1024

    return count


def _memory(architecture: str) -> Callable[[Properties, Resources], float]:
    def count(task: Properties, others: Resources) -> float:
        if task["RuntimePlatform"]["CpuArchitecture"] != architecture:
            return 0
        return _fewest(others) * int(task["Memory"]) / 1024

    return count


def _fewest(resources: Resources) -> int:
    """The fewest tasks that autoscaling lets run."""
    targets = "AWS::ApplicationAutoScaling::ScalableTarget"
    return sum(
        int(one["Properties"]["MinCapacity"])
        for one in resources.values()
        if one["Type"] == targets
    )


def _metrics(alarm: Properties, _: Resources) -> float:
    """An alarm over a formula is paid for each metric in it."""
    return max(1, sum("MetricStat" in query for query in alarm.get("Metrics", [])))


_DATABASE = "AWS::RDS::DBInstance"
_TASK = "AWS::ECS::TaskDefinition"
_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_ADDRESS = "public IPv4 address"

# From memory of AWS's public price lists; see AS_OF.
PRICES = (
    Price("AWS::EC2::NatGateway", "NAT gateway", 33),
    Price("AWS::EC2::EIP", _ADDRESS, 0.005 * HOURS),
    Price(_BALANCER, "load balancer", 17),
    Price(_BALANCER, _ADDRESS, 0.005 * HOURS, lambda one, _: len(one["Subnets"])),
    Price(_DATABASE, "db.t4g.micro", 13, _machine("db.t4g.micro")),
    Price(_DATABASE, "db.t4g.small", 26, _machine("db.t4g.small")),
    Price(_DATABASE, "db.t4g.medium", 52, _machine("db.t4g.medium")),
    Price(_DATABASE, "GiB of disk", 0.13, _gibibytes),
    Price(_DATABASE, "secret of the master", 0.40),
    Price(_TASK, "vCPU of Fargate on ARM", 26, _cpus("ARM64")),
    Price(_TASK, "GiB of memory of Fargate on ARM", 2.9, _memory("ARM64")),
    Price(_TASK, "vCPU of Fargate", 32, _cpus("X86_64")),
    Price(_TASK, "GiB of memory of Fargate", 3.6, _memory("X86_64")),
    Price("AWS::CloudWatch::Alarm", "metric with an alarm", 0.10, _metrics),
    Price("AWS::CloudWatch::Dashboard", "dashboard", 3),
)

# What is paid for by use; beside it AWS gives much of most of these for nothing.
BY_USE = {
    "AWS::ApiGatewayV2::Api": "1.00 for a million calls",
    "AWS::CloudFront::Distribution": "the first TB and ten million requests a month are free;"
    " then about 0.09 for a GB; 0.005 for a path that is invalidated, after 1000",
    "AWS::CloudFront::Function": "0.10 for a million calls, after two million",
    "AWS::CodeBuild::Project": "about 0.004 for a minute of the small machine, twice that for"
    " the medium one",
    "AWS::CodePipeline::Pipeline": "0.002 for a minute of an action, after 100",
    "AWS::Cognito::UserPool": "0.015 for a person who signed in that month, after 10,000",
    "AWS::DynamoDB::Table": "about 0.70 for a million writes, 0.14 for a million reads, 0.28 for a"
    " GB kept and 0.22 for one that can be brought back",
    "AWS::EC2::FlowLog": "0.50 for a GB",
    "AWS::EC2::NatGateway": "0.05 for a GB that goes through",
    "AWS::ECR::Repository": "0.10 for a GB kept",
    "AWS::ECS::Cluster": "Container Insights, where they are on: 0.30 for each metric",
    "AWS::ECS::TaskDefinition": "3.65 for the public address of a task, where the network has no"
    " NAT; tasks beyond the fewest",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "6 for each unit of capacity used all month:"
    " about 25 new connections a second, or a GB an hour",
    "AWS::Lambda::Function": "0.20 for a million calls and 13 for a million GB-seconds on ARM,"
    " after a million and 400,000",
    "AWS::Logs::Delivery": "0.50 for a GB of logs from CloudFront, after what is free",
    "AWS::Logs::LogGroup": "about 0.55 for a GB written, 0.03 for one kept",
    "AWS::RDS::DBInstance": "0.10 for a GB of backups, beyond the size of the disk",
    "AWS::S3::Bucket": "0.025 for a GB kept, 0.005 for a thousand files written",
    "AWS::SNS::Topic": "0.50 for a million messages; 2 for 100,000 mails, after 1000",
    "AWS::SQS::Queue": "0.40 for a million calls, after a million",
    "AWS::XRay::SamplingRule": "5 for a million traces, after 100,000",
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
