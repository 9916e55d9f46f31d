"""Each check with AWS answers that need nothing, and with answers that need an action."""

from __future__ import annotations

from typing import Any

import pytest

from operations import project
from operations.preflight import CHECKS, Planned, run
from operations.preflight.checks import _planned_resources
from operations.preflight.names import primary_identifier
from operations.preflight.quotas import QUOTAS
from operations.preflight.service_roles import ROLES
from operations.target import Target
from stacks.permissions.statements import create_service_linked_roles
from tests.operations.preflight.accounts import Account, refusal, resource, target

ZONE = {
    "HostedZone": {"Id": "/hostedzone/Z1", "Name": "x.example.", "CallerReference": "1"},
    "DelegationSet": {"NameServers": ["ns-1.awsdns-1.com", "ns-2.awsdns-2.net"]},
}
RESOURCES = {
    "Vpc": resource("AWS::EC2::VPC"),
    "Address": resource("AWS::EC2::EIP"),
    **{
        f"Subnet{index}": resource(
            "AWS::EC2::Subnet", AvailabilityZone={"Fn::Select": [index, {"Fn::GetAZs": ""}]}
        )
        for index in range(3)
    },
    "Cluster": resource("AWS::ECS::Cluster", ClusterName="crd-x-cluster"),
    "Service": resource("AWS::ECS::Service"),
    "Scaling": resource("AWS::ApplicationAutoScaling::ScalableTarget"),
    "Balancer": resource("AWS::ElasticLoadBalancingV2::LoadBalancer"),
    "Database": resource(
        "AWS::RDS::DBInstance",
        Engine="postgres",
        EngineVersion="18.6",
        DBInstanceClass="db.t4g.small",
    ),
    "Function": resource("AWS::Lambda::Function", ReservedConcurrentExecutions=20),
    "Distribution": resource("AWS::CloudFront::Distribution"),
    "Role": resource("AWS::IAM::Role", ManagedPolicyArns=["arn:1", "arn:2"]),
    "Provider": resource(
        "AWS::IAM::OIDCProvider", Url="https://token.actions.githubusercontent.com"
    ),
    "Budget": resource("AWS::Budgets::Budget"),
}
ROLE = {
    "Role": {
        "Path": "/",
        "RoleName": "name",
        "RoleId": "AROAIOSFODNN7EXAMPLE",
        "Arn": "arn:aws:iam::000000000000:role/name",
        "CreateDate": "2026-01-01",
    }
}


def allowed(parameters: dict[str, Any]) -> dict[str, Any]:
    """Allow every action."""
    return {
        "EvaluationResults": [
            {"EvalActionName": action, "EvalDecision": "allowed"}
            for action in parameters["ActionNames"]
        ]
    }


def denied(*actions: str) -> Any:
    """Return a simulation that denies *actions*."""

    def simulate(parameters: dict[str, Any]) -> dict[str, Any]:
        return {
            "EvaluationResults": [
                {
                    "EvalActionName": action,
                    "EvalDecision": "implicitDeny" if action in actions else "allowed",
                }
                for action in parameters["ActionNames"]
            ]
        }

    return simulate


def quotas(**values: float) -> Any:
    """Return the answer of GetServiceQuota: *values* by service, otherwise 1000."""
    return lambda parameters: {
        "Quota": {"Value": float(values.get(parameters["ServiceCode"], 1000))}
    }


def zones(count: int) -> dict[str, Any]:
    """Return *count* available zones."""
    return {
        "AvailabilityZones": [
            {"ZoneName": f"ca-central-1{letter}", "State": "available"}
            for letter in "abcdef"[:count]
        ]
    }


def options(count: int) -> dict[str, Any]:
    """Return one orderable option in *count* zones."""
    names = [{"Name": f"ca-central-1{letter}"} for letter in "abcdef"[:count]]
    return {"OrderableDBInstanceOptions": [{"AvailabilityZones": names}]}


def ready() -> dict[str, dict[str, Any]]:
    """Return the answers of an account in which nothing has to be fixed."""
    return {
        "iam": {
            "get_role": ROLE,
            "simulate_principal_policy": allowed,
            "list_open_id_connect_providers": {"OpenIDConnectProviderList": []},
        },
        "service-quotas": {"get_service_quota": quotas()},
        "ec2": {
            "describe_vpcs": {"Vpcs": [{}]},
            "describe_addresses": {"Addresses": []},
            "describe_availability_zones": zones(3),
        },
        "elbv2": {"describe_load_balancers": {"LoadBalancers": []}},
        "rds": {
            "describe_db_instances": {"DBInstances": []},
            "describe_orderable_db_instance_options": options(3),
        },
        "cloudfront": {
            "list_distributions": {
                "DistributionList": {
                    "Marker": "",
                    "MaxItems": 100,
                    "IsTruncated": False,
                    "Quantity": 0,
                }
            }
        },
        "route53": {"get_hosted_zone": ZONE},
        "cloudcontrol": {"get_resource": refusal("ResourceNotFoundException")},
        "budgets": {"describe_budgets": {"Budgets": []}},
    }


def preflight(
    service: str = "", operation: str = "", answer: Any = None, arn: str = ""
) -> list[tuple[str, str, str, str]]:
    """Return the results that are not ok, with one *answer* of a ready account changed."""
    answers = ready()
    if service:
        answers[service][operation] = answer
    account = Account(answers, **({"arn": arn} if arn else {}))
    return [
        (result.check, result.verdict, result.fact, result.action)
        for result in run(target(account, RESOURCES), CHECKS)
        if result.verdict != "ok"
    ]


