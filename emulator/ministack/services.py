"""MiniStack's modules of AWS services, and what several `emulator.patches` use of them."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

from emulator.ministack import lookup
from emulator.ministack.context import Response, text_of

acm = lookup.module("services.acm")
alb = lookup.module("services.alb")
apigateway = lookup.module("services.apigateway")
budgets = lookup.module("services.budgets")
cloudfront = lookup.module("services.cloudfront")
cloudfront_functions = lookup.module("core.cloudfront_js")
cloudwatch_logs = lookup.module("services.cloudwatch_logs")
codebuild = lookup.module("services.codebuild")
cognito = lookup.module("services.cognito")
dynamodb = lookup.module("services.dynamodb")
ec2 = lookup.module("services.ec2")
ecr = lookup.module("services.ecr")
ecs = lookup.module("services.ecs")
iam = lookup.module("services.iam")
iam_actions = lookup.module("core.iam_actions")
lambda_ = lookup.module("services.lambda_svc")
lambda_workers = lookup.module("core.lambda_runtime")
rds = lookup.module("services.rds")
route53 = lookup.module("services.route53")
s3 = lookup.module("services.s3")
secretsmanager = lookup.module("services.secretsmanager")
ses = lookup.module("services.ses")
ses_v2 = lookup.module("services.ses_v2")
sns = lookup.module("services.sns")
ssm = lookup.module("services.ssm")
sts = lookup.module("services.sts")

certificates: Any = lookup.attribute(acm, "_certificates")  # By ARN.
distributions: Any = lookup.attribute(cloudfront, "_distributions")  # By id.
origin_access_controls: Any = lookup.attribute(cloudfront, "_oacs")  # By id.
ec2_actions: dict[str, Callable[..., Response]] = lookup.attribute(ec2, "_ACTION_MAP")
ecs_actions: dict[str, Callable[..., Response]] = lookup.attribute(ecs, "_ACTION_MAP")
rds_actions: dict[str, Callable[..., Response]] = lookup.attribute(rds, "_ACTION_MAP")
s3_error: Callable[[str, str, int], Response] = lookup.attribute(s3, "_error")
find_user_pool: Callable[[str], Any] = lookup.attribute(cognito, "_get_pool_unscoped")
zones: Any = lookup.attribute(route53, "_zones")  # Hosted zones by id.
records: Any = lookup.attribute(route53, "_records")  # Record sets by the id of their zone.
_default_records: Callable[[str], Any] = lookup.attribute(route53, "_default_records")
object_body: Callable[[str, str, str | None], bytes | None] = lookup.attribute(
    s3, "_get_object_data"
)
bucket_owner: Callable[[str], str | None] = lookup.attribute(s3, "_bucket_owner_account")
# Whether the policy of a bucket of another account allows a request.
bucket_allows: Callable[..., bool] = lookup.attribute(s3, "_foreign_bucket_allows")
buckets: Any = lookup.attribute(s3, "_buckets")
subnets: Any = lookup.attribute(ec2, "_subnets")  # By id.
log_groups: Any = lookup.attribute(cloudwatch_logs, "_log_groups")  # By name.
_create_log_stream: Callable[[dict[str, Any]], Response] = lookup.attribute(
    cloudwatch_logs, "_create_log_stream"
)
_put_log_events: Callable[[dict[str, Any]], Response] = lookup.attribute(
    cloudwatch_logs, "_put_log_events"
)
parameter_value: Callable[..., str | None] = lookup.attribute(ssm, "resolve_parameter_value")
secret_string: Callable[[str], str | None] = lookup.attribute(
    secretsmanager, "resolve_secret_string"
)
# Find a function by name or ARN; returns its record, its configuration and its name.
find_function: Callable[[str], tuple[dict[str, Any] | None, Any, str]] = lookup.attribute(
    lambda_, "_get_func_record_for_ref"
)
_execution_record: Callable[[Any, Any], Any] = lookup.attribute(
    lambda_, "_execution_record_for_config"
)
_execute: Callable[[Any, dict[str, Any]], dict[str, Any]] = lookup.attribute(
    lambda_, "_execute_function_with_config_scope"
)


def refusal(message: str, service: str, status: int = http.client.BAD_REQUEST) -> ValueError:
    """Return the error of a stack resource that *service* refused, in CloudFormation's format."""
    return ValueError(f"{message} (Service: {service}, Status Code: {status})")


def call_ec2(action: str, **params: str) -> ET.Element:
    """Call an action of EC2's API in the account and region in scope; raise ValueError if refused.

    Parameters are those of the query protocol, with underscores for dots:
    `IpPermissions.1.IpProtocol` is IpPermissions_1_IpProtocol.
    """
    query = {key.replace("_", "."): [value] for key, value in params.items()}
    status, _, body = ec2_actions[action](query)
    root = ET.fromstring(body)  # noqa: S314  MiniStack's own response.
    if status >= http.client.BAD_REQUEST:
        raise refusal(text_of(root, "Message"), "Ec2", status)
    return root


def call_ecs(action: str, **data: Any) -> None:
    """Call an action of ECS's API in the account and region in scope."""
    status, _, body = ecs_actions[action](data)
    if status >= http.client.BAD_REQUEST:
        raise refusal(json.loads(body)["message"], "Ecs", status)


def create_log_stream(group: str, stream: str) -> None:
    """Create a log stream in an existing group of the account and region in scope."""
    _create_log_stream({"logGroupName": group, "logStreamName": stream})


def put_log_events(group: str, stream: str, events: list[dict[str, Any]]) -> None:
    """Append events, each with a timestamp in milliseconds and a message, to a log stream."""
    _put_log_events({"logGroupName": group, "logStreamName": stream, "logEvents": events})


def create_hosted_zone(zone_id: str, domain: str) -> None:
    """Create a public hosted zone with this id in the account in scope, unless it exists."""
    if zone_id in zones:
        return
    name = domain.rstrip(".") + "."
    zones[zone_id] = {
        "id": zone_id,
        "name": name,
        "caller_reference": f"manual-{zone_id}",
        "comment": "created manually before the first deployment",
        "private": False,
        "vpcs": [],
    }
    records[zone_id] = _default_records(name)


def run_function(function: str, event: dict[str, Any]) -> dict[str, Any]:
    """Run an existing function; the result has `body`, and `error` if it failed."""
    record, configuration, _ = find_function(function)
    return _execute(_execution_record(record, configuration), event)
