"""Each check with AWS answers that need nothing, and with answers that need an action."""

from __future__ import annotations

from typing import Any

import pytest

from operations import project
from operations.preflight import CHECKS, Planned, run
from operations.preflight.checks import _planned_resources
from operations.preflight.name_lookups import LOOKUPS
from operations.preflight.names import primary_identifier
from operations.preflight.permissions import unlisted_types
from operations.preflight.quotas import QUOTAS
from operations.preflight.service_roles import ROLES
from operations.target import Target
from stacks.permissions.statements import create_service_linked_roles
from tests.operations.preflight.accounts import Account, refusal, resource, target
from tests.operations.preflight.ready_account import (
    RESOURCES,
    ROLE,
    ZONE,
    builds,
    caller,
    options,
    preflight,
    quotas,
    ready,
    simulation,
    types,
    zones,
)


def test_a_ready_account() -> None:
    """Nothing has to be done."""
    assert preflight() == []


def test_the_connection() -> None:
    """An owner of the repository authorizes the connection after the deploy."""
    found = run(target(Account(ready()), RESOURCES), CHECKS)

    assert [(r.verdict, r.fact) for r in found if r.check == "connection"] == [
        ("unknown", "whether GitHub accepts crd-x-github, which starts as PENDING")
    ]


SHORT = "aws service-quotas request-service-quota-increase --service-code"


