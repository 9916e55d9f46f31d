"""MiniStack's modules of AWS services, and calls to their functions."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

from emulator.ministack import names
from emulator.ministack.context import Response, text_of

acm = names.module("services.acm")
alb = names.module("services.alb")
apigateway = names.module("services.apigateway")
budgets = names.module("services.budgets")
cloudfront = names.module("services.cloudfront")
cloudfront_functions = names.module("core.cloudfront_js")
codebuild = names.module("services.codebuild")
cognito = names.module("services.cognito")
dynamodb = names.module("services.dynamodb")
ec2 = names.module("services.ec2")
ecr = names.module("services.ecr")
ecs = names.module("services.ecs")
iam = names.module("services.iam")
iam_actions = names.module("core.iam_actions")
lambda_ = names.module("services.lambda_svc")
lambda_workers = names.module("core.lambda_runtime")
rds = names.module("services.rds")
route53 = names.module("services.route53")
s3 = names.module("services.s3")
secretsmanager = names.module("services.secretsmanager")
sns = names.module("services.sns")
sts = names.module("services.sts")

ec2_actions: dict[str, Callable[..., Response]] = names.name(ec2, "_ACTION_MAP")
ecs_actions: dict[str, Callable[..., Response]] = names.name(ecs, "_ACTION_MAP")
rds_actions: dict[str, Callable[..., Response]] = names.name(rds, "_ACTION_MAP")
s3_error: Callable[[str, str, int], Response] = names.name(s3, "_error")
find_user_pool: Callable[[str], Any] = names.name(cognito, "_get_pool_unscoped")
zones: Any = names.name(route53, "_zones")  # Hosted zones by id.
records: Any = names.name(route53, "_records")  # Record sets by the id of their zone.
_default_records: Callable[[str], Any] = names.name(route53, "_default_records")
object_body: Callable[[str, str, str | None], bytes | None] = names.name(s3, "_get_object_data")
bucket_owner: Callable[[str], str | None] = names.name(s3, "_bucket_owner_account")
buckets: Any = names.name(s3, "_buckets")
# A function by name or ARN: its record, its configuration and its name.
find_function: Callable[[str], tuple[dict[str, Any] | None, Any, str]] = names.name(
    lambda_, "_get_func_record_for_ref"
)
_execution_record: Callable[[Any, Any], Any] = names.name(lambda_, "_execution_record_for_config")
_execute: Callable[[Any, dict[str, Any]], dict[str, Any]] = names.name(
    lambda_, "_execute_function_with_config_scope"
)


def refusal(message: str, service: str, status: int = http.client.BAD_REQUEST) -> ValueError:
    """Return the error with which a resource of a stack fails, in CloudFormation's words."""
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


def create_hosted_zone(zone_id: str, domain: str) -> None:
    """Create a public hosted zone with this id in the account in scope, if it has none."""
    if zone_id in zones:
        return
    name = domain.rstrip(".") + "."
    zones[zone_id] = {
        "id": zone_id,
        "name": name,
        "caller_reference": f"by-hand-{zone_id}",
        "comment": "by hand, before the first deploy",
        "private": False,
        "vpcs": [],
    }
    records[zone_id] = _default_records(name)


def run_function(function: str, event: dict[str, Any]) -> dict[str, Any]:
    """Run an existing function; the result has `body`, and `error` if it failed."""
    record, configuration, _ = find_function(function)
    return _execute(_execution_record(record, configuration), event)