DELEGATION = (
    "domain",
    "unknown",
    "whether public DNS delegates x.example to ns-1.awsdns-1.com ns-2.awsdns-2.net",
    "run: dig +short NS x.example",
)


def test_a_ready_account() -> None:
    """Only the delegation of the domain is left to the operator."""
    assert preflight() == [DELEGATION]


SHORT = "aws service-quotas request-service-quota-increase --service-code"
SITUATIONS = [
    pytest.param(
        "iam",
        "simulate_principal_policy",
        denied("ec2:CreateVpc", "ecs:CreateCluster"),
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
        "place: Call: AccessDeniedException: no",
        id="no permission to read quotas",
    ),
    pytest.param(
        "cloudcontrol",
        "get_resource",
        {"TypeName": "AWS::ECS::Cluster", "ResourceDescription": {"Identifier": "crd-x-cluster"}},
        ("names", "manual"),
        "network/Cluster: AWS::ECS::Cluster crd-x-cluster exists",
        id="a name is taken",
    ),
    pytest.param(
        "cloudcontrol",
        "get_resource",
        refusal("AccessDeniedException"),
        ("names", "unknown"),
        "place: Call: AccessDeniedException: no",
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
]


@pytest.mark.parametrize(("service", "operation", "answer", "expected", "fact"), SITUATIONS)
def test_situations(
    service: str, operation: str, answer: Any, expected: tuple[str, str], fact: str
) -> None:
    """Exactly the changed answer is reported, next to the delegation."""
    found = preflight(service, operation, answer)

    changed = [(check, verdict, text) for check, verdict, text, _ in found if text != DELEGATION[2]]
    assert changed == [(*expected, fact)]


# The quota of a service that is too low, its value, and the fact.
LOW_QUOTAS = [
    ("vpc", 1, "VPCs per region: the quota is 1, 1 are in use, and the stacks need 1"),
    ("ec2", 0, "Elastic IP addresses: the quota is 0, 0 are in use, and the stacks need 1"),
    ("fargate", 5, "vCPU of Fargate tasks: the quota is 5, 0 are in use, and the stacks need 6"),
    (
        "lambda",
        10,
        "concurrent executions of Lambda: the quota is 10, 0 are in use, and the stacks need 120",
    ),
    ("iam", 1, "managed policies of a role: the quota is 1, 0 are in use, and the stacks need 2"),
    (
        "cloudfront",
        0,
        "distributions of CloudFront: the quota is 0, 0 are in use, and the stacks need 1",
    ),
    ("rds", 0, "DB instances: the quota is 0, 0 are in use, and the stacks need 1"),
    (
        "elasticloadbalancing",
        0,
        "Application Load Balancers: the quota is 0, 0 are in use, and the stacks need 1",
    ),
]


@pytest.mark.parametrize(("service", "value", "fact"), LOW_QUOTAS)
def test_a_low_quota(service: str, value: float, fact: str) -> None:
    """Exactly this quota is reported, next to the delegation."""
    found = preflight("service-quotas", "get_service_quota", quotas(**{service: value}))

    changed = [result[:3] for result in found if result[2] != DELEGATION[2]]
    assert changed == [("quotas", "command", fact)]


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
            "the role AWSServiceRoleForRDS does not exist",
            f"{create} rds.amazonaws.com",
        ),
    ]


def test_the_root_user() -> None:
    """The root user is reported: its permissions cannot be simulated, and it should not deploy."""
    found = preflight(arn="arn:aws:iam::000000000000:root")

    assert [result[:3] for result in found if result[0] == "permissions"] == [
        (
            "permissions",
            "manual",
            "the caller is the root user, whose permissions cannot be limited",
        )
    ]


def test_the_role_of_a_session_is_simulated() -> None:
    """The ARN of a session lacks the path of the role, so the role is read."""
    simulated: set[str] = set()

    def simulate(parameters: dict[str, Any]) -> dict[str, Any]:
        simulated.add(parameters["PolicySourceArn"])
        return allowed(parameters)

    session = "arn:aws:sts::000000000000:assumed-role/name/operator@example"
    preflight("iam", "simulate_principal_policy", simulate, arn=session)

    assert simulated == {ROLE["Role"]["Arn"]}


def test_the_default_of_a_quota() -> None:
    """The default is read for a quota of which no change was ever requested."""
    answers = ready()
    answers["service-quotas"] = {
        "get_service_quota": refusal("NoSuchResourceException"),
        "get_aws_default_service_quota": quotas(vpc=1),
    }

    found = list(run(target(Account(answers), RESOURCES), CHECKS))

    assert [result.fact for result in found if result.check == "quotas"] == [
        "VPCs per region: the quota is 1, 1 are in use, and the stacks need 1"
    ]


def test_a_quota_names_its_command() -> None:
    """The command asks for the quota that is needed, in the region of the quota."""
    (found,) = [
        r
        for r in preflight("service-quotas", "get_service_quota", quotas(cloudfront=0))
        if r[0] == "quotas"
    ]

    assert found[3] == (
        f"{SHORT} cloudfront --quota-code L-24B04930 --desired-value 1 --region us-east-1"
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

    unused = {quota.name for quota in QUOTAS if not quota.needed(planned)}
    assert unused == ({"Elastic IP addresses"} if environment == "dev" else set())
    assert all(any(planned.of(type_) for type_ in types) for _, types in ROLES.values())
    named = {resource.type for resource in planned.resources if primary_identifier(resource)}
    assert {"AWS::ECS::Cluster", "AWS::RDS::DBInstance", "AWS::ECR::Repository"} <= named