SITUATIONS = [
    pytest.param(
        "iam",
        "simulate_principal_policy",
        simulation("ec2:CreateVpc", "ecs:CreateCluster"),
        ("permissions", "manual"),
        "arn:aws:iam::000000000000:user/operator may not call ec2:CreateVpc, ecs:CreateCluster",
        id="two actions denied",
    ),
    pytest.param(
        "iam",
        "simulate_principal_policy",
        refusal("AccessDenied"),
        ("permissions", "unknown"),
        "place: Call: AccessDenied: no",
        id="no permission to simulate",
    ),
    pytest.param(
        "route53",
        "get_hosted_zone",
        refusal("NoSuchHostedZone"),
        ("domain", "command"),
        "the account has no hosted zone Z1",
        id="no hosted zone",
    ),
    pytest.param(
        "route53",
        "get_hosted_zone",
        ZONE | {"HostedZone": ZONE["HostedZone"] | {"Name": "other.example."}},
        ("domain", "manual"),
        "the hosted zone Z1 is of other.example, not of x.example",
        id="the zone of another domain",
    ),
    pytest.param(
        "route53",
        "get_hosted_zone",
        ZONE | {"HostedZone": ZONE["HostedZone"] | {"Name": "ax.example."}},
        ("domain", "manual"),
        "the hosted zone Z1 is of ax.example, not of x.example",
        id="a zone with the same end",
    ),
    pytest.param(
        "route53",
        "get_hosted_zone",
        ZONE | {"HostedZone": ZONE["HostedZone"] | {"Config": {"PrivateZone": True}}},
        ("domain", "manual"),
        "the hosted zone Z1 is private, and certificates need public DNS",
        id="a private zone",
    ),
    pytest.param(
        "service-quotas",
        "get_service_quota",
        refusal("AccessDeniedException"),
        ("quotas", "unknown"),
        "whether the quotas suffice for VPCs per region, Elastic IP addresses, Application Load"
        " Balancers, DB instances, vCPU of Fargate tasks, concurrent executions of Lambda,"
        " distributions of CloudFront, managed policies of a role: AccessDeniedException",
        id="no permission to read quotas",
    ),
    pytest.param(
        "cloudcontrol",
        "get_resource",
        lambda call: (
            {} if call["Identifier"] == "crd-x-cluster" else refusal("ResourceNotFoundException")
        ),
        ("names", "manual"),
        "network/Cluster: AWS::ECS::Cluster crd-x-cluster exists",
        id="a name is taken",
    ),
    pytest.param(
        "cloudcontrol",
        "get_resource",
        refusal("AccessDeniedException"),
        ("names", "unknown"),
        "whether the names of network/Cluster, network/Bucket are free: AccessDeniedException",
        id="no permission to read resources",
    ),
    pytest.param(
        "iam",
        "list_open_id_connect_providers",
        {
            "OpenIDConnectProviderList": [
                {"Arn": "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com"}
            ]
        },
        ("names", "manual"),
        "the account has the OIDC provider of token.actions.githubusercontent.com",
        id="the OIDC provider exists",
    ),
    pytest.param(
        "ec2",
        "describe_availability_zones",
        zones(2),
        ("zones", "manual"),
        "ca-central-1 has 2 availability zones, and the network uses 3",
        id="too few zones",
    ),
    pytest.param(
        "ec2",
        "describe_availability_zones",
        refusal("UnauthorizedOperation"),
        ("zones", "unknown"),
        "place: Call: UnauthorizedOperation: no",
        id="no permission to list zones",
    ),
    pytest.param(
        "rds",
        "describe_orderable_db_instance_options",
        options(1),
        ("database", "manual"),
        "RDS offers db.t4g.small with PostgreSQL 18.6 in 1 zones of ca-central-1",
        id="the instance class in one zone",
    ),
    pytest.param(
        "rds",
        "describe_orderable_db_instance_options",
        {"OrderableDBInstanceOptions": []},
        ("database", "manual"),
        "RDS offers db.t4g.small with PostgreSQL 18.6 in 0 zones of ca-central-1",
        id="an unknown version",
    ),
    pytest.param(
        "budgets",
        "describe_budgets",
        refusal("AccessDeniedException"),
        ("billing", "manual"),
        "AWS Budgets refuses the caller",
        id="no access to billing",
    ),
    pytest.param(
        "budgets",
        "describe_budgets",
        refusal("InternalErrorException"),
        ("billing", "unknown"),
        "place: Call: InternalErrorException: no",
        id="billing fails",
    ),
    pytest.param(
        "sts",
        "get_caller_identity",
        caller("11:50:00"),
        ("clock", "command"),
        "the clock of this machine is 600 seconds ahead of that of AWS",
        id="a clock that is ahead",
    ),
    pytest.param(
        "sts",
        "get_caller_identity",
        caller("12:01:01"),
        ("clock", "command"),
        "the clock of this machine is 61 seconds behind that of AWS",
        id="a clock that is behind",
    ),
    pytest.param(
        "sts",
        "get_caller_identity",
        caller(),
        ("clock", "unknown"),
        "whether the clock is right: the response has no date",
        id="a response without a date",
    ),
    pytest.param(
        "service-quotas",
        "list_service_quotas",
        builds(0),
        ("builds", "command"),
        "Concurrently running builds for ARM/Medium environment: the quota is 0, and a pipeline"
        " needs 1",
        id="no builds",
    ),
    pytest.param(
        "service-quotas",
        "list_service_quotas",
        builds(1, "Small"),
        ("builds", "unknown"),
        "Concurrently running builds for ARM/Medium environment: Service Quotas does not list it",
        id="an environment without a quota",
    ),
    pytest.param(
        "cloudformation",
        "list_types",
        types("AWS::XRay::Group", "AWS::S3::Bucket"),
        ("types", "manual"),
        "ca-central-1 has no AWS::S3::Bucket, AWS::XRay::Group",
        id="types that the region does not have",
    ),
    pytest.param(
        "cloudformation",
        "list_types",
        refusal("AccessDenied"),
        ("types", "unknown"),
        "place: Call: AccessDenied: no",
        id="no permission to list types",
    ),
    pytest.param(
        "sesv2",
        "get_email_identity",
        refusal("NotFoundException"),
        ("email", "command"),
        "SES has no identity x.example in ca-central-1",
        id="no identity in SES",
    ),
    pytest.param(
        "sesv2",
        "get_email_identity",
        {"VerifiedForSendingStatus": False},
        ("email", "manual"),
        "SES has not verified the identity x.example in ca-central-1",
        id="an identity that is not verified",
    ),
    pytest.param(
        "sesv2",
        "get_account",
        {"ProductionAccessEnabled": False},
        ("email", "manual"),
        "SES is in the sandbox in ca-central-1, and sends to verified addresses only",
        id="the sandbox of SES",
    ),
    pytest.param(
        "sesv2",
        "get_email_identity",
        refusal("AccessDeniedException"),
        ("email", "unknown"),
        "place: Call: AccessDeniedException: no",
        id="no permission to read SES",
    ),
    pytest.param(
        "cloudfront",
        "list_distributions",
        {"DistributionList": {}},
        ("holds", "unknown"),
        "whether AWS holds back CloudFront in a new account: no call reports it",
        id="no distribution yet",
    ),
    pytest.param(
        "codebuild",
        "list_builds",
        {},
        ("holds", "unknown"),
        "whether AWS holds back CodeBuild in a new account: no call reports it",
        id="no build yet",
    ),
    pytest.param(
        "elbv2",
        "describe_load_balancers",
        {"LoadBalancers": []},
        ("holds", "unknown"),
        "whether AWS holds back Elastic Load Balancing in a new account: no call reports it",
        id="no load balancer yet",
    ),
    pytest.param(
        "iam",
        "get_role",
        refusal("AccessDenied"),
        ("service roles", "unknown"),
        "whether these roles exist: AWSServiceRoleForECS,"
        " AWSServiceRoleForApplicationAutoScaling_ECSService,"
        " AWSServiceRoleForElasticLoadBalancing, AWSServiceRoleForAmazonCognitoIdpEmailService,"
        " AWSServiceRoleForRDS: AccessDenied",
        id="no permission to read roles",
    ),
]


