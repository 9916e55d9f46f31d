"""The answers of an account in which nothing has to be fixed before a first deploy."""

from __future__ import annotations

from typing import Any

from operations.preflight import CHECKS, run
from tests.operations.preflight.accounts import Account, refusal, resource, target

SERVERS = ("ns-1.awsdns-1.com", "ns-2.awsdns-2.net")
ZONE = {
    "HostedZone": {"Id": "/hostedzone/Z1", "Name": "x.example.", "CallerReference": "1"},
    "DelegationSet": {"NameServers": list(SERVERS)},
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
    "Service": resource("AWS::ECS::Service", DeploymentConfiguration={"MaximumPercent": 150}),
    "Task": resource("AWS::ECS::TaskDefinition", Cpu="1024"),
    "Scaling": resource("AWS::ApplicationAutoScaling::ScalableTarget", MaxCapacity=4),
    "Balancer": resource("AWS::ElasticLoadBalancingV2::LoadBalancer"),
    "Database": resource(
        "AWS::RDS::DBInstance",
        Engine="postgres",
        EngineVersion="18.6",
        DBInstanceClass="db.t4g.small",
    ),
    "Function": resource("AWS::Lambda::Function", ReservedConcurrentExecutions=20),
    "Permission": resource("AWS::Lambda::Permission", Action="lambda:InvokeFunction"),
    "Distribution": resource(
        "AWS::CloudFront::Distribution", DistributionConfig={"Aliases": ["x.example"]}
    ),
    "EdgeFunction": resource("AWS::CloudFront::Function", Name="crd-x-site"),
    "OriginAccess": resource(
        "AWS::CloudFront::OriginAccessControl", OriginAccessControlConfig={"Name": "crd-x-buckets"}
    ),
    "CachePolicy": resource(
        "AWS::CloudFront::CachePolicy", CachePolicyConfig={"Name": "crd-x-avatars"}
    ),
    "HeadersPolicy": resource(
        "AWS::CloudFront::ResponseHeadersPolicy", ResponseHeadersPolicyConfig={"Name": "crd-x-site"}
    ),
    "Bucket": resource("AWS::S3::Bucket", BucketNamePrefix="crd-x-site"),
    "Record": resource("AWS::Route53::RecordSet", Name="x.example", Type="A", HostedZoneId="Z1"),
    "Project": resource(
        "AWS::CodeBuild::Project",
        Name="crd-x-image",
        Environment={"Type": "ARM_CONTAINER", "ComputeType": "BUILD_GENERAL1_MEDIUM"},
    ),
    "Connection": resource("AWS::CodeConnections::Connection", ConnectionName="crd-x-github"),
    "Namespace": resource("AWS::ServiceDiscovery::HttpNamespace", Name="crd-x-services"),
    "TraceGroup": resource("AWS::XRay::Group", GroupName="crd-x-service"),
    "SignIn": resource("AWS::Cognito::UserPoolDomain", Domain="crd-x"),
    "Pool": resource(
        "AWS::Cognito::UserPool",
        EmailConfiguration={"EmailSendingAccount": "DEVELOPER", "From": "no-reply@x.example"},
    ),
    "Role": resource("AWS::IAM::Role", ManagedPolicyArns=["arn:1", "arn:2"]),
    "Provider": resource(
        "AWS::IAM::OIDCProvider", Url="https://token.actions.githubusercontent.com"
    ),
    "Budget": resource("AWS::Budgets::Budget", Budget={"BudgetName": "crd-x-monthly"}),
}
ROLE = {
    "Role": {
        "Path": "/",
        "RoleName": "name",
        "RoleId": "AROAIOSFODNN7EXAMPLE",
        "Arn": "arn:aws:iam::000000000000:role/path/name",
        "CreateDate": "2026-01-01",
    }
}


