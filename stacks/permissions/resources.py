"""The resources that the permissions cover: their names and ARNs."""

from __future__ import annotations

from troposphere import Sub

from deployer.model import Env, Value
from stacks.parts.buckets import bucket_arn, objects
from stacks.parts.names import arn, resource_name

CLOUDFRONT_REGION = "us-east-1"  # Also aws:RequestedRegion of requests to IAM and Route 53.

# Stacks that only an administrator deploys: they define the permissions of releases and the role
# that publishes the site.
MANUAL_STACKS = ["foundation", "pipeline", "site-publisher"]

# Stacks of a release with resources whose generated names start with the name of the stack.
STACKS_WITH_ROLES = ["avatars", "messages", "network", "posts", "service", "users", "verifier"]
STACKS_WITH_SCHEDULES = ["posts", "users"]
STACKS_WITH_TOPICS = ["assets"]

# Resources of a release that config or a stack names.
BUCKET_NAMES = ["access-logs", "avatars", "cdn-logs", "pictures", "site", "uploads"]
DASHBOARD = "overview"
DATABASE_USERS = ["application", "migrator"]
HOST_PREFIXES = ["", "www.", "assets.", "api."]  # Of the distributions and the load balancer.

# AWS services that assume roles of a release, and that invoke its functions.
ROLE_SERVICES = ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com", "vpc-flow-logs.amazonaws.com"]
INVOKING_SERVICES = [
    "apigateway.amazonaws.com",
    "cognito-idp.amazonaws.com",
    "events.amazonaws.com",
    "s3.amazonaws.com",
]


def regions(env: Env) -> list[str]:
    """Return the regions of the stacks: that of the environment, and that of CloudFront."""
    return sorted({env.region, CLOUDFRONT_REGION})


def roles(env: Env) -> list[Value]:
    """Return the ARN patterns of the roles: AWS advises against tag conditions for iam:PassRole."""
    return [arn("iam", f"role/{resource_name(env, f'{stack}-*')}") for stack in STACKS_WITH_ROLES]


def log_groups(env: Env, stack: str) -> Value:
    """Return the ARN pattern of the log groups of *stack*, whose names CloudFormation generates."""
    return arn("logs", f"log-group:{resource_name(env, f'{stack}-*')}")


def bucket(env: Env, name: str) -> Value:
    """Return the ARN of a bucket in any region.

    The ARN contains the complete name of the bucket, because IAM evaluates the tags of a bucket only
    if attribute-based access control is enabled for it.
    """
    return Sub(f"arn:${{AWS::Partition}}:s3:::{resource_name(env, name)}-${{AWS::AccountId}}-*-an")


def bucket_objects(env: Env, name: str) -> Value:
    """Return the ARN pattern of the objects in a bucket of this region."""
    return objects(bucket_arn(env, name))


def topics(env: Env) -> list[Value]:
    """Return the ARN patterns of the topics."""
    return [arn("sns", resource_name(env, f"{stack}-*")) for stack in STACKS_WITH_TOPICS]


def schedules(env: Env) -> list[Value]:
    """Return the ARN patterns of the EventBridge rules."""
    return [
        arn("events", f"rule/{resource_name(env, f'{stack}-*')}") for stack in STACKS_WITH_SCHEDULES
    ]


def databases(env: Env) -> list[Value]:
    """Return the ARN patterns of instances, parameter groups, snapshots and subnet groups."""
    return [
        arn("rds", f"{kind}:{resource_name(env, '*')}")
        for kind in ("db", "pg", "snapshot", "subgrp")
    ]


def ecs_resources(env: Env) -> list[Value]:
    """Return the ARN patterns of clusters, services, service deployments and task definitions.

    A service is named by config, but its ARN contains the name of the cluster.
    """
    in_cluster = f"{resource_name(env, 'cluster')}/*"
    return [
        arn("ecs", f"cluster/{resource_name(env, '*')}"),
        arn("ecs", f"service/{in_cluster}"),
        arn("ecs", f"service-deployment/{in_cluster}"),
        arn("ecs", f"task-definition/{resource_name(env, '*')}"),
    ]


def scaling_alarms(env: Env) -> Value:
    """Return the ARN pattern of the alarms that Application Auto Scaling creates."""
    return arn("cloudwatch", f"alarm:TargetTracking-service/{resource_name(env, 'cluster')}/*")


def tracing(env: Env) -> Value:
    """Return the ARN pattern of the groups of X-Ray."""
    return arn("xray", f"group/{resource_name(env, '*')}")


def apis() -> list[Value]:
    """Return the ARN patterns of all HTTP APIs; these ARNs contain no account.

    AWS generates the ids of APIs, and the parts of an API do not inherit its tags (API Gateway
    developer guide, resources that can be tagged). So each environment may change all APIs of its
    account.
    """
    region = "arn:${AWS::Partition}:apigateway:${AWS::Region}::"
    return [Sub(f"{region}{path}") for path in ("/apis", "/apis/*", "/tags/*")]


def cloudfront_policies() -> list[Value]:
    """Return the ARN patterns of all policies and origin access controls of CloudFront.

    AWS generates their ids and they have no tags, so each environment may change all of them in its
    account.
    """
    kinds = ("cache-policy", "origin-access-control", "response-headers-policy")
    return [arn("cloudfront", f"{kind}/*") for kind in kinds]


def log_deliveries(env: Env) -> list[Value]:
    """Return the ARN patterns of CloudFront's log deliveries, which are in CloudFront's region."""
    region = f"arn:${{AWS::Partition}}:logs:{CLOUDFRONT_REGION}:${{AWS::AccountId}}"
    kinds = ("delivery-destination", "delivery-source")
    return [Sub(f"{region}:{kind}:{resource_name(env, '*')}") for kind in kinds]


def hosted_zone(env: Env) -> Value:
    """Return the ARN of the hosted zone."""
    return Sub(f"arn:${{AWS::Partition}}:route53:::hostedzone/{env.hosted_zone}")


def hosts(env: Env) -> list[str]:
    """Return the host names of the environment."""
    return [f"{prefix}{env.domain}" for prefix in HOST_PREFIXES]


def secrets(env: Env) -> Value:
    """Return the ARN pattern of the Parameter Store parameters of the environment."""
    return arn("ssm", f"parameter/{env.prefix}/{env.name}/*")


def global_arn(service: str, resource: str) -> Value:
    """Return the ARN of a resource that exists once per account, not per region."""
    return Sub(f"arn:${{AWS::Partition}}:{service}::${{AWS::AccountId}}:{resource}")