@pytest.mark.parametrize(("service", "operation", "answer", "expected", "fact"), SITUATIONS)
def test_situations(
    service: str, operation: str, answer: Any, expected: tuple[str, str], fact: str
) -> None:
    """Exactly the changed answer is reported."""
    found = preflight(service, operation, answer)

    assert [result[:3] for result in found] == [(*expected, fact)]


# The quota of a service that is too low, its value, and the fact.
LOW_QUOTAS = [
    ("vpc", 1, "VPCs per region: the quota is 1, 1 are in use, and the stacks need 1"),
    ("ec2", 0, "Elastic IP addresses: the quota is 0, 0 are in use, and the stacks need 1"),
    ("fargate", 5, "vCPU of Fargate tasks: the quota is 5, and the stacks need 6"),
    (
        "lambda",
        10,
        "concurrent executions of Lambda: the quota is 10, and the stacks need 120",
    ),
    ("iam", 1, "managed policies of a role: the quota is 1, and the stacks need 2"),
    (
        "cloudfront",
        1,
        "distributions of CloudFront: the quota is 1, 1 are in use, and the stacks need 1",
    ),
    ("rds", 0, "DB instances: the quota is 0, 0 are in use, and the stacks need 1"),
    (
        "elasticloadbalancing",
        1,
        "Application Load Balancers: the quota is 1, 1 are in use, and the stacks need 1",
    ),
]


@pytest.mark.parametrize(("service", "value", "fact"), LOW_QUOTAS)
def test_a_low_quota(service: str, value: float, fact: str) -> None:
    """Exactly this quota is reported."""
    found = preflight("service-quotas", "get_service_quota", quotas(**{service: value}))

    assert [result[:3] for result in found] == [("quotas", "command", fact)]


def test_the_quota_of_the_capacity_provider() -> None:
    """A cluster with Fargate Spot needs the quota of Spot, and not the other one."""
    cluster = resource(
        "AWS::ECS::Cluster",
        DefaultCapacityProviderStrategy=[{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}],
    )
    answers = ready()
    answers["service-quotas"]["get_service_quota"] = quotas(fargate=0)

    found = list(run(target(Account(answers), RESOURCES | {"Cluster": cluster}), CHECKS))

    assert [result.fact for result in found if result.check == "quotas"] == [
        "vCPU of Fargate Spot tasks: the quota is 0, and the stacks need 6"
    ]


