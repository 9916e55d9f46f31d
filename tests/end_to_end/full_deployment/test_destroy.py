"""`destroy` without `--stack` deletes all resources that `deploy` has created."""

from __future__ import annotations

import contextlib
from pathlib import Path

import jmespath

from tests.emulator_server import REGION
from tests.end_to_end.checkout import Checkout
from tests.end_to_end.deployed import Deployed, describe_deployment

EMAIL = "anna@cruddur.example"
IMAGE, OTHER_IMAGE = b"\xff\xd8\xff image", b"\xff\xd8\xff another"
PAGE = b"<!doctype html><title>Cruddur</title>"
# By kind of resource: the service, the operation that lists the resources, the JMESPath of names.
RESOURCES = {
    "stacks": ("cloudformation", "describe_stacks", "Stacks[].StackName"),
    "exports": ("cloudformation", "list_exports", "Exports[].Name"),
    "buckets": ("s3", "list_buckets", "Buckets[].Name"),
    "tables": ("dynamodb", "list_tables", "TableNames[]"),
    "streams": ("dynamodbstreams", "list_streams", "Streams[].StreamArn"),
    "pools": ("cognito-idp", "list_user_pools", "UserPools[].Id"),
    "databases": ("rds", "describe_db_instances", "DBInstances[].DBInstanceIdentifier"),
    "subnet groups": ("rds", "describe_db_subnet_groups", "DBSubnetGroups[].DBSubnetGroupName"),
    "database parameters": (
        "rds",
        "describe_db_parameter_groups",
        "DBParameterGroups[].DBParameterGroupName",
    ),
    "functions": ("lambda", "list_functions", "Functions[].FunctionName"),
    "stream readers": ("lambda", "list_event_source_mappings", "EventSourceMappings[].UUID"),
    "queues": ("sqs", "list_queues", "QueueUrls[]"),
    "APIs": ("apigatewayv2", "get_apis", "Items[].ApiId"),
    "parameters": ("ssm", "describe_parameters", "Parameters[].Name"),
    "secrets": ("secretsmanager", "list_secrets", "SecretList[].ARN"),
    "distributions": ("cloudfront", "list_distributions", "DistributionList.Items[].Id"),
    "edge functions": ("cloudfront", "list_functions", "FunctionList.Items[].Name"),
    "origin access controls": (
        "cloudfront",
        "list_origin_access_controls",
        "OriginAccessControlList.Items[].Id",
    ),
    "cache policies": (
        "cloudfront",
        "list_cache_policies",
        "CachePolicyList.Items[?Type=='custom'].CachePolicy.Id",
    ),
    "response headers policies": (
        "cloudfront",
        "list_response_headers_policies",
        "ResponseHeadersPolicyList.Items[?Type=='custom'].ResponseHeadersPolicy.Id",
    ),
    "certificates": ("acm", "list_certificates", "CertificateSummaryList[].CertificateArn"),
    "networks": ("ec2", "describe_vpcs", "Vpcs[?!IsDefault].VpcId"),
    "security groups": (
        "ec2",
        "describe_security_groups",
        "SecurityGroups[?GroupName!='default'].GroupId",
    ),
    "endpoints": ("ec2", "describe_vpc_endpoints", "VpcEndpoints[].VpcEndpointId"),
    "load balancers": (
        "elbv2",
        "describe_load_balancers",
        "LoadBalancers[].LoadBalancerArn",
    ),
    "target groups": ("elbv2", "describe_target_groups", "TargetGroups[].TargetGroupArn"),
    "clusters": ("ecs", "list_clusters", "clusterArns[]"),
    "namespaces": ("servicediscovery", "list_namespaces", "Namespaces[].Id"),
    "repositories": ("ecr", "describe_repositories", "repositories[].repositoryName"),
    "roles": ("iam", "list_roles", "Roles[].RoleName"),
    "policies": ("iam", "list_policies", "Policies[?starts_with(PolicyName, 'crd-')].Arn"),
    "log groups": ("logs", "describe_log_groups", "logGroups[].logGroupName"),
    "topics": ("sns", "list_topics", "Topics[].TopicArn"),
    "tagged": (
        "resourcegroupstaggingapi",
        "get_resources",
        "ResourceTagMappingList[].ResourceARN",
    ),
}