def simulation(*denied: str) -> Any:
    """Return a simulation that denies some actions."""

    def simulate(parameters: dict[str, Any]) -> dict[str, Any]:
        return {
            "EvaluationResults": [
                {
                    "EvalActionName": action,
                    "EvalDecision": "implicitDeny" if action in denied else "allowed",
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


def builds(value: float, size: str = "Medium") -> dict[str, Any]:
    """Return the quotas of CodeBuild: one, with a *value*."""
    name = f"Concurrently running builds for ARM/{size} environment"
    return {"Quotas": [{"QuotaName": name, "QuotaCode": "L-12345678", "Value": value}]}


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


def caller(time: str = "") -> dict[str, Any]:
    """Return the answer of GetCallerIdentity, sent at a *time* of New Year's Day 2026."""
    headers = {"date": f"Thu, 01 Jan 2026 {time} GMT"} if time else {}
    return {"Account": "000000000000", "ResponseMetadata": {"HTTPHeaders": headers}}


IMMUTABLE = {"AWS::Lambda::Permission"}
NON_PROVISIONABLE = {"AWS::CodeBuild::Project"}


def types(*absent: str) -> Any:
    """Return the answer of ListTypes: one kind of types, without some that are *absent*."""
    present = {item["Type"] for item in RESOURCES.values()} - {*absent}
    kinds = {
        "FULLY_MUTABLE": present - IMMUTABLE - NON_PROVISIONABLE,
        "IMMUTABLE": present & IMMUTABLE,
        "NON_PROVISIONABLE": present & NON_PROVISIONABLE,
    }
    return lambda parameters: {
        "TypeSummaries": [
            {"TypeName": name}
            for name in sorted(kinds[parameters.get("ProvisioningType", "FULLY_MUTABLE")])
        ]
    }


def ready() -> dict[str, dict[str, Any]]:
    """Return the answers of an account in which nothing has to be fixed."""
    other = {"Aliases": {"Items": ["other.example"]}}
    return {
        "sts": {"get_caller_identity": caller("12:00:30")},
        "iam": {
            "get_role": ROLE,
            "simulate_principal_policy": simulation(),
            "list_open_id_connect_providers": {"OpenIDConnectProviderList": []},
        },
        "service-quotas": {"get_service_quota": quotas(), "list_service_quotas": builds(1)},
        "cloudformation": {"list_types": types()},
        "cloudcontrol": {"get_resource": refusal("ResourceNotFoundException")},
        "ec2": {
            "describe_vpcs": {"Vpcs": [{}]},
            "describe_addresses": {"Addresses": []},
            "describe_availability_zones": zones(3),
        },
        "elbv2": {"describe_load_balancers": {"LoadBalancers": [{}]}},
        "rds": {
            "describe_db_instances": {"DBInstances": []},
            "describe_orderable_db_instance_options": options(3),
        },
        "cloudfront": {
            "list_distributions": {"DistributionList": {"Items": [other]}},
            "describe_function": refusal("NoSuchFunctionExists"),
            "list_origin_access_controls": {"OriginAccessControlList": {}},
            "list_cache_policies": {"CachePolicyList": {}},
            "list_response_headers_policies": {"ResponseHeadersPolicyList": {}},
        },
        "route53": {
            "get_hosted_zone": ZONE,
            "list_resource_record_sets": {
                "ResourceRecordSets": [{"Name": "x.example.", "Type": "NS"}]
            },
        },
        "codebuild": {
            "batch_get_projects": {"projects": []},
            "list_builds": {"ids": ["other:1"]},
        },
        "codeconnections": {"list_connections": {"Connections": []}},
        "servicediscovery": {"list_namespaces": {"Namespaces": []}},
        "xray": {"get_groups": {"Groups": []}},
        "cognito-idp": {"describe_user_pool_domain": {"DomainDescription": {}}},
        "sesv2": {
            "get_email_identity": {"VerifiedForSendingStatus": True},
            "get_account": {"ProductionAccessEnabled": True},
        },
        "budgets": {
            "describe_budgets": {"Budgets": []},
            "describe_budget": refusal("NotFoundException"),
        },
    }


def preflight(
    service: str = "", operation: str = "", answer: Any = None, arn: str = ""
) -> list[tuple[str, str, str, str]]:
    """Return check, verdict, fact and action of results that are not ok.

    One *answer* of a ready account is changed. The connection, which is never ok, is left out.
    """
    answers = ready()
    if service:
        assert operation in answers[service]
        answers[service][operation] = answer
    account = Account(answers, **({"arn": arn} if arn else {}))
    return [
        (result.check, result.verdict, result.fact, result.action)
        for result in run(target(account, RESOURCES), CHECKS)
        if result.verdict != "ok" and result.check != "connection"
    ]
