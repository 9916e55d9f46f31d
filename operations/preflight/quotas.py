"""Compare the quotas of the account with what the planned resources need.

The codes are those of Service Quotas (`aws service-quotas list-service-quotas`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from deployer.errors import CloudError
from operations.preflight.checks import Finding, Planned, PlannedResource, Refusals

GLOBAL_REGION = "us-east-1"  # Service Quotas has the quotas of IAM and CloudFront only here.
LAMBDA_RESERVE = 100  # Lambda keeps this concurrency unreserved (developer guide, concurrency).


@dataclass(frozen=True)
class Quota:
    """A quota: its codes, how much of it is *needed* for a first deploy, and how much is *used*.

    *used* is None if it is not counted. *region* is "" for the region of the environment.
    """

    name: str
    service: str
    code: str
    needed: Callable[[Planned], float]
    used: Callable[[Planned], float] | None = None
    region: str = ""


def quotas(planned: Planned) -> Iterator[Finding]:
    """Find each quota that is too low for the planned resources next to those that exist.

    Quotas that AWS refuses to read are listed in one finding for each reason.
    """
    refusals = Refusals()
    for quota in QUOTAS:
        if needed := quota.needed(planned):
            with refusals.of(quota.name):
                yield from _shortage(planned, quota, needed)
    yield from refusals.findings("whether the quotas suffice for {}")


def _shortage(planned: Planned, quota: Quota, needed: float) -> Iterator[Finding]:
    region = quota.region or planned.target.env.region
    value = _value(planned, quota, region)
    used = quota.used(planned) if quota.used else 0
    if used + needed > value:
        in_use = f" {used:g} are in use," if quota.used else ""
        yield Finding(
            "command",
            f"{quota.name}: the quota is {value:g},{in_use} and the stacks need {needed:g}",
            "aws service-quotas request-service-quota-increase"
            f" --service-code {quota.service} --quota-code {quota.code}"
            f" --desired-value {math.ceil(used + needed)} --region {region}",
        )


def _value(planned: Planned, quota: Quota, region: str) -> float:
    """Return the value for the account; the default of AWS if none was ever applied."""
    client = planned.target.account.client("service-quotas", region)
    codes = {"ServiceCode": quota.service, "QuotaCode": quota.code}
    try:
        response = client.get_service_quota(**codes)
    except CloudError as error:
        if error.aws_code != "NoSuchResourceException":
            raise
        response = client.get_aws_default_service_quota(**codes)
    return float(response["Quota"]["Value"])


def _count(type_: str) -> Callable[[Planned], float]:
    return lambda planned: len(planned.of(type_))


def _fargate_cpus(planned: Planned) -> float:
    """Return the vCPU of the tasks of all services during a deployment.

    Autoscaling may run MaxCapacity tasks, and a deployment MaximumPercent of them (200 unless the
    service sets it: ECS API reference, DeploymentConfiguration).
    """
    cpus = {
        task.stack: int(task.properties["Cpu"]) / 1024
        for task in planned.of("AWS::ECS::TaskDefinition")
    }
    tasks = {
        scaling.stack: int(scaling.properties["MaxCapacity"])
        for scaling in planned.of("AWS::ApplicationAutoScaling::ScalableTarget")
    }
    return sum(
        cpus.get(service.stack, 0) * tasks.get(service.stack, 1) * _maximum_share(service)
        for service in planned.of("AWS::ECS::Service")
    )


def _fargate_cpus_of(provider: str) -> Callable[[Planned], float]:
    """Return the vCPU of all services, if the planned cluster starts tasks with *provider*."""

    def needed(planned: Planned) -> float:
        providers = {
            item["CapacityProvider"]
            for cluster in planned.of("AWS::ECS::Cluster")
            for item in cluster.properties.get("DefaultCapacityProviderStrategy", ())
        }
        return _fargate_cpus(planned) if provider in (providers or {"FARGATE"}) else 0

    return needed


def _maximum_share(service: PlannedResource) -> float:
    deployment = service.properties.get("DeploymentConfiguration", {})
    return float(deployment.get("MaximumPercent", 200)) / 100


def _concurrency(planned: Planned) -> float:
    """Return the reserved concurrency and what Lambda keeps unreserved; 1 without a reservation."""
    reserved = sum(
        int(function.properties.get("ReservedConcurrentExecutions", 0))
        for function in planned.of("AWS::Lambda::Function")
    )
    if reserved:
        return reserved + LAMBDA_RESERVE
    return float(bool(planned.of("AWS::Lambda::Function")))


def _policies_of_a_role(planned: Planned) -> float:
    """Return the largest number of managed policies of one role.

    A policy names its roles, or a role its policies.
    """
    attached = Counter(
        str(role)
        for policy in planned.of("AWS::IAM::ManagedPolicy")
        for role in policy.properties.get("Roles", ())
    )
    listed = [
        len(role.properties.get("ManagedPolicyArns", ())) for role in planned.of("AWS::IAM::Role")
    ]
    return max([*attached.values(), *listed], default=0)


def _existing(
    service: str, operation: str, count: Callable[[Any], int], region: str = ""
) -> Callable[[Planned], float]:
    """Return a function that counts what exists with a paginated read call."""

    def used(planned: Planned) -> float:
        client = planned.target.account.client(service, region or planned.target.env.region)
        return sum(count(page) for page in client.get_paginator(operation).paginate())

    return used


def _addresses(planned: Planned) -> float:
    return len(planned.target.client("ec2").describe_addresses()["Addresses"])


QUOTAS = (
    Quota(
        "VPCs per region",
        "vpc",
        "L-F678F1CE",
        _count("AWS::EC2::VPC"),
        _existing("ec2", "describe_vpcs", lambda page: len(page["Vpcs"])),
    ),
    Quota("Elastic IP addresses", "ec2", "L-0263D0A3", _count("AWS::EC2::EIP"), _addresses),
    Quota(
        "Application Load Balancers",
        "elasticloadbalancing",
        "L-53DA6B97",
        _count("AWS::ElasticLoadBalancingV2::LoadBalancer"),
        _existing("elbv2", "describe_load_balancers", lambda page: len(page["LoadBalancers"])),
    ),
    Quota(
        "DB instances",
        "rds",
        "L-7B6409FD",
        _count("AWS::RDS::DBInstance"),
        _existing("rds", "describe_db_instances", lambda page: len(page["DBInstances"])),
    ),
    Quota("vCPU of Fargate tasks", "fargate", "L-3032A538", _fargate_cpus_of("FARGATE")),
    Quota("vCPU of Fargate Spot tasks", "fargate", "L-36FBB829", _fargate_cpus_of("FARGATE_SPOT")),
    Quota("concurrent executions of Lambda", "lambda", "L-B99A9384", _concurrency),
    Quota(
        "distributions of CloudFront",
        "cloudfront",
        "L-24B04930",
        _count("AWS::CloudFront::Distribution"),
        _existing(
            "cloudfront",
            "list_distributions",
            lambda page: len(page["DistributionList"].get("Items", ())),
            GLOBAL_REGION,
        ),
        GLOBAL_REGION,
    ),
    Quota(
        "managed policies of a role", "iam", "L-0DA4ABF3", _policies_of_a_role, region=GLOBAL_REGION
    ),
)
