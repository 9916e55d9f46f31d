"""The preflight of `local` on the emulator: fresh, and with problems planted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from deployer.aws.connect import connect_emulator
from deployer.environment import Environment
from operations import project
from operations.preflight import CHECKS, run
from operations.target import Target
from tests.emulator.templates import resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws

SERVICES = (
    "ecs.amazonaws.com",
    "ecs.application-autoscaling.amazonaws.com",
    "elasticloadbalancing.amazonaws.com",
    "rds.amazonaws.com",
)


def environment(aws: Aws, **env: Any) -> Environment:
    """Return `local` in the account of the test, with other settings of [env]."""
    local = project.environment("local")
    return replace(
        local, env=msgspec.structs.replace(local.env, account=aws.endpoint.account, **env)
    )


def preflight(aws: Aws, **env: Any) -> list[tuple[str, str]]:
    """Return check and fact of each result that needs an action."""
    found = environment(aws, **env)
    endpoint = aws.endpoint
    account = connect_emulator(found.env, endpoint.url, endpoint.access_key, endpoint.secret_key)
    return [
        (result.check, result.fact)
        for result in run(Target(found, account), CHECKS)
        if result.verdict in {"command", "manual"}
    ]


@pytest.fixture
def ready(aws: Aws) -> Aws:
    """Return an account in which nothing has to be fixed."""
    for service in SERVICES:
        aws.client("iam").create_service_linked_role(AWSServiceName=service)
    return aws


def zone(aws: Aws) -> str:
    """Create the hosted zone of `local`, and return its id."""
    created = aws.client("route53").create_hosted_zone(
        Name=project.environment("local").env.domain, CallerReference="first"
    )
    return str(created["HostedZone"]["Id"].rpartition("/")[2])


def test_a_fresh_account(aws: Aws) -> None:
    """The service-linked roles and the hosted zone are missing; each has its command."""
    found = preflight(aws, hosted_zone="Z404")

    assert [check for check, _ in found] == [*["service roles"] * 4, "domain"]
    assert found[-1] == ("domain", "the account has no hosted zone Z404")


def quota(service: str, code: str, value: float, region: str = "") -> Callable[[Aws], None]:
    """Return a function that sets a quota."""
    return lambda aws: aws.client(
        "service-quotas", *([region] if region else [])
    ).request_service_quota_increase(ServiceCode=service, QuotaCode=code, DesiredValue=value)


def taken(type_: str, **properties: Any) -> Callable[[Aws], Any]:
    """Return a function that lets another stack take a name."""
    return lambda aws: aws.deploy("legacy", template(Taken=resource(type_, **properties)))


SMALL_BUILDS = "Concurrently running builds for ARM/Small environment"
PLANTED = {
    "no VPC left": (
        quota("vpc", "L-F678F1CE", 1),
        ("quotas", "VPCs per region: the quota is 1, 1 are in use, and the stacks need 1"),
    ),
    "no load balancer": (
        quota("elasticloadbalancing", "L-53DA6B97", 0),
        (
            "quotas",
            "Application Load Balancers: the quota is 0, 0 are in use, and the stacks need 1",
        ),
    ),
    "no DB instance": (
        quota("rds", "L-7B6409FD", 0),
        ("quotas", "DB instances: the quota is 0, 0 are in use, and the stacks need 1"),
    ),
    "no distributions": (
        quota("cloudfront", "L-24B04930", 1, "us-east-1"),
        (
            "quotas",
            "distributions of CloudFront: the quota is 1, 0 are in use, and the stacks need 2",
        ),
    ),
    "few policies of a role": (
        quota("iam", "L-0DA4ABF3", 9, "us-east-1"),
        (
            "quotas",
            "managed policies of a role: the quota is 9, and the stacks need 10",
        ),
    ),
    "no builds": (
        quota("codebuild", "L-5ED1D25B", 0),
        (
            "builds",
            f"{SMALL_BUILDS}: the quota is 0, and a pipeline needs 1",
        ),
    ),
    "a project with the name": (
        lambda aws: aws.client("codebuild").create_project(
            name="crd-local-pipeline-image",
            source={"type": "NO_SOURCE"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "ARM_CONTAINER",
                "image": "x",
                "computeType": "BUILD_GENERAL1_SMALL",
            },
            serviceRole="arn:aws:iam::000000000000:role/x",
        ),
        (
            "names",
            "pipeline/Image: AWS::CodeBuild::Project crd-local-pipeline-image exists",
        ),
    ),
    "a cluster with the name": (
        taken("AWS::ECS::Cluster", ClusterName="crd-local-cluster"),
        ("names", "cluster/Cluster: AWS::ECS::Cluster crd-local-cluster exists"),
    ),
    "a repository with the name": (
        taken("AWS::ECR::Repository", RepositoryName="crd-local-backend"),
        ("names", "registry/BackendRepository: AWS::ECR::Repository crd-local-backend exists"),
    ),
    "an OIDC provider": (
        taken(
            "AWS::IAM::OIDCProvider",
            Url="https://token.actions.githubusercontent.com",
            ClientIdList=["sts.amazonaws.com"],
        ),
        ("names", "the account has the OIDC provider of token.actions.githubusercontent.com"),
    ),
}


@pytest.mark.parametrize("problem", PLANTED)
def test_a_planted_problem(ready: Aws, problem: str) -> None:
    """Exactly the planted problem is found."""
    plant, expected = PLANTED[problem]
    plant(ready)

    assert preflight(ready, hosted_zone=zone(ready)) == [expected]


def test_a_zone_of_another_domain(ready: Aws) -> None:
    """The hosted zone exists, and belongs to another domain."""
    found = preflight(ready, hosted_zone=zone(ready), domain="other.localhost")

    assert [check for check, _ in found] == ["domain"]