def test_missing_service_linked_roles() -> None:
    """Each missing service-linked role has the command that creates it."""

    def missing(parameters: dict[str, Any]) -> Any:
        return ROLE if parameters["RoleName"] == "name" else refusal("NoSuchEntity")

    found = preflight("iam", "get_role", missing)

    create = "aws iam create-service-linked-role --aws-service-name"
    assert [result for result in found if result[0] == "service roles"] == [
        (
            "service roles",
            "command",
            "the role AWSServiceRoleForECS does not exist",
            f"{create} ecs.amazonaws.com",
        ),
        (
            "service roles",
            "command",
            "the role AWSServiceRoleForApplicationAutoScaling_ECSService does not exist",
            f"{create} ecs.application-autoscaling.amazonaws.com",
        ),
        (
            "service roles",
            "command",
            "the role AWSServiceRoleForElasticLoadBalancing does not exist",
            f"{create} elasticloadbalancing.amazonaws.com",
        ),
        (
            "service roles",
            "command",
            "the role AWSServiceRoleForAmazonCognitoIdpEmailService does not exist",
            f"{create} email.cognito-idp.amazonaws.com",
        ),
        (
            "service roles",
            "command",
            "the role AWSServiceRoleForRDS does not exist",
            f"{create} rds.amazonaws.com",
        ),
    ]


def test_the_default_of_a_quota() -> None:
    """The default is read for a quota of which no change was ever requested."""
    answers = ready()
    answers["service-quotas"] |= {
        "get_service_quota": refusal("NoSuchResourceException"),
        "get_aws_default_service_quota": quotas(vpc=1),
    }

    found = list(run(target(Account(answers), RESOURCES), CHECKS))

    assert [result.fact for result in found if result.check == "quotas"] == [
        "VPCs per region: the quota is 1, 1 are in use, and the stacks need 1"
    ]


def test_a_refused_count() -> None:
    """The other quotas are still compared."""
    answers = ready()
    answers["ec2"]["describe_vpcs"] = refusal("UnauthorizedOperation")
    answers["service-quotas"]["get_service_quota"] = quotas(iam=1)

    found = list(run(target(Account(answers), RESOURCES), CHECKS))

    assert [(result.verdict, result.fact) for result in found if result.check == "quotas"] == [
        ("command", "managed policies of a role: the quota is 1, and the stacks need 2"),
        ("unknown", "whether the quotas suffice for VPCs per region: UnauthorizedOperation"),
    ]


def test_a_quota_names_its_command() -> None:
    """The command asks for the quota that is needed, in the region of the quota."""
    (found,) = [
        r
        for r in preflight("service-quotas", "get_service_quota", quotas(cloudfront=1))
        if r[0] == "quotas"
    ]

    assert found[3] == (
        f"{SHORT} cloudfront --quota-code L-24B04930 --desired-value 2 --region us-east-1"
    )


def test_the_service_roles_are_those_that_a_release_may_create() -> None:
    """The permissions of a release list the same services."""
    condition = create_service_linked_roles().Condition.JSONrepr()

    assert sorted(ROLES) == condition["StringEquals"]["iam:AWSServiceName"]


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_checks_know_the_resources_of_the_stacks(environment: str) -> None:
    """Every quota, role and name in the tables belongs to a resource of the stacks."""
    target_of_stacks = Target(project.project().open(environment), Account(ready()))
    planned = Planned(target_of_stacks, tuple(_planned_resources(target_of_stacks)))

    present = {resource.type for resource in planned.resources}
    unused = {quota.name for quota in QUOTAS if not quota.needed(planned)}
    assert (
        unused
        == {
            "dev": {"Elastic IP addresses", "vCPU of Fargate tasks"},
            "prod": {"vCPU of Fargate Spot tasks"},
        }[environment]
    )
    unneeded = {
        service
        for service, (_, is_needed_by) in ROLES.items()
        if not any(map(is_needed_by, planned.resources))
    }
    assert unneeded == {"email.cognito-idp.amazonaws.com"}
    named = {item.type for item in planned.resources if primary_identifier(item, "0" * 12)}
    assert {"AWS::ECS::Cluster", "AWS::RDS::DBInstance", "AWS::S3::Bucket"} <= named
    assert {*LOOKUPS} - present == {"AWS::Cognito::UserPoolDomain"}
    assert unlisted_types(present) == set()