def test_destroy_deletes_all_resources(restored):
    """`destroy` deletes all resources and their data; `deploy` and `destroy` can be repeated.

    Only the validation records of the certificates remain in the hosted zone, as on AWS.
    """
    checkout = restored
    first, created = describe_deployment(checkout), resources(checkout)
    fill(first)
    again, layers = checkout.run("deploy"), len({*first.outputs} | {"monitoring"})
    identifier = first.outputs["database"]["ResourceId"]
    before = traces(checkout, identifier)

    destroyed = checkout.run("destroy", "--yes")

    assert again.last.startswith(f"{layers} kept, in ")
    assert destroyed.last.startswith(f"{layers} deleted, in ")
    assert [kind for kind in RESOURCES if kind not in created] == []
    assert (resources(checkout), traces(checkout, identifier), checkout.stacks()) == ({}, [], {})
    assert {kind for _, kind in records(checkout)} == {"NS", "SOA", "CNAME"}
    assert all(name.startswith("_") for name, kind in records(checkout) if kind == "CNAME")
    assert before
    remaining = records(checkout)

    second = checkout.run("deploy")
    deployed = describe_deployment(checkout)
    with deployed.master() as master:
        tables = master.execute("SELECT 1 FROM pg_tables WHERE tablename = 'kept'").fetchall()
    items = checkout.client("dynamodb").scan(TableName=deployed.outputs["messages"]["Table"])[
        "Items"
    ]
    users = checkout.client("cognito-idp").list_users(UserPoolId=deployed.outputs["users"]["Pool"])
    checkout.run("destroy", "--yes")

    assert second.last.startswith(f"{layers} created, in ")
    assert (tables, items, users["Users"]) == ([], [], [])
    assert ({}, remaining) == (resources(checkout), records(checkout))


def fill(deployed: Deployed) -> None:
    """Store data in every stack that can hold data."""
    item = {"pk": {"S": "MSG#one"}, "sk": {"S": "now"}}
    deployed.client("dynamodb").put_item(TableName=deployed.outputs["messages"]["Table"], Item=item)
    deployed.put(deployed.outputs["assets"]["AvatarBucket"], "avatars/anna.jpg", IMAGE)
    deployed.put(deployed.outputs["assets"]["AvatarBucket"], "avatars/anna.jpg", OTHER_IMAGE)
    deployed.put(deployed.outputs["cdn"]["SiteBucket"], "index.html", PAGE)
    deployed.client("cognito-idp").admin_create_user(
        UserPoolId=deployed.outputs["users"]["Pool"], Username=EMAIL, MessageAction="SUPPRESS"
    )
    with deployed.master() as master:
        master.execute("CREATE TABLE kept AS SELECT 1 AS one")


def resources(checkout: Checkout) -> dict[str, list[str]]:
    """Return the resources of the account in both regions, by kind; leave out empty kinds."""
    found: dict[str, list[str]] = {}
    for kind, (service, action, path) in RESOURCES.items():
        options = {"MaxResults": 60} if action == "list_user_pools" else {}
        for region in (REGION, "us-east-1"):
            answer = getattr(checkout.client(service, region), action)(**options)
            if names := jmespath.search(path, answer):
                found.setdefault(kind, []).extend(names)
    return found


def records(checkout: Checkout) -> list[tuple[str, str]]:
    """Return names and types of the records in the hosted zone."""
    route53 = checkout.client("route53")
    [zone] = route53.list_hosted_zones()["HostedZones"]
    found = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    return sorted((record["Name"], record["Type"]) for record in found)


def traces(checkout: Checkout, identifier: str) -> list[str]:
    """Return the files and processes of a database on this machine."""
    files = [str(file) for file in (checkout.emulator / "databases").glob(f"{identifier}*")]
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if identifier.encode() in (process / "cmdline").read_bytes():
                files.append(str(process))
    return files
